//! What a hostile peer can make one connection hold, with everything at its limit at once: never
//! more than the page of `mcp_proto::limits` says.

use std::{
    alloc::System,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{Request, Response, header};
use mcp_client_core::{
    CallOptions, Client, Config, EraMode, Event as ClientEvent, Subscription,
    http::{Endpoint, Fetch, FetchId, HttpClient},
};
use mcp_proto::{
    json::Json,
    limits::Limits,
    request::{CallTool, ListTools, ReadResource},
    time::Instant,
    types::{
        CallToolParams, CallToolResult, ElicitationCapability, Implementation, ReadResourceParams,
        ResourceTemplate, Tool,
    },
    version::ProtocolVersion,
};
use mcp_server_core::{
    CallContext, Conn, Event, Extension, NeedInput, Note, Outcome, Service, Ticket, Work,
    http::{Body, Exchange, HttpEvent, HttpOptions, HttpServer, HttpServerEvent},
    mcp_proto,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const NOW: Instant = Instant::ZERO;

/// The allocator counts for all threads: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that are held and were not when the region began.
fn held(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.bytes_allocated - change.bytes_deallocated
}

/// Small enough to be filled, with the proportions of the default.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.message_bytes = 64 * 1024;
    limits.event_bytes = 64 * 1024;
    limits.name_bytes = 1024;
    limits.calls_in_flight = 8;
    limits.calls_parked = 8;
    limits.outbound_high_water = 8 * 1024;
    limits.outbound_bytes = 256 * 1024;
    limits.listens = 4;
    limits.subscribed_uris = 16;
    limits.subscribed_topics = 16;
    limits.kept_state_bytes = 128 * 1024;
    limits.notes_queued = 16;
    limits.client_calls = 32;
    limits.sessions = 4;
    limits.replay_events = 64;
    limits.replay_bytes = 64 * 1024;
    limits.fetches = 8;
    limits.list_bytes = 256 * 1024;
    limits.cache_bytes = 64 * 1024;
    limits
}

/// What the page says that one stream costs a server at most.
fn of_a_stream(limits: &Limits) -> usize {
    let calls = 2 * limits.calls_in_flight + limits.calls_parked;
    let names = limits.subscribed_uris + limits.subscribed_topics;
    let names = (limits.listens + 1) * names * limits.name_bytes;
    3 * limits.message_bytes
        + calls * limits.message_bytes
        + 2 * limits.outbound_bytes
        + names
        + limits.kept_state_bytes
}

const EXTENSION: &str = "com.example/x";

/// One with a tool, with resources that can be subscribed to, and with topics.
fn service() -> Arc<Service<()>> {
    let schema = Json::parse(r#"{"type":"object"}"#).unwrap();
    let builder = Service::builder(Implementation::new("demo", "1.0.0"))
        .tool(Tool::new("hold", schema), ())
        .template(ResourceTemplate::new("x:{+rest}", "x"), ())
        .extension(Extension::new(EXTENSION).topics("xs"))
        .limits(limits());
    Arc::new(builder.build().unwrap())
}

/// What a request of 2026-07-28 says of its client.
const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"extensions":{"com.example/x":{}}}}"#;

/// A message of so many bytes: whatever `rest` is, with filling.
fn filled(rest: &str, length: usize) -> String {
    let fill = length - (rest.len() - 1);
    rest.replacen('#', &"x".repeat(fill), 1)
}

fn call(id: u32, length: usize) -> String {
    let rest = format!(
        r##"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"hold","arguments":{{"a":"#"}},"_meta":{{"progressToken":{id}}}}}}}"##
    );
    filled(&rest, length)
}

/// A handler at work, with what it was called with.
struct Held(
    Ticket,
    #[expect(dead_code, reason = "it is held")] (Work, CallContext),
);

struct Victim {
    conn: Conn<()>,
    held: Vec<Held>,
    // The most that was held at any time.
    most: usize,
}

