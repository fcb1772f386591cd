//! Scripts: which requests are seen, what is replied, which requests and events come next.

mod caching;
mod calls;
mod chaos;
mod eras;
mod headers;
mod older;
mod sessions;
mod streams;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use mcp_proto::{
    request::{CallTool, ListTools, ReadResource},
    time::Instant,
    types::{
        CallToolParams, CallToolResult, Implementation, ListToolsResult, PaginatedParams,
        ReadResourceParams, ReadResourceResult,
    },
    version::ProtocolVersion,
};

use super::{Endpoint, Fetch, FetchError, FetchId, HttpClient};
use crate::{CallError, CallOptions, Config, EraMode, Event, Fault, InputTicket, Pending};

pub(super) const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
pub(super) const EVENTS: &[(&str, &str)] = &[("content-type", "text/event-stream")];
pub(super) const HTML: &[(&str, &str)] = &[("content-type", "text/html")];
pub(super) const NOTHING: &[(&str, &str)] = &[];

pub(super) const DISCOVERED: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true}},"ttlMs":0,"cacheScope":"private"}"#;

pub(super) fn initialized(version: &str) -> String {
    format!(
        r#"{{"protocolVersion":"{version}","capabilities":{{"tools":{{}},"resources":{{"subscribe":true}},"logging":{{}}}},"serverInfo":{{"name":"s","version":"1"}}}}"#
    )
}

/// A client and the scripted server at the other end of its exchanges.
pub(super) struct Script {
    pub(super) client: HttpClient,
    pub(super) now: Instant,
    pub(super) tickets: Vec<InputTicket>,
    /// The requests that were made, by their number.
    requests: Vec<(u64, Request<Bytes>)>,
}

impl Script {
    pub(super) fn new(era: EraMode, change: impl FnOnce(&mut Config, &mut Endpoint)) -> Self {
        let mut config = Config::new(Implementation::new("c", "1"));
        let mut options = Endpoint::new("https://example.com/mcp").unwrap();
        config.era = era;
        change(&mut config, &mut options);
        let now = Instant::from_nanos(1);
        Self {
            client: HttpClient::new(config, options, now),
            now,
            tickets: Vec::new(),
            requests: Vec::new(),
        }
    }

    /// A client that has agreed on 2026-07-28; its next exchange has the number 2.
    pub(super) fn stateless(change: impl FnOnce(&mut Config, &mut Endpoint)) -> Self {
        let mut script = Self::new(EraMode::Auto, change);
        assert_eq!(script.fetches(), ["1 POST server/discover 1"]);
        script.answer(1, 1, DISCOVERED);
        assert_eq!(script.events(), ["ready"]);
        script
    }

    /// A client that has opened a session of 2025-11-25 without a standalone stream; its next
    /// exchange has the number 3.
    pub(super) fn handshake(change: impl FnOnce(&mut Config, &mut Endpoint)) -> Self {
        let era = EraMode::Handshake(ProtocolVersion::V2025_11_25);
        let mut script = Self::new(era, |config, options| {
            options.listens = false;
            change(config, options);
        });
        assert_eq!(script.fetches(), ["1 POST initialize 1"]);
        script.open_session(1, 1, "s-1");
        script
    }

    /// Answers `initialize` and takes the greeting, which is the next exchange.
    pub(super) fn open_session(&mut self, fetch: u64, id: i64, session: &str) {
        let headers = [
            ("content-type", "application/json"),
            ("mcp-session-id", session),
        ];
        self.reply(
            fetch,
            200,
            &headers,
            &result(id, &initialized("2025-11-25")),
        );
        let events = self.events();
        assert!(events.is_empty() || events == ["ready"], "{events:?}");
        let greeting = fetch + 1;
        assert_eq!(
            self.fetches(),
            [format!("{greeting} POST notifications/initialized")]
        );
        assert_eq!(self.header(greeting, "mcp-session-id"), Some(session));
        self.reply(greeting, 202, NOTHING, "");
        assert!(self.events().is_empty());
    }

    // ── What the server does ─────────────────────────────────────────────────────────────────

    pub(super) fn head(&mut self, fetch: u64, status: u16, headers: &[(&str, &str)]) {
        let mut head = Response::builder().status(status);
        for (name, value) in headers {
            head = head.header(*name, *value);
        }
        let parts = head.body(()).unwrap().into_parts().0;
        self.client.handle_head(FetchId(fetch), &parts, self.now);
    }

    pub(super) fn chunk(&mut self, fetch: u64, text: &str) {
        self.client
            .handle_chunk(FetchId(fetch), text.as_bytes(), self.now);
    }

    pub(super) fn end(&mut self, fetch: u64) {
        self.client.handle_end(FetchId(fetch), Ok(()), self.now);
    }

    pub(super) fn fail(&mut self, fetch: u64, error: FetchError) {
        self.client.handle_end(FetchId(fetch), Err(error), self.now);
    }

    pub(super) fn reply(&mut self, fetch: u64, status: u16, headers: &[(&str, &str)], body: &str) {
        self.head(fetch, status, headers);
        if !body.is_empty() {
            self.chunk(fetch, body);
        }
        self.end(fetch);
    }

    /// Answers a request with a result.
    pub(super) fn answer(&mut self, fetch: u64, id: i64, text: &str) {
        self.reply(fetch, 200, JSON, &result(id, text));
    }

