//! The client's machine for HTTP and the server's, with a network between them that is a table:
//! whatever the way of serving, a program sees the same; and what is lost on the way is made good.

use std::{collections::BTreeMap, sync::Arc, sync::mpsc, time::Duration};

use mcp_client_core::{
    CallError, Caller, Change as Changed, ClientBuilder, Desk, EraMode, Options, Reply, ToolOutput,
    command,
    http::{Endpoint, Fetch, FetchError, FetchId, HttpClient},
};
use mcp_proto::{
    json::Json,
    limits::Limits,
    request::ListTools,
    rpc::{CallId, RpcError},
    time::Instant,
    types::{CallToolResult, Implementation, Tool},
    version::ProtocolVersion,
};
use mcp_server_core::{
    Call, Change, Delivery, Note, Outcome, Service, Ticket,
    http::{Body, Exchange, HttpEvent, HttpOptions, HttpServer, HttpServerEvent, SessionMode},
};

/// What a tool does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Answer,
    Progress,
    Fail,
    /// Nothing, until the test lets it.
    Wait,
}

/// The server's side: its machines, and the exchanges that are open, by the client's numbers.
struct Server {
    service: Arc<Service<Does>>,
    options: Arc<HttpOptions>,
    sessions: HttpServer<Does, u64>,
    exchanges: BTreeMap<u64, Exchange<Does>>,
    waiting: Vec<(u64, Ticket)>,
    /// Handlers that were run, and calls that were cancelled.
    ran: Vec<String>,
    entropy: u8,
}

struct World {
    desk: Desk<HttpClient>,
    caller: Caller,
    server: Server,
    ids: BTreeMap<u64, FetchId>,
    now: Instant,
    /// Requests that were made: the method and the path.
    requests: Vec<String>,
    changes: mpsc::Receiver<Changed>,
}

