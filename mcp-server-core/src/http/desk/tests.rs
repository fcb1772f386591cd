//! The desks at their edges, on a runtime whose time, tasks and threads are the test's.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use core::{
    future::{pending, ready},
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::sync::Mutex;

use http::{Request, request::Parts};
use mcp_proto::{limits::Limits, time::Instant, types::LoggingLevel};

use super::*;
use crate::{
    BoxFuture, Job, Server, ToolEntry,
    http::{Body, HttpOptions, Verdict},
};

#[derive(Debug, Default)]
struct Bench {
    now: AtomicU64,
    random: AtomicU64,
    tasks: Mutex<Tasks>,
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Tasks(Vec<BoxFuture<()>>);
#[derive(Default)]
struct Jobs(Vec<Job>);

impl core::fmt::Debug for Tasks {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} tasks", self.0.len())
    }
}

impl core::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} jobs", self.0.len())
    }
}

/// Goes off whenever it is looked at in time.
struct Glance(Arc<Bench>);

impl Alarm for Glance {
    fn poll(&mut self, deadline: Option<Instant>, _: &mut Context<'_>) -> Poll<()> {
        match deadline {
            Some(deadline) if deadline <= self.0.time() => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

/// What the hub is lent: it shares the bench with the test.
#[derive(Debug)]
struct Lent(Arc<Bench>);

impl Runtime for Lent {
    fn now(&self) -> Instant {
        self.0.time()
    }
    fn alarm(&self) -> Box<dyn Alarm> {
        Box::new(Glance(Arc::clone(&self.0)))
    }
    fn spawn(&self, future: BoxFuture<()>) {
        self.0.tasks.lock().unwrap().0.push(future);
    }
    fn block(&self, job: Job) {
        self.0.jobs.lock().unwrap().0.push(job);
    }
    fn fill(&self, bytes: &mut [u8]) -> bool {
        let number = self.0.random.fetch_add(1, Ordering::Relaxed) as u8;
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = number.wrapping_add(at as u8);
        }
        true
    }
    fn warn(&self, _: &str) {}
}

impl Bench {
    fn time(&self) -> Instant {
        Instant::from_nanos(self.now.load(Ordering::Relaxed))
    }

    fn pass(&self, time: Duration) {
        let nanos = time.as_nanos() as u64;
        self.now.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Polls every task once, as if each had been woken; how many go on.
    fn run_tasks(&self) -> usize {
        let tasks = core::mem::take(&mut self.tasks.lock().unwrap().0);
        let mut context = Context::from_waker(Waker::noop());
        let go_on = tasks.into_iter().filter_map(|mut task| {
            task.as_mut()
                .poll(&mut context)
                .is_pending()
                .then_some(task)
        });
        let go_on: Vec<_> = go_on.collect();
        let mut tasks = self.tasks.lock().unwrap();
        tasks.0.extend(go_on);
        tasks.0.len()
    }

    fn run_jobs(&self) {
        let jobs = core::mem::take(&mut self.jobs.lock().unwrap().0);
        jobs.into_iter().for_each(Job::run);
    }
}

/// Counts the handlers that were dropped while they waited.
static DROPPED: AtomicUsize = AtomicUsize::new(0);

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::SeqCst);
    }
}

fn server() -> Server {
    let mut limits = Limits::default();
    limits.notes_queued = 2;
    Server::builder("desk", "1")
        .limits(limits)
        .tool(ToolEntry::new("tells").run(|_, cx| {
            for entry in ["a", "b", "c", "d"] {
                cx.log(LoggingLevel::Info, entry);
            }
            "told"
        }))
        .tool(ToolEntry::new("answer").run_async(|_, _| ready("now")))
        .tool(ToolEntry::new("wait").run_async(|_, _| async {
            let _guard = Guard;
            pending::<&str>().await
        }))
        .tool(ToolEntry::new("panic").run_async(|_, _| async {
            assert!(DROPPED.load(Ordering::SeqCst) == usize::MAX, "on purpose");
            "never"
        }))
        .tool(ToolEntry::new("block").run(|_, _| "later"))
        .build()
        .unwrap()
}

