//! A server that runs as a child process.

use std::{
    env,
    io::{self, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use mcp_client_core::child::{self, Signal, Tail};

use super::{
    pipes::{HangUp, Pipes},
    stream::Outlet,
};

/// How to read a server, and how to write to it.
pub(super) type Streams = (Box<dyn Read + Send>, Box<dyn Outlet>);

/// [Reduces](child::environment) the server's environment, and keeps its standard streams apart.
pub(super) fn prepare(command: &mut Command) {
    let environment = child::environment(env::vars_os(), command.get_envs());
    command.env_clear().envs(environment);
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
    stderr: Arc<Mutex<Tail>>,
    hang_up: Option<HangUp>,
    // Dropped when it has ended: what it has left behind may say more, but not to us.
    errors_hang_up: Option<HangUp>,
}

impl Server {
    /// Starts a server by a command that was [prepared](prepare).
    pub(super) fn spawn(command: &mut Command) -> io::Result<(Self, Streams)> {
        let mut child = command.spawn().map_err(|error| explain(command, &error))?;
        let pipes = Pipes::of(&mut child)?;
        let stderr = Arc::<Mutex<Tail>>::default();
        let (errors, kept) = (pipes.errors, Arc::clone(&stderr));
        thread::Builder::new()
            .name("mcp-stderr".into())
            .spawn(move || keep_tail(errors, &kept))?;
        let server = Self {
            child,
            stderr,
            hang_up: Some(pipes.hang_up),
            errors_hang_up: Some(pipes.errors_hang_up),
        };
        Ok((server, (Box::new(pipes.output), Box::new(pipes.input))))
    }

    /// The end of what the server wrote to standard error so far.
    pub(super) fn stderr(&self) -> String {
        let kept = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        kept.text()
    }

    /// Ends the server, whose input the caller has closed: waits, then asks it to end, then kills
    /// it and its group, as [`child::SHUTDOWN`] has it. No zombie is left.
    pub(super) fn end(&mut self) -> io::Result<ExitStatus> {
        // Whoever still reads or writes lets go of the pipes.
        self.hang_up = None;
        let ended = self.end_process();
        self.errors_hang_up = None;
        ended
    }

    fn end_process(&mut self) -> io::Result<ExitStatus> {
        let mut ended = None;
        for (grace, signal) in child::SHUTDOWN {
            ended = self.wait(grace)?;
            if ended.is_some() {
                break;
            }
            self.signal_group(signal);
        }
        // What it has left behind.
        self.signal_group(Signal::Kill);
        match ended {
            Some(status) => Ok(status),
            None => {
                self.child.kill()?;
                self.child.wait()
            }
        }
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
fn keep_tail(mut errors: impl Read, kept: &Mutex<Tail>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = errors.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(&buffer[..count]);
    }
}
