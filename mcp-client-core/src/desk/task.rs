//! A desk whose loop is a task: it is woken by a waker, and a [`Pump`](mcp_proto::pump::Pump)
//! knows what to do with it.

use alloc::{sync::Arc, task::Wake, vec::Vec};
use core::{
    future::{Future, poll_fn},
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::sync::{Mutex, PoisonError};

use mcp_proto::{pump::Machine, time::Instant};

use super::{Caller, ClientBuilder, Desk, Task};

/// Bytes gathered before they are written although more are to come.
const WRITE_BYTES: usize = 64 * 1024;
/// For how long the last messages, such as cancellations, may take to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// Wakes the task that drives a [`Desk`].
#[derive(Debug, Default)]
pub struct Bell(Mutex<Option<Waker>>);

impl Bell {
    /// Wakes it, if it is at rest.
    pub fn ring(&self) {
        let waker = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// To be woken from now on: call it before looking for work, so that nothing which comes
    /// meanwhile goes unnoticed.
    pub fn listen(&self, waker: &Waker) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }
}

/// The waker of a future that shares its task with one that is woken all the time: it is to be
/// polled only when it was this waker.
#[derive(Debug, Default)]
struct Knock {
    heard: AtomicBool,
    bell: Bell,
}

impl Wake for Knock {
    fn wake(self: Arc<Self>) {
        self.heard.store(false, Ordering::Release);
        self.bell.ring();
    }
}

/// One connection over a byte stream, driven by a task: a [`Desk`] with a [`Bell`].
#[derive(Debug)]
pub struct StreamDesk {
    desk: Desk,
    bell: Arc<Bell>,
    // The server takes nothing any more.
    mute: bool,
}

impl StreamDesk {
    /// Starts a connection.
    #[must_use]
    pub fn new(builder: ClientBuilder, now: Instant) -> (Self, Caller) {
        let bell = Arc::new(Bell::default());
        let rung = Arc::clone(&bell);
        let (desk, caller) = Desk::new(builder, move || rung.ring(), now);
        let connection = Self {
            desk,
            bell,
            mute: false,
        };
        (connection, caller)
    }
}

impl Machine for StreamDesk {
    type Job = Task;

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

    fn poll_work(
        &mut self,
        context: &mut Context<'_>,
        now: Instant,
        run: &mut dyn FnMut(Task),
    ) -> Poll<()> {
        self.bell.listen(context.waker());
        if self
            .desk
            .poll_timeout()
            .is_some_and(|deadline| deadline <= now)
        {
            self.desk.handle_timeout(now);
        }
        while let Some(task) = self.desk.poll_task(now) {
            run(task);
        }
        if self.mute {
            let mut nowhere = Vec::new();
            while self.desk.poll_transmit(&mut nowhere) {
                nowhere.clear();
            }
        }
        // What is still to be sent has a little time.
        if self.desk.closed().is_some() {
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

impl Caller {
    /// Drives a connection to its end; or until its server has `gone`, after which it does not last
    /// long.
    pub async fn drive<D: Future>(&self, driving: D, gone: impl Future) -> D::Output {
        let (mut driving, mut gone) = (pin!(driving), pin!(gone));
        let knock = Arc::new(Knock::default());
        let knocks = Waker::from(Arc::clone(&knock));
        let first = poll_fn(|context| {
            if let Poll::Ready(end) = driving.as_mut().poll(context) {
                return Poll::Ready(Some(end));
            }
            knock.bell.listen(context.waker());
            if knock.heard.swap(true, Ordering::AcqRel) {
                return Poll::Pending;
            }
            let polled = gone.as_mut().poll(&mut Context::from_waker(&knocks));
            polled.map(|_| None)
        });
        if let Some(end) = first.await {
            return end;
        }
        self.lost();
        driving.await
    }
}