    /// Sends one event on a stream.
    pub(super) fn event(&mut self, fetch: u64, id: &str, data: &str) {
        let id = if id.is_empty() {
            String::new()
        } else {
            format!("id: {id}\n")
        };
        self.chunk(fetch, &format!("{id}data: {data}\n\n"));
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
        self.client.handle_timeout(self.now);
    }

    // ── What the client does ─────────────────────────────────────────────────────────────────

    pub(super) fn call(&mut self, tool: &str) -> Pending<CallToolResult> {
        self.call_with(tool, "{}")
    }

    pub(super) fn call_with(&mut self, tool: &str, arguments: &str) -> Pending<CallToolResult> {
        let mut params = CallToolParams::new(tool);
        params.arguments = Some(mcp_proto::json::Json::parse(arguments).unwrap());
        let options = CallOptions::default();
        self.client
            .call::<CallTool>(&params, &options, self.now)
            .unwrap()
    }

    pub(super) fn list(&mut self) -> Pending<ListToolsResult> {
        let (params, options) = (PaginatedParams::default(), CallOptions::default());
        self.client
            .call::<ListTools>(&params, &options, self.now)
            .unwrap()
    }

    pub(super) fn read(&mut self, uri: &str) -> Pending<ReadResourceResult> {
        let (params, options) = (ReadResourceParams::new(uri), CallOptions::default());
        self.client
            .call::<ReadResource>(&params, &options, self.now)
            .unwrap()
    }

    /// The text of a tool's result, or how the call failed.
    pub(super) fn outcome(&mut self, call: Pending<CallToolResult>) -> String {
        match self.client.take(call).expect("it has ended") {
            Ok(result) => result
                .content
                .iter()
                .filter_map(|block| block.as_text())
                .collect(),
            Err(error) => error.to_string(),
        }
    }

    pub(super) fn error<T: core::fmt::Debug>(&mut self, call: Pending<T>) -> CallError {
        self.client
            .take(call)
            .expect("it has ended")
            .expect_err("it has failed")
    }

    /// What has happened, in short.
    pub(super) fn events(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some(event) = self.client.poll_event() {
            seen.push(match event {
                Event::Ready => "ready".to_string(),
                Event::Done(_) => "done".to_string(),
                Event::Progress(_, progress) => format!("progress {}", progress.done),
                Event::Input(ticket, request) => {
                    self.tickets.push(ticket);
                    format!("input {}", request.method())
                }
                Event::Changed(change) => format!("changed {change:?}"),
                Event::Subscribed(_, granted) => {
                    format!("subscribed {:?}", granted.resource_subscriptions)
                }
                Event::Fault(Fault::Http(failure)) => format!("fault {failure}"),
                Event::Fault(Fault::Tool { name, .. }) => format!("bad tool {name}"),
                Event::Fault(fault) => format!("fault {fault:?}"),
                Event::Unauthorized(challenge) => {
                    format!(
                        "unauthorized {} {}",
                        challenge.status,
                        challenge.text.unwrap_or_default()
                    )
                }
                Event::Closed(closed) => format!("closed {closed:?}"),
                other => format!("{other:?}"),
            });
        }
        // Nothing that is due is left over, or a loop would spin.
        assert!(self.client.poll_timeout().is_none_or(|due| due > self.now));
        seen
    }

    /// What is wanted of the caller, in short: the exchange's number, the HTTP method, and what the
    /// body says.
    pub(super) fn fetches(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some(fetch) = self.client.poll_fetch() {
            seen.push(match fetch {
                Fetch::Open(id, request) => {
                    let short = short(&request);
                    let line = format!("{} {}{short}", id.as_u64(), request.method());
                    self.requests.push((id.as_u64(), request));
                    line
                }
                Fetch::Abort(id) => format!("{} abort", id.as_u64()),
            });
        }
        seen
    }

    /// Asserts that nothing has happened and nothing is wanted.
    pub(super) fn assert_quiet(&mut self) {
        assert_eq!(self.events(), [""; 0]);
        assert_eq!(self.fetches(), [""; 0]);
    }

    /// Asserts that so many requests are made now, and that nothing else has happened.
    pub(super) fn assert_ready_for(&mut self, requests: usize) {
        assert!(self.events().is_empty());
        assert_eq!(self.fetches().len(), requests);
    }

    pub(super) fn request(&self, fetch: u64) -> &Request<Bytes> {
        let found = self.requests.iter().find(|(id, _)| *id == fetch);
        &found.expect("the request was made").1
    }

    pub(super) fn header(&self, fetch: u64, name: &str) -> Option<&str> {
        let value = self.request(fetch).headers().get(name)?;
        Some(value.to_str().unwrap())
    }

    pub(super) fn body(&self, fetch: u64) -> &str {
        core::str::from_utf8(self.request(fetch).body()).unwrap()
    }
}

fn short(request: &Request<Bytes>) -> String {
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(request.body()) else {
        let last = request.headers().get("last-event-id");
        return last.map_or(String::new(), |id| {
            format!(" after {}", id.to_str().unwrap())
        });
    };
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => format!(" {text}"),
        value => format!(" {value}"),
    };
    format!("{}{}", text(&body["method"]), text(&body["id"]))
}

pub(super) fn result(id: i64, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

pub(super) fn error(id: i64, code: i32, rest: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"m"{rest}}}}}"#)
}

pub(super) fn said(text: &str) -> String {
    format!(r#"{{"resultType":"complete","content":[{{"type":"text","text":"{text}"}}]}}"#)
}

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
