//! The server under test, and the requests that it gets.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use mcp_server_core::{Server, ServerHandle, ToolEntry, mcp_proto::limits::Limits};
use mcp_tests::{
    bindings::Binding,
    http_serving::{self, HttpServing},
};
use serde_json::{Value, json};

use crate::raw::{Client, PATIENCE, Response};

/// What differs from test to test.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) http: http_serving::Setup,
}

/// A server that serves until this is dropped.
pub(crate) struct Rig {
    pub(crate) address: SocketAddr,
    pub(crate) handle: ServerHandle,
    pub(crate) counts: Arc<Counts>,
    serving: HttpServing,
}

/// What the handlers have seen.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) waiting: AtomicUsize,
    pub(crate) cancelled: AtomicUsize,
    pub(crate) done: AtomicUsize,
    pub(crate) most_at_once: AtomicUsize,
}

impl Rig {
    pub(crate) fn start(binding: Binding, setup: &Setup) -> Self {
        let counts = Arc::new(Counts::default());
        let server = server(&counts, setup.limits.clone());
        let handle = server.handle();
        let serving = HttpServing::start(binding, server, &setup.http);
        Self {
            address: serving.address(),
            handle,
            counts,
            serving,
        }
    }

    pub(crate) fn plain(binding: Binding) -> Self {
        Self::start(binding, &Setup::default())
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// Asks on a connection of its own.
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> Response {
        self.connect().ask(request)
    }

    /// Asks for the end, once more each time.
    pub(crate) fn stop(&self) {
        self.serving.stop();
    }

    /// Waits for the end.
    pub(crate) fn join(&mut self) {
        self.serving.join();
    }

    /// Opens a session of 2025-11-25; its id.
    pub(crate) fn open(&self, more: &str) -> String {
        let initialize = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        let opened = self.ask(post(more, &rpc(Some(1), "initialize", initialize)));
        let id = opened
            .get("mcp-session-id")
            .unwrap_or_else(|| panic!("{opened:?}"))
            .to_owned();
        let ready = self.ask(post(
            &format!("{more}mcp-session-id: {id}\r\n"),
            &rpc(None, "notifications/initialized", json!({})),
        ));
        assert_eq!(ready.status, 202, "{ready:?}");
        id
    }
}

/// Waits until it is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "it never came to: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn server(counts: &Arc<Counts>, limits: Limits) -> Server {
    let number = |arguments: &mcp_server_core::mcp_proto::json::Json, name: &str| {
        let arguments: Value = arguments.to().expect("an object");
        arguments[name].as_u64().unwrap_or_default()
    };
    let any = || {
        mcp_server_core::mcp_proto::json::Json::new(&json!({"type": "object"})).expect("a schema")
    };
    let seen = Arc::clone(counts);
    let wait = ToolEntry::new("wait").raw(any(), move |arguments, cx| {
        let at_once = seen.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most_at_once.fetch_max(at_once, Ordering::SeqCst);
        let cancelled = cx.wait(Duration::from_millis(number(&arguments, "ms")));
        seen.waiting.fetch_sub(1, Ordering::SeqCst);
        let end = if cancelled {
            &seen.cancelled
        } else {
            &seen.done
        };
        end.fetch_add(1, Ordering::SeqCst);
        "waited"
    });
    // Does not look whether it was cancelled.
    let deaf = ToolEntry::new("deaf").raw(any(), move |arguments, _| {
        thread::sleep(Duration::from_millis(number(&arguments, "ms")));
        "done"
    });
    let echo = ToolEntry::new("echo").raw(any(), |arguments, _| arguments.as_str().to_owned());
    let seen = Arc::clone(counts);
    let long = ToolEntry::new("long").raw(any(), move |arguments, _| {
        let text = "x".repeat(number(&arguments, "bytes") as usize);
        seen.done.fetch_add(1, Ordering::SeqCst);
        text
    });
    let seen = Arc::clone(counts);
    let notes = ToolEntry::new("notes").raw(any(), move |arguments, cx| {
        let text = "n".repeat(number(&arguments, "bytes") as usize);
        for done in 1..=number(&arguments, "count") {
            cx.progress_with(done, None::<f64>, &text);
            if cx.wait(Duration::from_millis(number(&arguments, "pause"))) {
                seen.cancelled.fetch_add(1, Ordering::SeqCst);
                return "cancelled";
            }
        }
        seen.done.fetch_add(1, Ordering::SeqCst);
        "told"
    });
    let panics = ToolEntry::new("panics").raw(any(), |_, _| -> String { panic!("as asked") });
    Server::builder("rig", "1")
        .limits(limits)
        .tool(wait)
        .tool(deaf)
        .tool(echo)
        .tool(long)
        .tool(notes)
        .tool(panics)
        .build()
        .expect("the tools are fine")
}

/// A tool that comes later.
pub(crate) fn another_tool() -> ToolEntry {
    ToolEntry::new("another").call(|| "here")
}

/// A message.
pub(crate) fn rpc(id: Option<u32>, method: &str, params: impl Into<Value>) -> String {
    let params = params.into();
    let mut message = json!({"jsonrpc": "2.0", "method": method, "params": params});
    if let Some(id) = id {
        message["id"] = id.into();
    }
    message.to_string()
}

/// A POST to the endpoint.
pub(crate) fn post(headers: &str, body: &str) -> String {
    format!(
        "{}content-length: {}\r\n\r\n{body}",
        post_head(headers),
        body.len()
    )
}

/// The same, without saying where the body ends.
pub(crate) fn post_head(headers: &str) -> String {
    let accept =
        "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";
    format!("POST /mcp HTTP/1.1\r\nhost: localhost\r\n{accept}{headers}")
}

/// The headers and the body of a request of 2026-07-28.
pub(crate) fn modern(id: u32, method: &str, mut params: Value) -> (String, String) {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "progressToken": id,
    });
    params["_meta"] = meta;
    let name = params["name"]
        .as_str()
        .map(|name| format!("mcp-name: {name}\r\n"))
        .unwrap_or_default();
    let headers = format!("mcp-protocol-version: 2026-07-28\r\nmcp-method: {method}\r\n{name}");
    (headers, rpc(Some(id), method, params))
}

/// A whole request of 2026-07-28.
pub(crate) fn modern_post(id: u32, method: &str, params: Value) -> String {
    let (headers, body) = modern(id, method, params);
    post(&headers, &body)
}

/// A call of 2026-07-28.
pub(crate) fn call(id: u32, tool: &str, arguments: impl Into<Value>) -> String {
    modern_post(
        id,
        "tools/call",
        json!({"name": tool, "arguments": arguments.into()}),
    )
}

/// A call in a session.
pub(crate) fn session_call(
    session: &str,
    id: u32,
    tool: &str,
    arguments: impl Into<Value>,
) -> String {
    let params =
        json!({"name": tool, "arguments": arguments.into(), "_meta": {"progressToken": id}});
    post(&in_session(session), &rpc(Some(id), "tools/call", params))
}

/// The headers of a session of 2025-11-25.
pub(crate) fn in_session(session: &str) -> String {
    format!("mcp-session-id: {session}\r\nmcp-protocol-version: 2025-11-25\r\n")
}

/// The text that a tool has returned.
pub(crate) fn text_of(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
}