fn hub(judge: Option<Box<Judge>>) -> (Arc<HttpHub>, Arc<Bench>) {
    let bench = Arc::new(Bench::default());
    let lent = Arc::new(Lent(Arc::clone(&bench)));
    let hub = HttpHub::new(server(), HttpOptions::listening(true), judge, lent);
    (hub, bench)
}

fn head(more: &[(&str, &str)]) -> Parts {
    let mut request = Request::post("/mcp")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn work(desk: &mut HttpDesk) {
    desk.poll_work(&mut Context::from_waker(Waker::noop()));
}

/// A request whose body is there.
fn send(hub: &HttpHub, headers: &[(&str, &str)], body: &str) -> HttpDesk {
    let mut desk = hub.desk(head(headers)).unwrap();
    desk.handle_body(body.as_bytes());
    desk.handle_body_end();
    work(&mut desk);
    desk
}

/// The status, where there is one, and the body so far; `!` where it is complete.
fn read(desk: &mut HttpDesk) -> String {
    work(desk);
    let head = desk.poll_head();
    let mut text = head.map_or_else(String::new, |head| {
        alloc::format!("{} ", head.status().as_u16())
    });
    let mut out = Vec::new();
    let ended = loop {
        match desk.poll_body(&mut out) {
            Body::Data => {}
            Body::Pending => break false,
            Body::End => break true,
        }
    };
    text.push_str(core::str::from_utf8(&out).unwrap());
    text + if ended { "!" } else { "" }
}

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

/// A call of 2026-07-28.
fn call(hub: &HttpHub, tool: &str) -> HttpDesk {
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", tool),
    ];
    let body = alloc::format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}",{META}}}}}"#
    );
    send(hub, &headers, &body)
}

fn listen(hub: &HttpHub) -> HttpDesk {
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "subscriptions/listen"),
    ];
    let body = alloc::format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{"notifications":{{"toolsListChanged":true}},{META}}}}}"#
    );
    send(hub, &headers, &body)
}

/// Opens a session: its id.
fn session(hub: &HttpHub) -> String {
    let hello = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
    let mut desk = send(hub, &[], hello);
    let head = desk.poll_head().unwrap();
    assert_eq!(head.status(), 200);
    let id = head.headers()["mcp-session-id"].to_str().unwrap();
    drop(desk);
    let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(
        read(&mut send(hub, &[("mcp-session-id", id)], ready)),
        "202 !"
    );
    String::from(id)
}

fn call_in(hub: &HttpHub, session: &str, tool: &str) -> HttpDesk {
    let body = alloc::format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}"}}}}"#
    );
    send(hub, &[("mcp-session-id", session)], &body)
}