impl Victim {
    /// Takes a line; what is answered is left where it is.
    fn say(&mut self, line: &str, region: &Region<'_, System>) {
        for part in [line.as_bytes(), b"\n"] {
            if self.conn.wants_read() {
                self.conn.handle_bytes(part, NOW);
            }
        }
        self.settle(region);
    }

    /// Its client reads all that there is.
    fn read(&mut self) -> String {
        let mut out = Vec::new();
        while self.conn.poll_transmit(&mut out) {}
        String::from_utf8(out).unwrap()
    }

    fn settle(&mut self, region: &Region<'_, System>) {
        while let Some(event) = self.conn.poll_event() {
            if let Event::Call(call) = event {
                self.held.push(Held(call.ticket, (call.work, call.context)));
            }
        }
        self.most = self.most.max(held(region));
    }
}

/// A name that is as long as one may be.
fn name(number: usize, limits: &Limits) -> String {
    format!("x:{number:04}{}", "n".repeat(limits.name_bytes - 6))
}

/// So many names, as members of a JSON array.
fn names(count: usize, limits: &Limits) -> String {
    let names = (0..count).map(|number| format!("{:?}", name(number, limits)));
    names.collect::<Vec<_>>().join(",")
}

/// As many names as may be kept, as long as they may be, and a change of each that nobody reads.
fn subscribe_to_all(victim: &mut Victim, limits: &Limits, region: &Region<'_, System>) {
    for number in 0..=limits.subscribed_uris {
        let uri = name(number, limits);
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":"s","method":"resources/subscribe","params":{{"uri":"{uri}"}}}}"#
        );
        victim.say(&line, region);
    }
    assert_eq!(
        victim.read().matches(r#""result":{}"#).count(),
        limits.subscribed_uris
    );
    let uris = names(limits.subscribed_uris, limits);
    let topics = names(limits.subscribed_topics, limits);
    let mut opened = 0;
    for stream in 0..=limits.listens {
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":"l{stream}","method":"subscriptions/listen","params":{{"notifications":{{"resourceSubscriptions":[{uris}],"xs":[{topics}]}},{META}}}}}"#
        );
        victim.say(&line, region);
        // It reads what it has asked for, so that more of it is read.
        opened += victim.read().matches("subscriptions/acknowledged").count();
    }
    assert_eq!(opened, limits.listens);
}

/// As many states of calls that ask as may be kept for their client, and more.
fn keep_states(victim: &mut Victim, limits: &Limits, region: &Region<'_, System>) {
    let rounds = 2 * limits.kept_state_bytes / limits.request_state_bytes;
    for id in 0..rounds {
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":"k{id}","method":"tools/call","params":{{"name":"hold",{META}}}}}"#
        );
        victim.say(&line, region);
        let Some(Held(ticket, _)) = victim.held.pop() else {
            panic!("no call")
        };
        let need = NeedInput::default().with_state("s".repeat(limits.request_state_bytes));
        let _ = victim.conn.finish(ticket, Outcome::NeedInput(need), NOW);
        victim.settle(region);
        assert!(victim.read().contains("input_required"));
    }
}

