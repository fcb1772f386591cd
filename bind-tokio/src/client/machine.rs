//! The client's machine, as the driver wants it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use mcp_client_core::{Caller, ClientBuilder, Desk, Task};
use mcp_proto::time::Instant;

use crate::driver::Machine;

/// Bytes gathered before they are written although more are to come.
const WRITE_BYTES: usize = 64 * 1024;
/// For how long the last messages, such as cancellations, may take to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// A machine and how its callers wake it.
pub(super) struct Connection {
    desk: Desk,
    bell: Arc<Bell>,
    // The server takes nothing any more.
    mute: bool,
}

/// Wakes the task that drives a connection.
#[derive(Debug, Default)]
struct Bell(Mutex<Option<Waker>>);

impl Bell {
    fn ring(&self) {
        let waker = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn listen(&self, waker: &Waker) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }
}

impl Connection {
    pub(super) fn new(builder: ClientBuilder, now: Instant) -> (Self, Caller) {
        let bell = Arc::new(Bell::default());
        let rung = Arc::clone(&bell);
        let (desk, caller) = Desk::new(builder, move || rung.ring(), now);
        (
            Self {
                desk,
                bell,
                mute: false,
            },
            caller,
        )
    }
}

impl Machine for Connection {
    fn handle_bytes(&mut self, bytes: &[u8], now: Instant) {
        self.desk.handle_bytes(bytes, now);
    }

    fn handle_eof(&mut self, now: Instant) {
        self.desk.handle_eof(now);
    }

    fn hang_up(&mut self, _: Instant) {
        // What the server has said before is still to be read, and then its end.
        self.mute = true;
    }

    fn poll_work(&mut self, context: &mut Context<'_>, now: Instant) -> Poll<()> {
        // Before looking, so that nothing which comes meanwhile goes unnoticed.
        self.bell.listen(context.waker());
        if self
            .desk
            .poll_timeout()
            .is_some_and(|deadline| deadline <= now)
        {
            self.desk.handle_timeout(now);
        }
        while let Some(task) = self.desk.poll_task(now) {
            match task {
                Task::Async(task) => drop(tokio::spawn(task)),
                task => drop(tokio::task::spawn_blocking(|| task.run())),
            }
        }
        if self.mute {
            let mut nowhere = Vec::new();
            while self.desk.poll_transmit(&mut nowhere) {
                nowhere.clear();
            }
        }
        if self.desk.is_closed() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        let mut any = false;
        while out.len() < WRITE_BYTES && self.desk.poll_transmit(out) {
            any = true;
        }
        any
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.desk.poll_timeout()
    }

    fn wants_read(&self) -> bool {
        self.desk.wants_read()
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}
