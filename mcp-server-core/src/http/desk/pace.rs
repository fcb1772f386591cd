//! When a connection of HTTP/1.1 is given up: it is silent, its head does not come, or its client
//! does not read.

use alloc::sync::Arc;
use core::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    task::{Context, Poll},
    time::Duration,
};

use mcp_proto::time::Instant;

use super::runtime::{Alarm, Runtime};
use crate::http::bounds::{HEAD_TIME, IDLE};

/// The times of one connection, told by whoever moves its bytes. A request's own times, its body's
/// for one, are its exchange's business.
#[derive(Debug)]
pub struct Pace {
    runtime: Arc<dyn Runtime>,
    stall: Duration,
    // Requests whose responses are not made yet.
    open: AtomicU32,
    idle_since: AtomicU64,
    // When the first byte of a head came that is not complete.
    head_since: AtomicU64,
    // Since when the client has taken nothing.
    stuck_since: AtomicU64,
}

const NEVER: u64 = u64::MAX;

impl Pace {
    /// For a connection that has just been made. `stall`: how long its client may take nothing.
    #[must_use]
    pub fn new(runtime: Arc<dyn Runtime>, stall: Duration) -> Self {
        let now = runtime.now().as_nanos();
        Self {
            runtime,
            stall,
            open: AtomicU32::new(0),
            idle_since: AtomicU64::new(now),
            head_since: AtomicU64::new(NEVER),
            stuck_since: AtomicU64::new(NEVER),
        }
    }

    /// Bytes were read.
    pub fn has_read(&self) {
        if self.open.load(Ordering::Relaxed) == 0 {
            self.begin(&self.head_since);
        }
    }

    /// Bytes were to be written: they were, or the client takes none right now.
    pub fn has_tried<T>(&self, written: &Poll<T>) {
        if written.is_ready() {
            self.stuck_since.store(NEVER, Ordering::Relaxed);
        } else {
            self.begin(&self.stuck_since);
        }
    }

    fn begin(&self, since: &AtomicU64) {
        if since.load(Ordering::Relaxed) == NEVER {
            since.store(self.runtime.now().as_nanos(), Ordering::Relaxed);
        }
    }

    pub(super) fn begin_request(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(NEVER, Ordering::Relaxed);
    }

    pub(super) fn end_request(&self) {
        self.end_request_at(self.runtime.now());
    }

    pub(super) fn end_request_at(&self, now: Instant) {
        self.idle_since.store(now.as_nanos(), Ordering::Relaxed);
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    // When `is_late` is to be asked.
    fn deadline(&self) -> Option<Instant> {
        let after = |since: &AtomicU64, time: Duration| match since.load(Ordering::Relaxed) {
            NEVER => None,
            since => Some(Instant::from_nanos(since).saturating_add(time)),
        };
        let stuck = after(&self.stuck_since, self.stall);
        if self.open.load(Ordering::Relaxed) > 0 {
            return stuck;
        }
        let silent = after(&self.head_since, HEAD_TIME).or_else(|| after(&self.idle_since, IDLE));
        [stuck, silent].into_iter().flatten().min()
    }

    // Whether the connection is to be given up now.
    fn is_late(&self) -> bool {
        self.deadline()
            .is_some_and(|deadline| deadline <= self.runtime.now())
    }
}

/// Ready when the connection is to be given up; its task is woken then. To be polled after
/// everything else that the connection does.
pub fn poll_late(alarm: &mut dyn Alarm, pace: &Pace, context: &mut Context<'_>) -> Poll<()> {
    while alarm.poll(pace.deadline(), context).is_ready() {
        if pace.is_late() {
            return Poll::Ready(());
        }
    }
    Poll::Pending
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{desk::Job, handler::BoxFuture};
    use alloc::boxed::Box;

    #[derive(Debug, Default)]
    struct Manual(AtomicU64);

    impl Runtime for Manual {
        fn now(&self) -> Instant {
            Instant::from_nanos(self.0.load(Ordering::Relaxed))
        }
        fn alarm(&self) -> Box<dyn Alarm> {
            unreachable!("nobody waits here")
        }
        fn spawn(&self, _: BoxFuture<()>) {}
        fn block(&self, _: Job) {}
        fn fill(&self, _: &mut [u8]) -> bool {
            false
        }
        fn warn(&self, _: &str) {}
    }

    #[test]
    fn a_connection_is_given_up_where_nothing_moves() {
        let clock = Arc::new(Manual::default());
        let at = |millis: u64| {
            let time = Duration::from_millis(millis);
            clock.0.store(time.as_nanos() as u64, Ordering::Relaxed);
            Instant::ZERO.saturating_add(time)
        };
        let pace = Pace::new(Arc::clone(&clock) as _, Duration::from_secs(5));
        assert_eq!(pace.deadline(), Some(at(75_000)));
        assert!(pace.is_late());
        at(74_999);
        assert!(!pace.is_late());
        // A head that dribbles in has no more time for that.
        at(10_000);
        pace.has_read();
        at(20_000);
        pace.has_read();
        assert_eq!(pace.deadline(), Some(at(40_000)));
        assert!(pace.is_late());
        at(39_999);
        assert!(!pace.is_late());
        // A request has all the time in the world, unless its client does not read.
        pace.begin_request();
        pace.has_read();
        assert_eq!(pace.deadline(), None);
        at(50_000);
        pace.has_tried(&Poll::<()>::Pending);
        at(52_000);
        pace.has_tried(&Poll::<()>::Pending);
        assert_eq!(pace.deadline(), Some(at(55_000)));
        at(54_999);
        assert!(!pace.is_late());
        at(55_000);
        assert!(pace.is_late());
        pace.has_tried(&Poll::Ready(()));
        assert!(!pace.is_late());
        at(60_000);
        pace.end_request();
        assert_eq!(pace.deadline(), Some(at(135_000)));
        at(134_999);
        assert!(!pace.is_late());
        at(135_000);
        assert!(pace.is_late());
    }
}