#[test]
fn a_stream_of_a_server() {
    let _alone = alone();
    let (limits, service) = (limits(), service());
    let region = Region::new(ALLOCATOR);
    let mut victim = Victim {
        conn: Conn::new(service, 0, NOW),
        held: Vec::with_capacity(64),
        most: 0,
    };
    let hello = r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
    victim.say(hello, &region);
    victim.say(
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        &region,
    );
    subscribe_to_all(&mut victim, &limits, &region);
    keep_states(&mut victim, &limits, &region);
    // Handlers that go on though nobody wants their outcome, others in their places, and all that
    // wait; each with the longest message there may be.
    let mut id = 0;
    for cancelled in [true, false, false] {
        for _ in 0..limits.calls_in_flight {
            id += 1;
            victim.say(&call(id, limits.message_bytes), &region);
            if cancelled {
                let line = format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
                );
                victim.say(&line, &region);
            }
        }
    }
    assert_eq!(victim.held.len(), 2 * limits.calls_in_flight);
    // Reports that nobody reads, of all calls.
    for round in 0..1_000_u32 {
        let calls: Vec<_> = victim.held.iter().map(|held| held.0.call()).collect();
        for call in calls {
            let note = Note::Progress {
                done: f64::from(round),
                total: None,
                message: Some("y".repeat(100)),
            };
            let _ = victim.conn.note(call, note, NOW);
        }
        victim.settle(&region);
    }
    // Half a message, as long as one may be; then more answers than anybody reads.
    victim.say(&"z".repeat(limits.message_bytes), &region);
    let filling = call(1_000, limits.message_bytes);
    while victim.conn.wants_read() {
        victim.conn.handle_bytes(&filling.as_bytes()[..1_000], NOW);
        victim.settle(&region);
        victim.say(
            r#"{"jsonrpc":"2.0","id":"t","method":"tools/list"}"#,
            &region,
        );
    }
    while let Some(Held(ticket, _)) = victim.held.pop() {
        let outcome = Outcome::Tool(CallToolResult::text("w".repeat(30_000)));
        let _ = victim.conn.finish(ticket, outcome, NOW);
        victim.settle(&region);
    }
    let bound = of_a_stream(&limits);
    assert!(victim.most <= bound, "{} of {bound} bytes", victim.most);
    // It was no easy matter.
    assert!(victim.most > bound / 3, "{} of {bound} bytes", victim.most);
    drop(victim);
}

/// What the page says that a client holds at most.
fn of_a_client(limits: &Limits) -> usize {
    let messages = 3 + limits.client_calls + limits.calls_in_flight;
    messages * limits.message_bytes + 2 * limits.outbound_bytes
}

#[test]
fn a_client() {
    let _alone = alone();
    let limits = limits();
    let mut config = Config::new(Implementation::new("c", "1"));
    config.era = EraMode::Handshake(ProtocolVersion::V2025_11_25);
    config.capabilities.elicitation = Some(ElicitationCapability::form());
    config.limits = limits.clone();
    let region = Region::new(ALLOCATOR);
    let mut client = Client::new(config, NOW);
    let (mut most, mut events, mut pending) = (0, Vec::new(), Vec::new());
    let mut say = |client: &mut Client, line: &str, region: &Region<'_, System>| {
        for part in [line.as_bytes(), b"\n"] {
            if client.wants_read() {
                client.handle_bytes(part, NOW);
            }
        }
        while let Some(event) = client.poll_event() {
            // Its program does not look at them.
            events.push(event);
        }
        most = most.max(held(region));
    };
    while client.poll_transmit(&mut Vec::new()) {}
    let hello = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}}"#;
    say(&mut client, hello, &region);
    let options = CallOptions::default();
    for _ in 0..=limits.client_calls {
        let made = client.call::<CallTool>(&CallToolParams::new("t"), &options, NOW);
        pending.extend(made.ok());
    }
    assert_eq!(pending.len(), limits.client_calls);
    while client.poll_transmit(&mut Vec::new()) {}
    // Results that nobody takes, and questions that nobody answers, as long as they may be.
    for id in 2..2 + limits.client_calls {
        let rest = format!(
            r##"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"#"}}]}}}}"##
        );
        say(&mut client, &filled(&rest, limits.message_bytes), &region);
    }
    for id in 0..2 * limits.calls_in_flight {
        let rest = format!(
            r##"{{"jsonrpc":"2.0","id":{id},"method":"elicitation/create","params":{{"mode":"form","message":"#","requestedSchema":{{"type":"object","properties":{{}}}}}}}}"##
        );
        say(&mut client, &filled(&rest, limits.message_bytes), &region);
    }
    // More is asked than anybody reads the answers to, and half a message comes last.
    for id in 0..100_000 {
        let ping = format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"ping"}}"#);
        say(&mut client, &ping, &region);
    }
    say(&mut client, &"z".repeat(limits.message_bytes), &region);
    let bound = of_a_client(&limits);
    assert!(most <= bound, "{most} of {bound} bytes");
    assert!(most > bound / 3, "{most} of {bound} bytes");
    drop((client, events, pending));
}

