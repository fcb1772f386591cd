//! A server that runs as a child process.

use std::{
    collections::VecDeque,
    env,
    ffi::OsString,
    io,
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    task::JoinHandle,
    time::timeout,
};

/// The variables that a server inherits unless it is given more: what programs need to run at all,
/// and nothing that may hold a secret.
#[cfg(not(windows))]
const INHERITED: &[&str] = &[
    "HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER",
];
#[cfg(windows)]
const INHERITED: &[&str] = &[
    "APPDATA",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "PATH",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERPROFILE",
];

/// How long each step of the shutdown may take: ending its input, then asking, then killing.
const GRACE: Duration = Duration::from_secs(2);
/// How much of standard error is kept: enough for a panic with its backtrace.
const STDERR_BYTES: usize = 64 * 1024;

/// A running server. Dropped before it has [ended](Self::end), it is killed with all it started.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Option<u32>,
    errors: JoinHandle<()>,
}

/// The end of what a server wrote to standard error so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Stderr(Arc<Mutex<VecDeque<u8>>>);

impl Process {
    /// Makes a command that starts the server with an environment reduced to [`INHERITED`] and
    /// what `command` sets.
    pub(super) fn prepare(mut command: Command) -> tokio::process::Command {
        reduce_environment(&mut command);
        // Its own group, so that what it starts (a package runner's real server) ends with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut command = tokio::process::Command::from(command);
        command.kill_on_drop(true);
        command
    }

    pub(super) fn spawn(
        command: &mut tokio::process::Command,
    ) -> io::Result<(Self, Stderr, ChildStdin, ChildStdout)> {
        let mut child = command.spawn().map_err(|error| {
            let program = command.as_std().get_program().to_string_lossy();
            io::Error::new(error.kind(), format!("cannot start {program}: {error}"))
        })?;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other(
                "the server's standard streams are no pipes",
            ));
        };
        let stderr = Stderr::default();
        let errors = tokio::spawn(stderr.clone().keep(errors));
        Ok((
            Self {
                group: child.id(),
                child,
                errors,
            },
            stderr,
            input,
            output,
        ))
    }

    /// Ends the server, whose input the caller has closed: waits, then asks it to end, then kills
    /// it and its group (2025-11-25, lifecycle, stdio shutdown). No zombie is left.
    pub(super) async fn end(mut self) -> io::Result<ExitStatus> {
        let mut ended = timeout(GRACE, self.child.wait()).await;
        if ended.is_err() {
            self.signal_group(Signal::Terminate);
            ended = timeout(GRACE, self.child.wait()).await;
        }
        self.signal_group(Signal::Kill);
        self.group = None;
        match ended {
            Ok(status) => status,
            Err(_) => {
                self.child.start_kill()?;
                self.child.wait().await
            }
        }
    }

    #[cfg(unix)]
    fn signal_group(&self, signal: Signal) {
        use rustix::process::{Pid, kill_process_group};

        let signal = match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        // Fails where the group is gone, which is what is wanted.
        if let Some(group) = self
            .group
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw)
        {
            let _ = kill_process_group(group, signal);
        }
    }

    #[cfg(not(unix))]
    fn signal_group(&self, _: Signal) {}
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal_group(Signal::Kill);
        self.errors.abort();
    }
}

#[derive(Clone, Copy)]
enum Signal {
    Terminate,
    Kill,
}

impl Stderr {
    pub(super) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (front, back) = kept.as_slices();
        String::from_utf8_lossy(&[front, back].concat()).into_owned()
    }

    // Reads to the end, so that the server never blocks on a full pipe, and keeps the last of it.
    async fn keep(self, mut errors: ChildStderr) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = errors.read(&mut buffer).await {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend(&buffer[..count]);
            let excess = kept.len().saturating_sub(STDERR_BYTES);
            kept.drain(..excess);
        }
    }
}

fn reduce_environment(command: &mut Command) {
    let given: Vec<(OsString, Option<OsString>)> = command
        .get_envs()
        .map(|(name, value)| (name.into(), value.map(Into::into)))
        .collect();
    command.env_clear();
    for name in INHERITED {
        // A value that is an exported shell function could run code in a shell below.
        if let Some(value) =
            env::var_os(name).filter(|value| !value.to_string_lossy().starts_with("()"))
        {
            command.env(name, value);
        }
    }
    for (name, value) in given {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}