#[test]
fn a_call_that_needs_not_wait_is_over_at_once() {
    let (hub, bench) = hub(None);
    let answer = read(&mut call(&hub, "answer"));
    assert!(
        answer.starts_with("200 ") && answer.ends_with('!'),
        "{answer}"
    );
    assert!(answer.contains(r#""text":"now""#), "{answer}");
    // Neither has the server of 2026-07-28 a task of its own, nor a session's call that is over.
    assert_eq!(bench.run_tasks(), 0);
    let id = session(&hub);
    assert_eq!(bench.run_tasks(), 1, "the sessions' keeper");
    let answer = read(&mut call_in(&hub, &id, "answer"));
    assert!(answer.contains(r#""text":"now""#), "{answer}");
    assert_eq!(bench.run_tasks(), 1);
}

#[test]
fn what_may_block_runs_elsewhere_and_finds_its_way_back() {
    let (hub, bench) = hub(None);
    let id = session(&hub);
    let mut desks = [call(&hub, "block"), call_in(&hub, &id, "block")];
    assert_eq!(desks.each_mut().map(read), ["", ""]);
    bench.run_jobs();
    for mut desk in desks {
        let answer = read(&mut desk);
        assert!(answer.contains(r#""text":"later""#), "{answer}");
    }
    // A job that its pool throws away is answered as well.
    let mut desk = call(&hub, "block");
    bench.jobs.lock().unwrap().0.clear();
    let answer = read(&mut desk);
    assert!(answer.contains(r#""code":-32603"#), "{answer}");
}

#[test]
fn the_newest_of_so_many_notes_wait_for_the_next_turn() {
    let (hub, bench) = hub(None);
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "tells"),
    ];
    let meta = META.replace(
        "{\"io",
        "{\"io.modelcontextprotocol/logLevel\":\"debug\",\"io",
    );
    let body = alloc::format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"tells",{meta}}}}}"#
    );
    let mut desk = send(&hub, &headers, &body);
    bench.run_jobs();
    let out = read(&mut desk);
    let told = |entry: &str| out.contains(&alloc::format!(r#""data":"{entry}""#));
    assert_eq!(["a", "b", "c", "d"].map(told), [false, false, true, true]);
    assert!(out.contains("\"told\""), "{out}");
}

#[test]
fn a_handler_that_panics_harms_nobody_else() {
    let (hub, _bench) = hub(None);
    let id = session(&hub);
    for mut desk in [call(&hub, "panic"), call_in(&hub, &id, "panic")] {
        let answer = read(&mut desk);
        assert!(answer.contains(r#""code":-32603"#), "{answer}");
    }
    let answer = read(&mut call_in(&hub, &id, "answer"));
    assert!(answer.contains(r#""text":"now""#), "{answer}");
}

#[test]
fn a_client_that_is_gone_cancels_its_call_but_not_that_of_a_session() {
    let (hub, bench) = hub(None);
    let id = session(&hub);
    let before = DROPPED.load(Ordering::SeqCst);
    let mut desk = call(&hub, "wait");
    assert_eq!(read(&mut desk), "");
    drop(desk);
    assert_eq!(DROPPED.load(Ordering::SeqCst), before + 1);
    let mut desk = call_in(&hub, &id, "wait");
    assert_eq!(read(&mut desk), "");
    assert_eq!(bench.run_tasks(), 2, "the keeper and the call");
    drop(desk);
    assert_eq!(
        (bench.run_tasks(), DROPPED.load(Ordering::SeqCst)),
        (2, before + 1)
    );
    // The end of the sessions is the end of their calls.
    hub.close();
    assert_eq!(
        (bench.run_tasks(), DROPPED.load(Ordering::SeqCst)),
        (1, before + 2)
    );
}

#[test]
fn a_subscription_hears_of_changes_and_of_the_end() {
    let (hub, bench) = hub(None);
    let mut open = listen(&hub);
    assert!(read(&mut open).contains("acknowledged"));
    let entry = ToolEntry::new("new").run(|_, _| "new");
    hub.server().handle().add_tool(entry).unwrap();
    let told = read(&mut open);
    assert!(told.contains("notifications/tools/list_changed"), "{told}");
    assert_eq!(read(&mut open), "");
    hub.shut_down();
    let told = read(&mut open);
    assert!(
        told.contains(r#""result""#) && told.ends_with('!'),
        "{told}"
    );
    // Whoever comes now comes too late.
    assert!(read(&mut listen(&hub)).starts_with("503 "));
    assert_eq!(bench.run_tasks(), 0);
}

#[test]
fn who_is_in_when_the_end_is_asked_for_gets_an_answer_and_nobody_gets_in() {
    let (hub, bench) = hub(None);
    let id = session(&hub);
    let mut asked = call_in(&hub, &id, "block");
    let mut stream = {
        let request = Request::get("/mcp")
            .header("host", "localhost")
            .header("accept", "text/event-stream")
            .header("mcp-session-id", &id);
        hub.desk(request.body(()).unwrap().into_parts().0).unwrap()
    };
    let began = read(&mut stream);
    assert!(
        began.starts_with("200 ") && !began.ends_with('!'),
        "{began}"
    );
    hub.shut_down();
    assert_eq!(read(&mut stream), "!");
    bench.run_jobs();
    assert!(read(&mut asked).contains(r#""text":"later""#));
    let refused = read(&mut call_in(&hub, &id, "answer"));
    assert!(refused.starts_with("503 "), "{refused}");
    // A body that is still coming is not waited for.
    let mut late = hub.desk(head(&[])).unwrap();
    let refused = read(&mut late);
    assert!(refused.starts_with("503 "), "{refused}");
}

#[test]
fn the_keeper_ends_sessions_that_nobody_uses_and_ends_with_its_hub() {
    let (hub, bench) = hub(None);
    let id = session(&hub);
    bench.run_tasks();
    let idle = hub.server().current().limits().session_idle;
    bench.pass(idle - Duration::from_nanos(1));
    bench.run_tasks();
    assert!(read(&mut call_in(&hub, &id, "answer")).starts_with("200 "));
    bench.pass(idle);
    bench.run_tasks();
    assert!(read(&mut call_in(&hub, &id, "answer")).starts_with("404 "));
    assert_eq!(bench.run_tasks(), 1);
    drop(hub);
    assert_eq!(bench.run_tasks(), 0);
}

#[test]
fn nobody_gets_in_whom_the_judge_does_not_allow() {
    let deny = || Verdict::Deny {
        status: http::StatusCode::FORBIDDEN,
        challenge: None,
    };
    let by_token = move |token: Option<String>| -> BoxFuture<Verdict> {
        match token.as_deref() {
            Some("good") => Box::pin(ready(Verdict::Allow(Some("alice".into())))),
            Some("slow") => Box::pin(pending()),
            Some("sick") => panic!("on purpose"),
            Some("late") => Box::pin(async { panic!("on purpose") }),
            _ => Box::pin(ready(deny())),
        }
    };
    let (hub, _bench) = hub(Some(Box::new(by_token)));
    for (token, status) in [
        ("Bearer good", "200 "),
        ("Bearer bad", "403 "),
        ("Bearer sick", "401 "),
        ("Bearer late", "401 "),
        ("Bearer slow", ""),
    ] {
        let headers = [
            ("authorization", token),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "server/discover"),
        ];
        let mut desk = hub.desk(head(&headers)).unwrap();
        work(&mut desk);
        assert_eq!(desk.wants_body(), token == "Bearer good", "{token}");
        let body = alloc::format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{{{META}}}}}"#
        );
        desk.handle_body(body.as_bytes());
        desk.handle_body_end();
        let answer = read(&mut desk);
        assert!(answer.starts_with(status), "{token}: {answer}");
        assert!(!status.is_empty() || answer.is_empty(), "{token}: {answer}");
    }
}

#[test]
fn a_shutdown_is_asked_for_once_and_insisted_on_once() {
    let (shutdown, mut context) = (HttpShutdown::new(), Context::from_waker(Waker::noop()));
    let mut look = |shutdown: &HttpShutdown| {
        let mut is_ready = |mut end: crate::cancel::Cancelled| {
            core::pin::Pin::new(&mut end).poll(&mut context).is_ready()
        };
        (
            is_ready(shutdown.requested()),
            is_ready(shutdown.insisted()),
        )
    };
    let other = shutdown.clone();
    assert_eq!(look(&shutdown), (false, false));
    other.shutdown();
    assert_eq!(
        (look(&shutdown), look(&other)),
        ((true, false), (true, false))
    );
    shutdown.shutdown();
    assert_eq!(
        (look(&shutdown), look(&other)),
        ((true, true), (true, true))
    );
    other.shutdown();
    assert_eq!(look(&other), (true, true));
    assert_eq!(look(&HttpShutdown::new()), (false, false));
}

#[cfg(feature = "http-service")]
mod service {
    use super::*;
    use alloc::collections::VecDeque;
    use bytes::Bytes;
    use core::pin::Pin;
    use http_body::{Body as _, Frame, SizeHint};

    /// A body that comes in pieces, or breaks off.
    struct Pieces(VecDeque<Poll<Result<&'static [u8], ()>>>);

    impl http_body::Body for Pieces {
        type Data = Bytes;
        type Error = ();

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, ()>>> {
            match self.0.pop_front() {
                None => Poll::Ready(None),
                Some(piece) => piece
                    .map(|piece| Some(piece.map(|bytes| Frame::data(Bytes::from_static(bytes))))),
            }
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::default()
        }
    }

    fn answered(
        service: &HttpService,
        head: Parts,
        pieces: Vec<Poll<Result<&'static [u8], ()>>>,
    ) -> (u16, String, Poll<u64>) {
        let request = Request::from_parts(head, Pieces(pieces.into()));
        let mut future = Box::pin(service.serve(request));
        let mut context = Context::from_waker(Waker::noop());
        let response = loop {
            if let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut context) {
                break response;
            }
        };
        let status = response.status().as_u16();
        let close = response.headers().get("connection").cloned();
        let mut body = response.into_body();
        let exact = body.size_hint().exact().map_or(Poll::Pending, Poll::Ready);
        let mut text = String::new();
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut context) {
            text.push_str(core::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
        text.extend(close.map(|_| " close"));
        (status, text, exact)
    }

    const DISCOVER: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

    fn discover() -> Parts {
        head(&[
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "server/discover"),
        ])
    }

    #[test]
    fn a_body_may_come_in_pieces_and_break_off() {
        let service = HttpService::new(hub(None).0);
        let (one, two) = DISCOVER.split_at(50);
        let pieces = alloc::vec![
            Poll::Pending,
            Poll::Ready(Ok(one)),
            Poll::Pending,
            Poll::Ready(Ok(two))
        ];
        let (status, text, exact) = answered(&service, discover(), pieces);
        assert_eq!((status, exact), (200, Poll::Ready(text.len() as u64)));
        assert!(text.contains(r#""id":1,"result""#), "{text}");
        // Nobody knows where the next request would begin.
        let pieces = alloc::vec![Poll::Ready(Ok(one)), Poll::Ready(Err(()))];
        let broken = (400, String::from(" close"), Poll::Ready(0));
        assert_eq!(answered(&service, discover(), pieces), broken);
    }

    // RFC 9112 §3.2; where somebody else reads the heads, it is their business.
    #[test]
    fn a_connection_of_its_own_wants_one_host_in_each_head() {
        let (hub, bench) = hub(None);
        let service = HttpService::new(hub);
        let lent = Arc::new(Lent(Arc::clone(&bench)));
        let pace = Arc::new(Pace::new(lent, Duration::from_secs(30)));
        let own = service.on_connection(pace);
        let with = |hosts: &[&'static str], version| {
            let mut head = discover();
            head.version = version;
            head.headers.remove("host");
            for host in hosts {
                let value = http::HeaderValue::from_static(host);
                head.headers.append("host", value);
            }
            head
        };
        let (new, old) = (http::Version::HTTP_11, http::Version::HTTP_10);
        for (hosts, version, mine, mounted) in [
            (&["localhost"][..], new, 200, 200),
            (&[], new, 400, 403),
            (&["localhost", "localhost"], new, 400, 403),
            (&["localhost"], old, 200, 200),
            (&[], old, 403, 403),
        ] {
            let status = |service: &HttpService| {
                let pieces = alloc::vec![Poll::Ready(Ok(DISCOVER))];
                answered(service, with(hosts, version), pieces).0
            };
            let found = (status(&own), status(&service));
            assert_eq!(found, (mine, mounted), "{hosts:?} {version:?}");
        }
    }

    #[test]
    fn a_connection_is_given_up_only_between_requests() {
        let (hub, bench) = hub(None);
        let lent = || Arc::new(Lent(Arc::clone(&bench)));
        let pace = Arc::new(Pace::new(lent(), Duration::from_secs(30)));
        let service = HttpService::new(hub).on_connection(Arc::clone(&pace));
        let mut alarm = lent().alarm();
        let mut context = Context::from_waker(Waker::noop());
        let mut is_late = || poll_late(&mut *alarm, &pace, &mut context).is_ready();
        let request = Request::from_parts(discover(), Pieces(VecDeque::new()));
        let open = service.serve(request);
        bench.pass(Duration::from_secs(3600));
        assert!(!is_late());
        drop(open);
        assert!(!is_late());
        bench.pass(Duration::from_secs(75));
        assert!(is_late());
    }
}