fn service() -> Arc<Service<Does>> {
    let mut limits = Limits::default();
    limits.session_idle = Duration::from_secs(60);
    let schema = || {
        Json::parse(r#"{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}"#).unwrap()
    };
    let mut builder = Service::builder(Implementation::new("server", "1"))
        .limits(limits)
        .announce(mcp_server_core::ComponentKind::Tool);
    for (name, does) in [
        ("answer", Does::Answer),
        ("progress", Does::Progress),
        ("fail", Does::Fail),
        ("wait", Does::Wait),
    ] {
        builder = builder.tool(Tool::new(name, schema()), does);
    }
    Arc::new(builder.build().unwrap())
}

impl World {
    fn new(path: &str, era: EraMode, options: HttpOptions) -> Self {
        let (service, options) = (service(), Arc::new(options));
        let (told, changes) = mpsc::channel();
        let builder = ClientBuilder::new("client", "1")
            .era(era)
            .on_change(move |change| told.send(change).unwrap());
        let url = format!("http://localhost:8080{path}");
        let front = |config, now| HttpClient::new(config, Endpoint::new(&url).unwrap(), now);
        let now = Instant::from_nanos(1);
        let (desk, caller) = Desk::over(builder, front, || {}, now);
        Self {
            desk,
            caller,
            server: Server {
                sessions: HttpServer::new(Arc::clone(&service), Arc::clone(&options)),
                service,
                options,
                exchanges: BTreeMap::new(),
                waiting: Vec::new(),
                ran: Vec::new(),
                entropy: 0,
            },
            ids: BTreeMap::new(),
            now,
            requests: Vec::new(),
            changes,
        }
    }

    /// Moves what there is to move until nothing happens any more.
    fn settle(&mut self) {
        loop {
            let mut moved = false;
            while let Some(task) = self.desk.poll_task(self.now) {
                task.run();
                moved = true;
            }
            while let Some(fetch) = self.desk.poll_fetch() {
                self.fetch(fetch);
                moved = true;
            }
            moved |= self.server.work(self.now);
            moved |= self.deliver();
            if !moved {
                return;
            }
        }
    }

    /// Lets time pass, as far as both sides have something to do about it.
    fn pass(&mut self, time: Duration) {
        let end = self.now.saturating_add(time);
        loop {
            self.settle();
            let server = self
                .server
                .exchanges
                .values()
                .filter_map(Exchange::poll_timeout);
            let due = server
                .chain(self.server.sessions.poll_timeout())
                .chain(self.desk.poll_timeout())
                .min();
            let Some(due) = due.filter(|due| *due <= end) else {
                break;
            };
            self.now = due.max(self.now);
            self.desk.handle_timeout(self.now);
            self.server.sessions.handle_timeout(self.now);
            for exchange in self.server.exchanges.values_mut() {
                exchange.handle_timeout(self.now);
                self.server.sessions.ferry(exchange, self.now);
            }
        }
        self.now = end;
    }

    fn fetch(&mut self, fetch: Fetch) {
        match fetch {
            Fetch::Open(id, request) => {
                self.ids.insert(id.as_u64(), id);
                let (mut head, body) = request.into_parts();
                let path = head.uri.path_and_query().unwrap().to_string();
                self.requests.push(format!("{} {path}", head.method));
                let host = head.uri.authority().unwrap().as_str().parse().unwrap();
                head.headers.insert("host", host);
                head.uri = path.parse().unwrap();
                let (service, options) = (
                    Arc::clone(&self.server.service),
                    Arc::clone(&self.server.options),
                );
                let tag = u32::try_from(id.as_u64()).unwrap();
                let mut exchange = Exchange::new(service, options, head, 1_000_000 + tag, self.now);
                exchange.handle_body(&body, self.now);
                exchange.handle_body_end(self.now);
                self.server.exchanges.insert(id.as_u64(), exchange);
            }
            Fetch::Abort(id) => self.server.disconnect(id.as_u64(), self.now),
            other => panic!("{other:?}"),
        }
    }

    /// The connection of an exchange breaks, on both sides.
    fn cut(&mut self, fetch: u64) {
        self.server.disconnect(fetch, self.now);
        let error = FetchError::Broken("cut".into());
        self.desk.handle_end(self.ids[&fetch], Err(error), self.now);
    }

    /// The exchange whose response has begun and not ended, such as that of a call that waits.
    fn youngest(&self) -> u64 {
        *self.server.exchanges.keys().last().unwrap()
    }

    fn deliver(&mut self) -> bool {
        let mut moved = false;
        let mut over = Vec::new();
        for (fetch, exchange) in &mut self.server.exchanges {
            let id = self.ids[fetch];
            if let Some(head) = exchange.poll_head() {
                self.desk.handle_head(id, &head.into_parts().0, self.now);
                moved = true;
            }
            let mut body = Vec::new();
            let mut state = exchange.poll_body(&mut body);
            while state == Body::Data {
                state = exchange.poll_body(&mut body);
            }
            // As a network would cut it.
            for chunk in body.chunks(100) {
                self.desk.handle_chunk(id, chunk, self.now);
                moved = true;
            }
            if state == Body::End {
                self.desk.handle_end(id, Ok(()), self.now);
                over.push(*fetch);
                moved = true;
            }
        }
        for fetch in over {
            self.server.disconnect(fetch, self.now);
        }
        moved
    }

    // ── What a program does ──────────────────────────────────────────────────────────────────

    fn submit(&self, tool: &'static str) -> Reply<ToolOutput> {
        let arguments = serde_json::json!({"region": "eu"});
        self.caller.submit(command::call_tool(tool, &arguments))
    }

    fn call(&mut self, tool: &'static str) -> Result<String, CallError> {
        let reply = self.submit(tool);
        self.settle();
        reply.wait().map(|output| output.text().into_owned())
    }

    fn version(&mut self) -> ProtocolVersion {
        let ready = self.caller.ready();
        self.settle();
        ready.wait().unwrap().version
    }

    fn list(&mut self) -> Vec<String> {
        let list = self.caller.submit(command::list_all::<ListTools>());
        self.settle();
        list.wait()
            .unwrap()
            .into_iter()
            .map(|tool| tool.name)
            .collect()
    }
}

impl Server {
    fn work(&mut self, now: Instant) -> bool {
        let mut moved = false;
        let open: Vec<u64> = self.exchanges.keys().copied().collect();
        for fetch in open {
            while let Some(event) = self
                .exchanges
                .get_mut(&fetch)
                .and_then(Exchange::poll_event)
            {
                moved = true;
                match event {
                    HttpEvent::Call(call) => self.run(fetch, call, now),
                    HttpEvent::Cancelled(call) => self.cancelled(call, now),
                    HttpEvent::Join => self.join(fetch, now),
                    HttpEvent::Listen => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        while let Some(event) = self.sessions.poll_event() {
            moved = true;
            match event {
                HttpServerEvent::Call(call) => self.run(0, call, now),
                HttpServerEvent::Cancelled(call) => self.cancelled(call, now),
                HttpServerEvent::Wake(fetch) => {
                    if let Some(exchange) = self.exchanges.get_mut(&fetch) {
                        self.sessions.ferry(exchange, now);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        moved
    }

    fn join(&mut self, fetch: u64, now: Instant) {
        self.entropy += 1;
        let exchange = self.exchanges.get_mut(&fetch).unwrap();
        self.sessions
            .join(exchange, fetch, &[self.entropy; 16], now);
    }

    fn run(&mut self, fetch: u64, call: Call<Does>, now: Instant) {
        let Call {
            ticket, handler, ..
        } = call;
        self.ran.push(format!("{handler:?}"));
        match handler {
            Does::Wait => return self.waiting.push((fetch, ticket)),
            Does::Progress => {
                let note = Note::Progress {
                    done: 1.0,
                    total: Some(2.0),
                    message: None,
                };
                let _ = self.note(fetch, ticket.call(), note, now);
            }
            _ => {}
        }
        let outcome = match handler {
            Does::Fail => Outcome::Fail(RpcError::new(7, "it failed")),
            _ => Outcome::Tool(CallToolResult::text(format!("{handler:?}"))),
        };
        let _ = self.finish(fetch, ticket, outcome, now);
    }

    fn note(&mut self, fetch: u64, call: CallId, note: Note, now: Instant) -> Delivery {
        match self.exchanges.get_mut(&fetch) {
            Some(exchange) => exchange.note(call, note, now),
            None => self.sessions.note(call, note, now),
        }
    }

    fn finish(&mut self, fetch: u64, ticket: Ticket, outcome: Outcome, now: Instant) -> Delivery {
        match self.exchanges.get_mut(&fetch) {
            Some(exchange) => exchange.finish(ticket, outcome, now),
            None => self.sessions.finish(ticket, outcome, now),
        }
    }

    /// Lets a call that waits have its result.
    fn go_on(&mut self, now: Instant) -> Delivery {
        let (fetch, ticket) = self.waiting.remove(0);
        self.finish(
            fetch,
            ticket,
            Outcome::Tool(CallToolResult::text("at last")),
            now,
        )
    }

    fn cancelled(&mut self, call: CallId, now: Instant) {
        self.ran.push("cancelled".into());
        let at = self
            .waiting
            .iter()
            .position(|(_, ticket)| ticket.call() == call)
            .unwrap();
        let (fetch, ticket) = self.waiting.remove(at);
        let outcome = Outcome::Fail(RpcError::internal("cancelled"));
        let _ = self.finish(fetch, ticket, outcome, now);
    }

    fn disconnect(&mut self, fetch: u64, now: Instant) {
        let Some(mut exchange) = self.exchanges.remove(&fetch) else {
            return;
        };
        exchange.handle_disconnect(now);
        if exchange.is_seated() {
            self.sessions.leave(&mut exchange, now);
        }
        while let Some(event) = exchange.poll_event() {
            if let HttpEvent::Cancelled(call) = event {
                self.cancelled(call, now);
            }
        }
    }

    fn tools_changed(&mut self, now: Instant) {
        self.sessions.handle_change(&Change::Tools, now);
        for exchange in self.exchanges.values_mut() {
            exchange.handle_change(&Change::Tools, now);
        }
    }
}

const HANDSHAKE: EraMode = EraMode::Handshake(ProtocolVersion::V2025_11_25);

/// Each way of serving: the client's path and mode, the server's options, and what is agreed on.
fn ways() -> Vec<(&'static str, EraMode, HttpOptions, ProtocolVersion)> {
    use ProtocolVersion::*;
    let plain = || HttpOptions::listening(true);
    vec![
        ("/mcp", EraMode::Auto, plain(), V2026_07_28),
        (
            "/mcp",
            EraMode::Auto,
            plain().sessions(SessionMode::Off),
            V2026_07_28,
        ),
        ("/mcp", HANDSHAKE, plain(), V2025_11_25),
        (
            "/mcp",
            EraMode::Handshake(V2025_03_26),
            plain(),
            V2025_03_26,
        ),
        (
            "/mcp",
            HANDSHAKE,
            plain().sessions(SessionMode::Stateless),
            V2025_11_25,
        ),
        (
            "/mcp",
            HANDSHAKE,
            plain().release_after(Duration::from_millis(1)),
            V2025_11_25,
        ),
        // The path is that of 2024-11-05, and no other transport is there.
        (
            "/sse",
            HANDSHAKE,
            plain().http_sse("/sse", "/messages"),
            V2025_11_25,
        ),
    ]
}

#[test]
fn a_program_sees_the_same_whatever_the_way_of_serving() {
    for (path, era, options, version) in ways() {
        let label = format!("{path} {era:?} {options:?}");
        let tells = options_tell(&label);
        let mut world = World::new(path, era, options);
        assert_eq!(world.version(), version, "{label}");
        assert_eq!(
            world.list(),
            ["answer", "progress", "fail", "wait"],
            "{label}"
        );
        assert_eq!(world.call("answer").unwrap(), "Answer", "{label}");
        assert!(
            matches!(world.call("fail"), Err(CallError::Rpc(error)) if error.code == 7),
            "{label}"
        );
        assert!(
            matches!(world.call("unknown"), Err(CallError::Rpc(error)) if error.code == -32602),
            "{label}"
        );

        let (told, progress) = mpsc::channel();
        let options =
            Options::default().on_progress(move |progress| told.send(progress.done).unwrap());
        let call = command::call_tool("progress", &());
        let reply = world.caller.with(options).submit(call);
        world.settle();
        assert_eq!(reply.wait().unwrap().text(), "Progress", "{label}");
        assert_eq!(progress.try_iter().collect::<Vec<_>>(), [1.0], "{label}");

        // A call that takes its time, and one that is given up.
        let (slow, given_up) = (world.submit("wait"), world.submit("wait"));
        world.pass(Duration::from_secs(20));
        drop(given_up);
        world.settle();
        assert_eq!(world.server.go_on(world.now), Delivery::Accepted, "{label}");
        world.pass(Duration::from_secs(20));
        assert_eq!(slow.wait().unwrap().text(), "at last", "{label}");
        if tells {
            assert_eq!(world.server.ran.last().unwrap(), "cancelled", "{label}");
            world.changes.try_iter().for_each(drop);
            world.server.tools_changed(world.now);
            world.settle();
            assert_eq!(
                world.changes.try_iter().collect::<Vec<_>>(),
                [Changed::Tools],
                "{label}"
            );
        }

        world.caller.close();
        world.pass(Duration::from_secs(1));
        assert!(world.desk.is_closed(), "{label}");
        assert_eq!(world.server.sessions.sessions(), 0, "{label}");
        assert!(world.server.exchanges.is_empty(), "{label}");
    }
}

// Without sessions nobody can be told of changes, and no call can be found to be cancelled.
fn options_tell(label: &str) -> bool {
    !label.contains("Stateless,")
}

#[test]
fn a_stream_that_is_released_is_asked_for_again() {
    let options = HttpOptions::listening(true).release_after(Duration::from_secs(2));
    let mut world = World::new("/mcp", HANDSHAKE, options);
    world.version();
    let before = world.requests.len();
    let call = world.submit("wait");
    world.pass(Duration::from_secs(10));
    let gets = world.requests[before..]
        .iter()
        .filter(|request| *request == "GET /mcp")
        .count();
    assert_eq!(gets, 1, "{:?}", world.requests);
    assert_eq!(world.server.go_on(world.now), Delivery::Accepted);
    world.pass(Duration::from_secs(10));
    assert_eq!(call.wait().unwrap().text(), "at last");
}

#[test]
fn an_answer_that_was_lost_is_fetched_and_the_work_is_done_once() {
    let mut world = World::new("/mcp", HANDSHAKE, HttpOptions::listening(true));
    world.version();
    let call = world.submit("wait");
    // Long enough for its response to become a stream.
    world.pass(Duration::from_secs(3));
    world.cut(world.youngest());
    assert_eq!(world.server.go_on(world.now), Delivery::Accepted);
    world.pass(Duration::from_secs(10));
    assert_eq!(call.wait().unwrap().text(), "at last");
    assert_eq!(world.server.ran, ["Wait"]);
}

#[test]
fn since_2026_a_lost_connection_cancels_the_call() {
    let mut world = World::new("/mcp", EraMode::Auto, HttpOptions::listening(true));
    world.version();
    let call = world.submit("wait");
    world.pass(Duration::from_secs(3));
    world.cut(world.youngest());
    world.pass(Duration::from_secs(3));
    assert!(matches!(call.wait(), Err(CallError::Http(_))));
    assert_eq!(world.server.ran, ["Wait", "cancelled"]);
    // Nothing else is lost.
    assert_eq!(world.call("answer").unwrap(), "Answer");
}

#[test]
fn a_session_that_expired_is_opened_again_and_the_call_is_made_once() {
    let mut world = World::new("/mcp", HANDSHAKE, HttpOptions::listening(true));
    world.version();
    assert_eq!(world.call("answer").unwrap(), "Answer");
    world.server.sessions.close(world.now);
    // A server that was restarted knows no session; it is another one.
    world.server.sessions = HttpServer::new(
        Arc::clone(&world.server.service),
        Arc::clone(&world.server.options),
    );
    world.settle();
    assert_eq!(world.call("answer").unwrap(), "Answer");
    assert_eq!(world.server.ran, ["Answer", "Answer"]);
    assert_eq!(world.server.sessions.sessions(), 1);
    // Changes are told by the new one.
    world.pass(Duration::from_secs(5));
    world.changes.try_iter().for_each(drop);
    world.server.tools_changed(world.now);
    world.settle();
    assert_eq!(
        world.changes.try_iter().collect::<Vec<_>>(),
        [Changed::Tools]
    );
}

#[test]
fn a_subscription_survives_its_connection() {
    let mut world = World::new("/mcp", EraMode::Auto, HttpOptions::listening(true));
    world.version();
    world.settle();
    world.changes.try_iter().for_each(drop);
    world.cut(world.youngest());
    // Meanwhile the client cannot be told; what it missed is made good when it is back.
    world.server.tools_changed(world.now);
    world.pass(Duration::from_secs(2));
    assert_eq!(
        world.changes.try_iter().collect::<Vec<_>>(),
        [Changed::Tools]
    );
    world.server.tools_changed(world.now);
    world.settle();
    assert_eq!(
        world.changes.try_iter().collect::<Vec<_>>(),
        [Changed::Tools]
    );
}
