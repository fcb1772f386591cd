//! What listeners of every binding have in common: how they end, which connections are open, and
//! what a failure to accept one means.

use alloc::{sync::Arc, vec::Vec};
use core::{
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::cancel::{CancelToken, Cancelled};

/// Ends a listener, or a connection, from another task or thread; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    ended: CancelToken,
}

impl Shutdown {
    /// One that has not been asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts no more connections and ends the input of the open ones: what they have asked is
    /// answered, within [`Limits::drain_timeout`](mcp_proto::limits::Limits::drain_timeout).
    pub fn shutdown(&self) {
        self.ended.cancel();
    }

    /// Whether it has been asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Ready once it has been asked for: for the loop that is to end.
    pub fn requested(&self) -> Cancelled {
        self.ended.cancelled()
    }

    /// What is cancelled by it, for [`Desk::until`](crate::Desk::until).
    #[must_use]
    pub fn token(&self) -> &CancelToken {
        &self.ended
    }
}

/// What a listener does after a connection could not be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptFailure {
    /// It was the peer's fault: the next one may do better.
    OfThePeer,
    /// The system has run out of descriptors or memory. Connections that end will give some back:
    /// try again after this pause.
    Shortage(Duration),
    /// The socket is of no more use.
    Final,
}

impl AcceptFailure {
    /// What this error of the system means.
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        use io::ErrorKind::{
            ConnectionAborted, ConnectionReset, Interrupted, OutOfMemory, WouldBlock,
        };
        match (error.kind(), error.raw_os_error()) {
            (ConnectionAborted | ConnectionReset | Interrupted | WouldBlock, _) => Self::OfThePeer,
            (OutOfMemory, _) => Self::Shortage(PAUSE),
            (_, Some(code)) if SHORTAGES.contains(&code) => Self::Shortage(PAUSE),
            _ => Self::Final,
        }
    }
}

const PAUSE: Duration = Duration::from_millis(50);

/// No more descriptors in the process or the system, no more buffers, no more memory.
#[cfg(windows)]
const SHORTAGES: [i32; 2] = [10024, 10055];
#[cfg(any(target_os = "linux", target_os = "android"))]
const SHORTAGES: [i32; 4] = [24, 23, 105, 12];
#[cfg(not(any(windows, target_os = "linux", target_os = "android")))]
const SHORTAGES: [i32; 4] = [24, 23, 55, 12];

/// The open connections of a listener, and how many there may be. Dropping it ends them at once.
pub struct Connections {
    open: Arc<Open>,
    next_key: u64,
    most: usize,
}

/// The place of an open connection, which goes with its task, however that ends.
#[derive(Debug)]
pub struct Connection {
    key: u64,
    end: End,
    open: Arc<Open>,
}

/// How to end a connection.
#[derive(Debug, Clone, Default)]
struct End {
    // Its input.
    input: CancelToken,
    // All of it.
    at_once: CancelToken,
}

#[derive(Default)]
struct Open(Mutex<State>);

#[derive(Default)]
struct State {
    ends: Vec<(u64, End)>,
    // Waits until fewer than so many are open.
    waiting: Option<(usize, Waker)>,
}

impl State {
    fn poll_fewer(&mut self, than: usize, context: &Context<'_>) -> Poll<()> {
        if self.ends.len() < than {
            return Poll::Ready(());
        }
        self.waiting = Some((than, context.waker().clone()));
        Poll::Pending
    }
}

impl Connections {
    /// So many connections a listener has where nobody says otherwise: 10,000. What those of idle
    /// clients take fits into a small machine; the system's own limit on descriptors may come first.
    pub const USUAL: usize = 10_000;

    /// None yet. So many may be open at the same time: see [`poll_room`](Self::poll_room).
    #[must_use]
    pub fn up_to(most: usize) -> Self {
        Self {
            open: Arc::default(),
            next_key: 0,
            most,
        }
    }

    /// Ready while there may be one more; else the task is woken once another has ended. Those that
    /// are not accepted meanwhile wait in the system's queue.
    pub fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        self.open.lock().poll_fewer(self.most, context)
    }

    /// One more.
    #[must_use]
    pub fn open(&mut self) -> Connection {
        let (key, end) = (self.next_key, End::default());
        self.next_key += 1;
        self.open.lock().ends.push((key, end.clone()));
        Connection {
            key,
            end,
            open: Arc::clone(&self.open),
        }
    }

    /// How many are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.open.lock().ends.len()
    }

    /// Ends the input of all, and waits until they have ended.
    pub async fn finish(self) {
        self.open.each(|end| end.input.cancel());
        poll_fn(|context| self.open.lock().poll_fewer(1, context)).await;
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.open.each(|end| end.at_once.cancel());
    }
}

