//! A server that runs as a child process.

use std::{
    env, io,
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use mcp_client_core::child::{self, Signal, Tail};
use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    task::JoinHandle,
    time::timeout,
};

/// A running server. Dropped before it has [ended](Self::end), it is killed with all it started.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Option<u32>,
    errors: JoinHandle<()>,
}

/// The end of what a server wrote to standard error so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Stderr(Arc<Mutex<Tail>>);

impl Process {
    /// Makes a command that starts the server with a [reduced environment](child::environment).
    pub(super) fn prepare(mut command: Command) -> tokio::process::Command {
        let environment = child::environment(env::vars_os(), command.get_envs());
        command.env_clear().envs(environment);
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

    /// Ready when the server has ended, and its pipes should have by now.
    pub(super) async fn gone(&mut self) {
        // Whatever it says: there is nobody to wait for any more.
        let _ = self.child.wait().await;
        tokio::time::sleep(child::LINGER).await;
    }

    /// Ends the server, whose input the caller has closed: waits, then asks it to end, then kills
    /// it and its group, as [`child::SHUTDOWN`] has it. No zombie is left.
    pub(super) async fn end(mut self) -> io::Result<ExitStatus> {
        let mut ended = None;
        for (grace, signal) in child::SHUTDOWN {
            if let Ok(status) = timeout(grace, self.child.wait()).await {
                ended = Some(status);
                break;
            }
            self.signal_group(signal);
        }
        // What it has left behind.
        self.signal_group(Signal::Kill);
        self.group = None;
        match ended {
            Some(status) => status,
            None => {
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

impl Stderr {
    pub(super) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.text()
    }

    // Reads to the end, so that the server never blocks on a full pipe, and keeps the last of it.
    async fn keep(self, mut errors: ChildStderr) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = errors.read(&mut buffer).await {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push(&buffer[..count]);
        }
    }
}
