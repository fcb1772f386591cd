//! A server that runs as a child process.

use std::{
    env,
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_io::Timer;
use async_process::{Child, ChildStderr, ChildStdin, ChildStdout};
use futures_io::AsyncRead;
use mcp_client_core::child::{self, Signal, Tail};

use crate::Runtime;

/// A running server. Dropped before it has [ended](Self::end), it is killed with all it started.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Option<u32>,
    stderr: Stderr,
}

/// The end of what a server wrote to standard error so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Stderr(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    tail: Tail,
    // Nothing more is to be read, although something that the server left behind may write.
    ended: bool,
    reader: Option<Waker>,
}

impl Process {
    /// Makes a command that starts the server with a [reduced environment](child::environment).
    pub(super) fn prepare(mut command: Command) -> async_process::Command {
        let environment = child::environment(env::vars_os(), command.get_envs());
        command.env_clear().envs(environment);
        // Its own group, so that what it starts (a package runner's real server) ends with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut command = async_process::Command::from(command);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(super) fn spawn<R: Runtime>(
        command: &mut async_process::Command,
    ) -> io::Result<(Self, Stderr, ChildStdin, ChildStdout)> {
        let mut child = command.spawn().map_err(|error| {
            let program = command.get_program().to_string_lossy();
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
        R::spawn(Box::pin(stderr.clone().keep(errors)));
        Ok((
            Self {
                group: Some(child.id()),
                child,
                stderr: stderr.clone(),
            },
            stderr,
            input,
            output,
        ))
    }

    /// Ready when the server has ended, and its pipes should have by now.
    pub(super) async fn gone(&mut self) {
        // Whatever it says: there is nobody to wait for any more.
        let _ = self.child.status().await;
        Timer::after(child::LINGER).await;
    }

    /// Ends the server, whose input the caller has closed: waits, then asks it to end, then kills
    /// it and its group, as [`child::SHUTDOWN`] has it. No zombie is left.
    pub(super) async fn end(mut self) -> io::Result<ExitStatus> {
        let mut ended = None;
        for (grace, signal) in child::SHUTDOWN {
            ended = within(grace, self.child.status()).await;
            if ended.is_some() {
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
                self.child.kill()?;
                self.child.status().await
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
        self.stderr.end();
    }
}

impl Stderr {
    pub(super) fn text(&self) -> String {
        self.lock().tail.text()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Consistent even after a panic: nothing here stops half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        let mut kept = self.lock();
        kept.ended = true;
        let reader = kept.reader.take();
        drop(kept);
        if let Some(waker) = reader {
            waker.wake();
        }
    }

    // Reads to the end, so that the server never blocks on a full pipe, and keeps the last of it.
    async fn keep(self, mut errors: ChildStderr) {
        let mut buffer = [0; 4096];
        poll_fn(|context| self.poll_keep(&mut errors, &mut buffer, context)).await;
    }

    fn poll_keep(
        &self,
        errors: &mut ChildStderr,
        buffer: &mut [u8],
        context: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            let read = Pin::new(&mut *errors).poll_read(context, buffer);
            let mut kept = self.lock();
            match read {
                Poll::Ready(Ok(count @ 1..)) if !kept.ended => {
                    kept.tail.push(&buffer[..count]);
                }
                Poll::Pending if !kept.ended => {
                    kept.reader = Some(context.waker().clone());
                    return Poll::Pending;
                }
                _ => return Poll::Ready(()),
            }
        }
    }
}

// `None` where it takes longer.
async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let (mut future, mut timer) = (pin!(future), Timer::after(limit));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Pin::new(&mut timer).poll(context).map(|_| None),
    })
    .await
}