impl Connection {
    /// Cancelled when the connection is to take no more input, see
    /// [`Desk::until`](crate::Desk::until).
    #[must_use]
    pub fn input_end(&self) -> &CancelToken {
        &self.end.input
    }

    /// Serves the connection; dropped where it stands when all are to end at once. Give it a box:
    /// an async function has room for what it is given and for what it pins, so that each layer
    /// would double a large future.
    pub async fn run(self, mut serving: impl Future + Unpin) {
        let mut at_once = pin!(self.end.at_once.cancelled());
        poll_fn(|context| match at_once.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(()),
            // How it has ended concerns this peer alone, who knows of it.
            Poll::Pending => Pin::new(&mut serving).poll(context).map(drop),
        })
        .await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut state = self.open.lock();
        state.ends.retain(|(key, _)| *key != self.key);
        let open = state.ends.len();
        let waiting = state.waiting.take_if(|(than, _)| open < *than);
        drop(state);
        if let Some((_, waker)) = waiting {
            waker.wake();
        }
    }
}

impl Open {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Consistent even after a panic: nothing here stops half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Without the lock, since it wakes tasks.
    fn each(&self, tell: impl Fn(&End)) {
        let ends: Vec<End> = self
            .lock()
            .ends
            .iter()
            .map(|(_, end)| end.clone())
            .collect();
        ends.iter().for_each(tell);
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Open({})", self.lock().ends.len())
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.open.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::boxed::Box;
    use core::{
        future::pending,
        sync::atomic::{AtomicUsize, Ordering},
    };
    use std::task::Wake;

    type Task = Pin<Box<dyn Future<Output = ()>>>;

    fn is_over(task: &mut Task) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        task.as_mut().poll(&mut context).is_ready()
    }

    #[test]
    fn the_end_is_when_the_last_connection_has_ended() {
        let mut connections = Connections::up_to(2);
        let [one, two] = [connections.open(), connections.open()];
        let (end, other) = (one.input_end().clone(), two.input_end().clone());
        let mut serving: [Task; 2] = [
            Box::pin(one.run(end.cancelled())),
            Box::pin(two.run(pending::<()>())),
        ];
        assert!(serving.iter_mut().all(|task| !is_over(task)));
        let mut finishing: Task = Box::pin(connections.finish());
        assert!(!is_over(&mut finishing));
        assert!(is_over(&mut serving[0]));
        assert!(other.is_cancelled() && !is_over(&mut serving[1]));
        assert!(!is_over(&mut finishing));
        // Dropped by its runtime, say.
        drop(serving);
        assert!(is_over(&mut finishing));
    }

    #[test]
    fn a_listener_that_is_dropped_takes_its_connections_along() {
        let mut connections = Connections::up_to(1);
        let mut serving: Task = Box::pin(connections.open().run(pending::<()>()));
        assert!(!is_over(&mut serving));
        assert_eq!(connections.count(), 1);
        drop(connections);
        assert!(is_over(&mut serving));
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn so_many_connections_fit_and_the_next_one_waits_for_an_end() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut connections = Connections::up_to(3);
        let mut open = Vec::new();
        for _ in 0..3 {
            assert!(connections.poll_room(&mut context).is_ready());
            open.push(connections.open());
        }
        assert!(connections.poll_room(&mut context).is_pending());
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        open.pop();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(connections.poll_room(&mut context).is_ready());
        // Whoever does not wait is not woken.
        open.clear();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_a_failure_means() {
        let of = |kind: io::ErrorKind| AcceptFailure::of(&kind.into());
        assert_eq!(
            of(io::ErrorKind::ConnectionAborted),
            AcceptFailure::OfThePeer
        );
        assert_eq!(of(io::ErrorKind::InvalidInput), AcceptFailure::Final);
        assert_eq!(
            AcceptFailure::of(&io::Error::from_raw_os_error(SHORTAGES[0])),
            AcceptFailure::Shortage(PAUSE)
        );
    }
}