/// What the page says that a client over HTTP holds at most, with one list that it follows.
fn of_an_http_client(limits: &Limits) -> usize {
    let exchanges = limits.fetches + limits.calls_in_flight + limits.listens;
    of_a_client(limits)
        + exchanges * 2 * limits.message_bytes
        + limits.message_bytes
        + limits.cache_bytes
        + limits.list_bytes
}

struct Prey {
    client: HttpClient,
    // Its program does not look at them.
    events: Vec<ClientEvent>,
    most: usize,
}

impl Prey {
    /// The exchanges that it begins.
    fn fetches(&mut self, region: &Region<'_, System>) -> Vec<FetchId> {
        while let Some(event) = self.client.poll_event() {
            self.events.push(event);
        }
        let fetches = std::iter::from_fn(|| self.client.poll_fetch());
        let begun = fetches.filter_map(|fetch| match fetch {
            Fetch::Open(id, _) => Some(id),
            _ => None,
        });
        let begun = begun.collect();
        self.most = self.most.max(held(region));
        begun
    }

    /// The only one.
    fn fetch(&mut self, region: &Region<'_, System>) -> FetchId {
        let fetches = self.fetches(region);
        assert_eq!(fetches.len(), 1);
        fetches[0]
    }

    fn answer(&mut self, fetch: FetchId, body: &str, ends: bool) {
        let kind = match body.starts_with("data") {
            true => "text/event-stream",
            false => "application/json",
        };
        let head = Response::builder().header(header::CONTENT_TYPE, kind);
        let head = head.body(()).unwrap().into_parts().0;
        self.client.handle_head(fetch, &head, NOW);
        // In pieces, as they come from a socket.
        for chunk in body.as_bytes().chunks(16 * 1024) {
            self.client.handle_chunk(fetch, chunk, NOW);
        }
        if ends {
            self.client.handle_end(fetch, Ok(()), NOW);
        }
    }
}

/// A page of tools that are all to be remembered, as long as a message may be.
fn annotated(id: u32, length: usize) -> String {
    let mut tools = String::new();
    while tools.len() + 1_000 < length {
        let number = tools.len();
        let way = "w".repeat(500);
        let _ = write!(
            tools,
            r#"{{"name":"t{id}-{number}","inputSchema":{{"type":"object","properties":{{"{way}":{{"type":"string","x-mcp-header":"A"}}}}}}}},"#
        );
    }
    tools.pop();
    let result = format!(
        r#""resultType":"complete","ttlMs":0,"cacheScope":"private","nextCursor":"{id}","tools":[{tools}]"#
    );
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{{result}}}}}"#)
}

