//! Runs an async handler on the thread that it was given.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use mcp_server_core::CancelToken;

/// Wakes a thread that is parked.
struct Unpark(Thread);

thread_local! {
    static WAKER: Waker = Waker::from(Arc::new(Unpark(thread::current())));
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// The future's output, or `None` where `cancel` was set first; the future is then dropped where
/// it stands, as it would be on an async runtime.
pub(super) fn block_on<T>(
    mut future: Pin<Box<dyn Future<Output = T> + Send + '_>>,
    cancel: &CancelToken,
) -> Option<T> {
    let waker = WAKER.with(Waker::clone);
    let mut context = Context::from_waker(&waker);
    // Most are ready at once.
    if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
        return Some(value);
    }
    let mut cancelled = pin!(cancel.cancelled());
    loop {
        if cancelled.as_mut().poll(&mut context).is_ready() {
            return None;
        }
        thread::park();
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
    }
}
