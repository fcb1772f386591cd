//! The pipes to a child process, from which a thread can be called back.
//!
//! A thread that reads from a pipe waits until somebody writes or nobody can any more; and that
//! may be another process than the server, to which the server has left its ends. So every thread
//! here waits for the [`HangUp`] as well, and for the server's own end.

use std::{
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    sync::Arc,
    time::{Duration, Instant},
};

use mcp_client_core::child::{LINGER, Tail};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
};

use super::stream::Outlet;

/// Ends all waiting on the pipes when it is dropped.
#[derive(Debug)]
pub(super) struct HangUp(#[expect(dead_code, reason = "it is there to be dropped")] UnixStream);

/// The server's standard streams.
pub(super) struct Pipes {
    pub(super) input: Input,
    pub(super) output: Output<ChildStdout>,
    pub(super) errors: Output<ChildStderr>,
    pub(super) hang_up: HangUp,
    pub(super) errors_hang_up: HangUp,
}

impl Pipes {
    /// Takes the streams of a child that was started with pipes.
    pub(super) fn of(child: &mut Child) -> io::Result<Self> {
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other(
                "the server's standard streams are no pipes",
            ));
        };
        // Our end's own property: the server has the other one.
        rustix::fs::fcntl_setfl(&input, OFlags::WRONLY | OFlags::NONBLOCK)?;
        let (hang_up, hung_up) = UnixStream::pair()?;
        let (errors_hang_up, errors_hung_up) = UnixStream::pair()?;
        let hung_up = Arc::new(hung_up);
        Ok(Self {
            input: Input {
                pipe: input,
                hung_up: Arc::clone(&hung_up),
            },
            output: Output {
                pipe: output,
                hung_up,
                rest: 0,
                child: watch(child),
                last: None,
            },
            errors: Output {
                pipe: errors,
                hung_up: Arc::new(errors_hung_up),
                rest: Tail::BYTES,
                child: None,
                last: None,
            },
            hang_up: HangUp(hang_up),
            errors_hang_up: HangUp(errors_hang_up),
        })
    }
}

// Readable once the child has ended. Without it, only the pipes tell.
#[cfg(target_os = "linux")]
fn watch(child: &Child) -> Option<OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw)?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn watch(_: &Child) -> Option<OwnedFd> {
    None
}

/// Standard output or error.
pub(super) struct Output<P> {
    pipe: P,
    hung_up: Arc<UnixStream>,
    // So much is still read after the end.
    rest: usize,
    child: Option<OwnedFd>,
    // When to believe that nothing more comes, though somebody holds the pipe.
    last: Option<Instant>,
}

impl<P: Read + AsFd> Output<P> {
    // Waits until there is something to read, or no more will be; tells whether there is.
    fn wait(&mut self) -> io::Result<bool> {
        loop {
            let left = self
                .last
                .map(|last| last.saturating_duration_since(Instant::now()));
            // Without a child to look at, its place is not shown to the system.
            let child = self.child.as_ref().map(|child| child.as_fd());
            let count = 2 + usize::from(child.is_some());
            let mut fds = [
                PollFd::new(&self.pipe, PollFlags::IN),
                PollFd::new(&*self.hung_up, PollFlags::IN),
                PollFd::from_borrowed_fd(child.unwrap_or(self.hung_up.as_fd()), PollFlags::IN),
            ];
            wait_for(&mut fds[..count], left)?;
            let [readable, hung_up, exited] = fds.map(|fd| !fd.revents().is_empty());
            if readable && (!hung_up || self.rest > 0) {
                return Ok(true);
            }
            if hung_up || left.is_some_and(|left| left.is_zero()) {
                return Ok(false);
            }
            if exited {
                self.child = None;
                self.last = Some(Instant::now() + LINGER);
            }
        }
    }
}

impl<P: Read + AsFd> Read for Output<P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.wait()? {
            return Ok(0);
        }
        let count = self.pipe.read(buffer)?;
        self.rest = self.rest.saturating_sub(count);
        Ok(count)
    }
}

/// Standard input.
pub(super) struct Input {
    pipe: ChildStdin,
    hung_up: Arc<UnixStream>,
}

impl Write for Input {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pipe.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pipe.flush()
    }
}

impl Outlet for Input {
    fn may_block(&self) -> bool {
        false
    }

    fn wait(&self) -> io::Result<()> {
        let mut fds = [
            PollFd::new(&self.pipe, PollFlags::OUT),
            PollFd::new(&*self.hung_up, PollFlags::IN),
        ];
        wait_for(&mut fds, None)?;
        if fds[1].revents().is_empty() {
            Ok(())
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
}

// Until one of them is ready, or time is up.
fn wait_for(fds: &mut [PollFd<'_>], limit: Option<Duration>) -> io::Result<()> {
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    match poll(fds, limit.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
