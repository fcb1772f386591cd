//! One task and many exchanges, played without any runtime.

use alloc::{collections::VecDeque, format, string::String};
use core::sync::atomic::AtomicUsize;

use super::*;
use crate::{CallError, EraMode, Reply, ToolOutput, command};
use mcp_proto::{json::Json, limits::Limits, types::ElicitResult, version::ProtocolVersion};

/// A network whose exchanges tell what the test has them tell.
#[derive(Clone, Default)]
struct Network(Arc<Mutex<Vec<Wire>>>);

#[derive(Default)]
struct Wire {
    request: String,
    reports: VecDeque<Report>,
    waker: Option<Waker>,
    polls: usize,
    dropped: bool,
}

struct Played {
    network: Network,
    at: usize,
}

impl Network {
    fn on<T>(&self, at: usize, what: impl FnOnce(&mut Wire) -> T) -> T {
        what(&mut self.0.lock().unwrap()[at])
    }

    fn tell(&self, at: usize, report: Report) {
        let waker = self.on(at, |wire| {
            wire.reports.push_back(report);
            wire.waker.take()
        });
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn answer(&self, at: usize, id: u64, result: &str) {
        let head = http::Response::builder().header("content-type", "application/json");
        let head = head.body(()).unwrap().into_parts().0;
        self.tell(at, Report::Head(head));
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
        self.tell(at, Report::Chunk(body.into()));
        self.tell(at, Report::End(Ok(())));
    }
}

impl Dial for Network {
    fn dial(&mut self, request: Request<Bytes>) -> Box<dyn Perform> {
        let request = String::from_utf8(request.into_body().to_vec()).unwrap();
        let mut wires = self.0.lock().unwrap();
        wires.push(Wire {
            request,
            ..Wire::default()
        });
        Box::new(Played {
            network: self.clone(),
            at: wires.len() - 1,
        })
    }
}

impl Perform for Played {
    fn poll_report(&mut self, context: &mut Context<'_>) -> Poll<Report> {
        self.network.on(self.at, |wire| {
            wire.polls += 1;
            match wire.reports.pop_front() {
                Some(report) => Poll::Ready(report),
                None => {
                    wire.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.network.on(self.at, |wire| wire.dropped = true);
    }
}

/// The task's waker.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Play {
    turns: HttpTurns<Network>,
    caller: Caller,
    network: Network,
    woken: Arc<Woken>,
}

impl Play {
    /// A client that has found a server of 2026-07-28.
    fn new() -> Self {
        Self::with(ClientBuilder::new("c", "1"))
    }

    fn with(builder: ClientBuilder) -> Self {
        let mut play = Self::start(builder);
        play.network.answer(0, 1, concat!(
            r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"#,
            r#""ttlMs":0,"cacheScope":"private"}"#
        ));
        assert!(play.poll().is_pending());
        play
    }

    /// A client that has begun to look.
    fn start(builder: ClientBuilder) -> Self {
        let network = Network::default();
        let mut endpoint = Endpoint::new("http://localhost/mcp").unwrap();
        endpoint.listens = false;
        let (turns, caller) = HttpTurns::new(builder, endpoint, network.clone(), Instant::ZERO);
        let mut play = Self {
            turns,
            caller,
            network,
            woken: Arc::default(),
        };
        assert!(play.poll().is_pending());
        play
    }

    fn poll(&mut self) -> Poll<()> {
        self.poll_at(Instant::ZERO, &mut |_| panic!("nothing is asked"))
    }

    fn poll_at(&mut self, now: Instant, start: &mut dyn FnMut(Task)) -> Poll<()> {
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut context = Context::from_waker(&waker);
        self.turns.poll(&mut context, now, start)
    }

    fn requests(&self) -> usize {
        self.network.0.lock().unwrap().len()
    }

    /// Answers with this status and these parts of a body.
    fn respond(&self, at: usize, status: u16, parts: &[&str]) {
        let head = http::Response::builder().status(status);
        let head = head.header("content-type", "text/event-stream");
        let head = head.body(()).unwrap().into_parts().0;
        self.network.tell(at, Report::Head(head));
        for part in parts {
            let part = Bytes::copy_from_slice(part.as_bytes());
            self.network.tell(at, Report::Chunk(part));
        }
        self.network.tell(at, Report::End(Ok(())));
    }

    fn call(&mut self) -> Reply<ToolOutput> {
        let reply = self.caller.submit(command::call_tool("t", &()));
        assert!(self.poll().is_pending());
        reply
    }

    fn polls(&self) -> Vec<usize> {
        let wires = self.network.0.lock().unwrap();
        wires.iter().map(|wire| wire.polls).collect()
    }
}

#[test]
fn only_what_has_something_to_tell_is_asked() {
    let mut play = Play::new();
    let (first, second) = (play.call(), play.call());
    let asked = play.network.on(2, |wire| wire.request.clone());
    assert!(asked.contains("tools/call"), "{asked}");
    let before = play.polls();
    let woken = play.woken.0.load(Ordering::Relaxed);
    play.network
        .answer(2, 3, r#"{"resultType":"complete","content":[]}"#);
    assert!(play.woken.0.load(Ordering::Relaxed) > woken);
    assert!(play.poll().is_pending());
    let after = play.polls();
    assert_eq!(after[1], before[1], "the other one has nothing to tell");
    assert!(after[2] > before[2]);
    assert!(second.wait().is_ok());
    drop(first);
}

#[test]
fn a_call_that_is_given_up_drops_its_exchange() {
    let mut play = Play::new();
    let reply = play.call();
    assert!(play.network.on(1, |wire| !wire.dropped));
    drop(reply);
    assert!(play.poll().is_pending());
    assert!(play.network.on(1, |wire| wire.dropped));
    // What its waker still does is of no consequence.
    play.network.answer(1, 2, "{}");
    assert!(play.poll().is_pending());
}

#[test]
fn the_end_of_the_connection_ends_everything() {
    let mut play = Play::new();
    let reply = play.call();
    play.caller.close();
    assert!(play.poll().is_ready());
    assert!(matches!(reply.wait(), Err(CallError::Lost(_))));
    assert!(play.network.on(1, |wire| wire.dropped));
}

#[test]
fn a_task_with_much_to_do_lets_others_run() {
    let mut play = Play::new();
    let _reply = play.call();
    let head = http::Response::builder().header("content-type", "text/event-stream");
    let head = head.body(()).unwrap().into_parts().0;
    play.network.tell(1, Report::Head(head));
    for _ in 0..TURNS * REPORTS * 2 {
        play.network.tell(1, Report::Chunk(":\n\n".into()));
    }
    let woken = play.woken.0.load(Ordering::Relaxed);
    assert!(play.poll().is_pending());
    assert!(
        play.woken.0.load(Ordering::Relaxed) > woken,
        "it goes on by itself"
    );
    let left = play.network.on(1, |wire| wire.reports.len());
    assert!(left > 0, "all at once");
}

#[test]
fn a_call_ends_when_the_loop_is_woken_at_its_time() {
    let mut play = Play::new();
    let reply = play.call();
    let due = play.turns.poll_timeout().expect("calls have their time");
    let before = Instant::from_nanos(due.as_nanos() - 1);
    let never = &mut |_| panic!("nothing is asked");
    assert!(play.poll_at(before, never).is_pending());
    assert!(play.network.on(1, |wire| !wire.dropped));
    assert!(play.poll_at(due, never).is_pending());
    assert!(play.network.on(1, |wire| wire.dropped));
    assert_eq!(reply.wait(), Err(CallError::TimedOut));
}

#[test]
fn questions_are_answered_by_tasks_that_run_elsewhere() {
    let builder = ClientBuilder::new("c", "1");
    let builder = builder.on_elicit(|_| ElicitResult::accept(Json::empty_object()));
    let mut play = Play::with(builder);
    let reply = play.call();
    play.network.answer(1, 2, concat!(
        r#"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","#,
        r#""params":{"mode":"form","message":"?","requestedSchema":{"type":"object","properties":{}}}}}}"#
    ));
    let mut tasks = Vec::new();
    let polled = play.poll_at(Instant::ZERO, &mut |task| tasks.push(task));
    assert!(polled.is_pending());
    assert_eq!((tasks.len(), play.requests()), (1, 2), "it has not run yet");
    let woken = play.woken.0.load(Ordering::Relaxed);
    tasks.remove(0).run();
    assert!(play.woken.0.load(Ordering::Relaxed) > woken);
    assert!(play.poll().is_pending());
    let again = play.network.on(2, |wire| wire.request.clone());
    assert!(
        again.contains(r#""inputResponses":{"a":{"action":"accept""#),
        "{again}"
    );
    play.network
        .answer(2, 3, r#"{"resultType":"complete","content":[]}"#);
    assert!(play.poll().is_pending());
    assert!(reply.wait().is_ok());
}

#[test]
fn what_is_not_wanted_yet_stays_with_its_exchange_until_it_is() {
    let mut limits = Limits::default();
    (limits.calls_in_flight, limits.outbound_high_water) = (1, 100);
    let era = EraMode::Handshake(ProtocolVersion::LATEST_HANDSHAKE);
    let mut play = Play::start(ClientBuilder::new("c", "1").era(era).limits(limits));
    let agreed = r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#;
    play.network.answer(0, 1, agreed);
    assert!(play.poll().is_pending());
    play.respond(1, 202, &[]);
    assert!(play.poll().is_pending());
    let reply = play.call();
    let asks: Vec<_> = (0..40)
        .map(|id| format!("data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}\n\n"))
        .collect();
    let mut parts: Vec<_> = asks.iter().map(|ask| &**ask).collect();
    parts.push("data: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[]}}\n\n");
    play.respond(2, 200, &parts);
    assert!(play.poll().is_pending());
    let left = play.network.on(2, |wire| wire.reports.len());
    assert!(
        left >= asks.len() - REPORTS,
        "answers are not taken: {left}"
    );
    // As each of them is taken there is room for the next one.
    let mut answered = 0;
    while play.requests() > 3 + answered {
        play.respond(3 + answered, 202, &["taken"]);
        answered += 1;
        assert!(play.poll().is_pending());
    }
    assert_eq!(answered, 40);
    assert!(reply.wait().is_ok());
}
