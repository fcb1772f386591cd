//! A server that runs as a child process.

use std::{
    collections::VecDeque,
    env,
    ffi::OsString,
    io::{self, Read},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
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

/// Reduces the server's environment to [`INHERITED`] and what `command` sets, and keeps its
/// standard streams apart.
pub(super) fn prepare(command: &mut Command) {
    reduce_environment(command);
    // Its own group, so that what it starts (a package runner's real server) ends with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
}

/// A running server and what it wrote to standard error.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    stderr: Arc<Mutex<VecDeque<u8>>>,
}

impl Server {
    /// Starts a server by a command that was [prepared](prepare).
    pub(super) fn spawn(command: &mut Command) -> io::Result<(Self, ChildStdin, ChildStdout)> {
        let mut child = command.spawn().map_err(|error| explain(command, &error))?;
        let stderr = Arc::new(Mutex::new(VecDeque::new()));
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other(
                "the server's standard streams are no pipes",
            ));
        };
        let kept = Arc::clone(&stderr);
        thread::Builder::new()
            .name("mcp-stderr".into())
            .spawn(move || keep_tail(errors, &kept))?;
        Ok((Self { child, stderr }, input, output))
    }

    /// The end of what the server wrote to standard error so far.
    pub(super) fn stderr(&self) -> String {
        let kept = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let (front, back) = kept.as_slices();
        String::from_utf8_lossy(&[front, back].concat()).into_owned()
    }

    /// Ends the server, whose input the caller has closed: waits, then asks it to end, then kills
    /// it and its group (2025-11-25, lifecycle, stdio shutdown). No zombie is left.
    pub(super) fn end(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.wait(GRACE)? {
            self.signal_group(Signal::Kill);
            return Ok(status);
        }
        self.signal_group(Signal::Terminate);
        if let Some(status) = self.wait(GRACE)? {
            self.signal_group(Signal::Kill);
            return Ok(status);
        }
        self.signal_group(Signal::Kill);
        self.child.kill()?;
        self.child.wait()
    }

    // std can only wait for ever; looking often at first keeps the usual, quick end quick.
    fn wait(&mut self, grace: Duration) -> io::Result<Option<ExitStatus>> {
        let end = Instant::now() + grace;
        let mut pause = Duration::from_micros(200);
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= end {
                return Ok(None);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
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
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, signal);
        }
    }

    #[cfg(not(unix))]
    fn signal_group(&self, _: Signal) {}
}

#[derive(Clone, Copy)]
enum Signal {
    Terminate,
    Kill,
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

fn explain(command: &Command, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!(
            "cannot start {}: {error}",
            command.get_program().to_string_lossy()
        ),
    )
}

// Reads to the end, so that the server never blocks on a full pipe, and keeps the last of it.
fn keep_tail(mut errors: ChildStderr, kept: &Mutex<VecDeque<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = errors.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&buffer[..count]);
        let excess = kept.len().saturating_sub(STDERR_BYTES);
        kept.drain(..excess);
    }
}