#[test]
fn a_client_over_http() {
    let _alone = alone();
    let limits = limits();
    let mut config = Config::new(Implementation::new("c", "1"));
    config.capabilities.elicitation = Some(ElicitationCapability::form());
    config.limits = limits.clone();
    let endpoint = Endpoint::new("https://example.com/mcp").unwrap();
    let options = CallOptions::default();
    let region = Region::new(ALLOCATOR);
    let client = HttpClient::new(config, endpoint, NOW);
    let (events, most) = (Vec::new(), 0);
    let mut prey = Prey {
        client,
        events,
        most,
    };
    let first = prey.fetch(&region);
    let discovered = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{},"resources":{"subscribe":true}},"ttlMs":0,"cacheScope":"private"}}"#;
    prey.answer(first, discovered, true);
    // A list without end, of tools that are remembered.
    let list = prey.client.list_all::<ListTools>(&options, NOW).unwrap();
    let mut id = 2;
    while let [fetch] = prey.fetches(&region)[..] {
        prey.answer(fetch, &annotated(id, limits.message_bytes), true);
        id += 1;
    }
    assert!(prey.client.take(list).unwrap().is_err());
    assert!(id > 4, "it was followed for some pages");
    // What may be kept for ever.
    for number in 0..20 {
        let params = ReadResourceParams::new(format!("r:{number}"));
        let read = prey.client.call::<ReadResource>(&params, &options, NOW);
        let fetch = prey.fetch(&region);
        let text = "c".repeat(10_000);
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","ttlMs":86400000,"cacheScope":"private","contents":[{{"uri":"r:{number}","text":"{text}"}}]}}}}"#
        );
        prey.answer(fetch, &body, true);
        prey.fetches(&region);
        assert!(prey.client.take(read.unwrap()).unwrap().is_ok());
        id += 1;
    }
    // Streams on which nothing is ever complete, and calls for all that there is room for. Half of
    // those that were answered ask something, and nobody takes the results of the others.
    let mut pending = Vec::new();
    for _ in 0..limits.listens {
        let wanted = Subscription::lists();
        let subscribed = prey.client.subscribe(wanted, &options, NOW);
        assert!(subscribed.is_ok());
        let fetch = prey.fetch(&region);
        id += 1;
        let half = format!("data: {}", "e".repeat(limits.event_bytes - 10));
        prey.answer(fetch, &half, false);
    }
    let mut calls = 0;
    while let Ok(call) = prey
        .client
        .call::<CallTool>(&CallToolParams::new("t"), &options, NOW)
    {
        pending.push(call);
        calls += 1;
    }
    // A stream that is not acknowledged counts as the call that it began with, too.
    assert!(calls + 2 * limits.listens >= limits.client_calls, "{calls}");
    let mut left = calls;
    loop {
        let fetches = prey.fetches(&region);
        if fetches.is_empty() {
            break;
        }
        for fetch in fetches {
            let result = match left % 2 {
                0 => r##""resultType":"complete","content":[{"type":"text","text":"#"}]"##,
                _ => {
                    r##""resultType":"input_required","requestState":"s","inputRequests":{"a":{"method":"elicitation/create","params":{"mode":"form","message":"#","requestedSchema":{"type":"object","properties":{}}}}}"##
                }
            };
            let rest = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{{result}}}}}"#);
            let whole = filled(&rest, limits.message_bytes);
            id += 1;
            match left > limits.fetches {
                true => prey.answer(fetch, &whole, true),
                false if left % 2 == 0 => prey.answer(fetch, &whole[..whole.len() - 1], false),
                false => prey.answer(fetch, &format!("data: {}", &whole[10..]), false),
            }
            left -= 1;
            prey.most = prey.most.max(held(&region));
        }
    }
    assert_eq!(left, 0, "all that may be under way is");
    let (most, bound) = (prey.most, of_an_http_client(&limits));
    println!("{most} of {bound} bytes");
    assert!(most <= bound, "{most} of {bound} bytes");
    assert!(most > bound / 4, "{most} of {bound} bytes");
    drop((prey, pending));
}

/// What the page says that the sessions of an HTTP server hold at most.
fn of_sessions(limits: &Limits) -> usize {
    let calls = 2 * limits.calls_in_flight + limits.calls_parked;
    let names = limits.subscribed_uris * limits.name_bytes;
    let one = calls * limits.message_bytes + names + 2 * limits.replay_bytes;
    limits.sessions * (one + 2 * limits.outbound_bytes)
}

struct Site {
    sessions: HttpServer<(), u64>,
    service: Arc<Service<()>>,
    options: Arc<HttpOptions>,
    exchanges: Vec<Exchange<()>>,
    held: Vec<Held>,
    posts: u64,
    most: usize,
}

