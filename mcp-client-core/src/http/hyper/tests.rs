//! hyper at its bounds, over connections in memory, without a clock.

use alloc::{collections::VecDeque, vec};
use core::sync::atomic::{AtomicUsize, Ordering};
use std::{sync::Mutex, time};

use ::hyper::rt::Sleep;
use http::Response;

use super::*;

/// Tasks that are polled when the test says so.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<BoxFuture<()>>>>);

impl Executor<BoxFuture<()>> for Tasks {
    fn execute(&self, task: BoxFuture<()>) {
        self.0.lock().unwrap().push(task);
    }
}

/// A clock that stands still, and remembers for how long somebody wanted to sleep.
#[derive(Clone, Default)]
struct Clock(Arc<Mutex<Vec<Duration>>>);

struct Never;

impl Future for Never {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Sleep for Never {}

impl Timer for Clock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.0.lock().unwrap().push(duration);
        Box::pin(Never)
    }

    fn sleep_until(&self, _: time::Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Never)
    }
}

/// Answers every request on every connection with the same response, one byte at a time; nobody
/// gets through to it where there is none.
#[derive(Clone)]
struct Server {
    response: Option<Arc<str>>,
    connections: Arc<AtomicUsize>,
}

impl Service<Uri> for Server {
    type Response = Wire;
    type Error = BoxError;
    type Future = BoxFuture<Result<Wire, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        self.connections.fetch_add(1, Ordering::SeqCst);
        let Some(response) = self.response.clone() else {
            return Box::pin(core::future::pending());
        };
        let answer = VecDeque::new();
        Box::pin(core::future::ready(Ok(Wire { response, answer })))
    }
}

struct Wire {
    response: Arc<str>,
    answer: VecDeque<u8>,
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let Some(byte) = self.answer.pop_front() else {
            return Poll::Pending;
        };
        buffer.put_slice(&[byte]);
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        // The requests are heads alone, and short.
        assert!(bytes.ends_with(b"\r\n\r\n"));
        let response = Arc::clone(&self.response);
        self.answer.extend(response.as_bytes());
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A client of such a server.
struct Rig {
    client: Client<Patient<Server, Clock>, Once>,
    tasks: Tasks,
    clock: Clock,
    connections: Arc<AtomicUsize>,
}

type Answers = Vec<Result<Response<Incoming>, legacy::Error>>;

impl Rig {
    fn new(limits: &Limits, response: Option<&str>) -> Self {
        let (tasks, clock) = (Tasks::default(), Clock::default());
        let connections = Arc::new(AtomicUsize::new(0));
        let server = Server {
            response: response.map(Arc::from),
            connections: Arc::clone(&connections),
        };
        Self {
            client: bounded(server, limits, (tasks.clone(), clock.clone())),
            tasks,
            clock,
            connections,
        }
    }

    /// Makes so many requests at once, and goes on while anything is to be done.
    fn ask(&self, requests: usize) -> Answers {
        let request = || Request::get("http://server/").body(Once(None)).unwrap();
        let mut open: Vec<_> = (0..requests)
            .map(|_| self.client.request(request()))
            .collect();
        let mut context = Context::from_waker(core::task::Waker::noop());
        let mut answers = vec![];
        for _ in 0..10 {
            open.retain_mut(|open| match Pin::new(open).poll(&mut context) {
                Poll::Ready(answer) => {
                    answers.push(answer);
                    false
                }
                Poll::Pending => true,
            });
            let mut tasks = core::mem::take(&mut *self.tasks.0.lock().unwrap());
            tasks.retain_mut(|task| task.as_mut().poll(&mut context).is_pending());
            self.tasks.0.lock().unwrap().append(&mut tasks);
        }
        answers
    }
}

const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

#[test]
fn connecting_may_take_as_long_as_the_limits_say() {
    let mut limits = Limits::default();
    limits.connect_timeout = Duration::from_nanos(7);
    let rig = Rig::new(&limits, None);
    assert!(rig.ask(1).is_empty());
    assert_eq!(*rig.clock.0.lock().unwrap(), [Duration::from_nanos(7)]);
}

#[test]
fn a_head_is_as_long_as_the_limits_allow() {
    for (most, length, fits) in [
        (10_000, 10_000, true),
        (10_000, 10_001, false),
        // hyper reads so much in any case.
        (1, 8 * 1024, true),
        (1, 8 * 1024 + 1, false),
    ] {
        let mut limits = Limits::default();
        limits.response_head_bytes = most;
        let (start, end) = FINE.split_at(FINE.len() - 2);
        let pad = "h".repeat(length - FINE.len() - "x-pad: \r\n".len());
        let response = format!("{start}x-pad: {pad}\r\n{end}");
        assert_eq!(response.len(), length);
        let answers = Rig::new(&limits, Some(&response)).ask(1);
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].is_ok(), fits, "{length} of {most}");
    }
}

#[test]
fn so_many_connections_are_kept_for_later() {
    let mut limits = Limits::default();
    limits.fetches = 2;
    let rig = Rig::new(&limits, Some(FINE));
    let made = || rig.connections.load(Ordering::SeqCst);
    assert_eq!((rig.ask(3).len(), made()), (3, 3));
    assert_eq!((rig.ask(3).len(), made()), (3, 4));
}