impl Site {
    /// Posts something, and reads no more of the answer than its head. Gives the session's id.
    fn post(
        &mut self,
        session: Option<&str>,
        body: &str,
        region: &Region<'_, System>,
    ) -> Option<String> {
        self.posts += 1;
        let mut request = Request::post("/mcp")
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream");
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        let head = request.body(()).unwrap().into_parts().0;
        let (service, options) = (Arc::clone(&self.service), Arc::clone(&self.options));
        let tag = 1_000_000 + u32::try_from(self.posts).unwrap();
        let mut exchange = Exchange::new(service, options, head, tag, NOW);
        exchange.handle_body(body.as_bytes(), NOW);
        exchange.handle_body_end(NOW);
        let mut entropy = [0; 16];
        entropy[..8].copy_from_slice(&self.posts.to_le_bytes());
        while let Some(event) = exchange.poll_event() {
            if matches!(event, HttpEvent::Join) {
                self.sessions.join(&mut exchange, self.posts, &entropy, NOW);
            }
        }
        while let Some(event) = self.sessions.poll_event() {
            if let HttpServerEvent::Call(call) = event {
                self.held.push(Held(call.ticket, (call.work, call.context)));
            }
        }
        if exchange.is_seated() {
            self.sessions.ferry(&mut exchange, NOW);
        }
        let head = exchange.poll_head();
        let id = head.and_then(|head| {
            let id = head.headers().get("mcp-session-id")?;
            Some(id.to_str().unwrap().to_owned())
        });
        self.most = self.most.max(held(region));
        // The client goes away, but for those who wait for a call.
        if exchange.poll_body(&mut Vec::new()) == Body::Pending {
            self.exchanges.push(exchange);
        } else if exchange.is_seated() {
            self.sessions.leave(&mut exchange, NOW);
        }
        id
    }
}

#[test]
fn sessions_of_an_http_server() {
    let _alone = alone();
    let (limits, service) = (limits(), service());
    let options = Arc::new(HttpOptions::listening(true));
    let region = Region::new(ALLOCATOR);
    let mut site = Site {
        sessions: HttpServer::new(Arc::clone(&service), Arc::clone(&options)),
        service,
        options,
        exchanges: Vec::new(),
        held: Vec::new(),
        posts: 0,
        most: 0,
    };
    let hello = r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
    let mut ids = Vec::new();
    for _ in 0..limits.sessions {
        ids.extend(site.post(None, hello, &region));
    }
    assert_eq!(ids.len(), limits.sessions);
    let mut number = 0;
    for id in &ids {
        let session = Some(&**id);
        site.post(
            session,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            &region,
        );
        for uri in 0..=limits.subscribed_uris {
            let uri = format!("x:{uri:04}{}", "n".repeat(limits.name_bytes - 6));
            let line = format!(
                r#"{{"jsonrpc":"2.0","id":"s","method":"resources/subscribe","params":{{"uri":"{uri}"}}}}"#
            );
            site.post(session, &line, &region);
        }
        for cancelled in [true, false, false] {
            for _ in 0..limits.calls_in_flight {
                number += 1;
                site.post(session, &call(number, limits.message_bytes), &region);
                if cancelled {
                    let line = format!(
                        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{number}}}}}"#
                    );
                    site.post(session, &line, &region);
                }
            }
        }
    }
    assert_eq!(
        site.held.len(),
        limits.sessions * 2 * limits.calls_in_flight
    );
    // All clients go away, and the handlers report to nobody: what can be resumed is kept.
    for mut exchange in std::mem::take(&mut site.exchanges) {
        site.sessions.leave(&mut exchange, NOW);
    }
    for round in 0..1_000_u32 {
        let calls: Vec<_> = site.held.iter().map(|held| held.0.call()).collect();
        for call in calls {
            let note = Note::Progress {
                done: f64::from(round),
                total: None,
                message: Some("y".repeat(1_000)),
            };
            let _ = site.sessions.note(call, note, NOW);
        }
        while site.sessions.poll_event().is_some() {}
        site.most = site.most.max(held(&region));
    }
    while let Some(Held(ticket, _)) = site.held.pop() {
        let outcome = Outcome::Tool(CallToolResult::text("w".repeat(30_000)));
        let _ = site.sessions.finish(ticket, outcome, NOW);
        while let Some(event) = site.sessions.poll_event() {
            if let HttpServerEvent::Call(call) = event {
                site.held.push(Held(call.ticket, (call.work, call.context)));
            }
        }
        site.most = site.most.max(held(&region));
    }
    let bound = of_sessions(&limits);
    assert!(site.most <= bound, "{} of {bound} bytes", site.most);
    assert!(site.most > bound / 3, "{} of {bound} bytes", site.most);
    drop(site);
}
