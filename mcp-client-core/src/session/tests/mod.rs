//! Scripts: what goes in, what must come out, line by line.

mod calls;
mod chaos;
mod extensions;
mod faults;
mod input;
mod limits;
mod subscriptions;
mod tasks;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::time::Duration;

use mcp_proto::{time::Instant, types::Implementation, version::ProtocolVersion};

use crate::{Client, Config, EraMode, Event, InputTicket};

/// A client and the scripted server at its other end.
struct Script {
    client: Client,
    now: Instant,
    /// Tickets of questions, in the order they were asked.
    tickets: Vec<InputTicket>,
}

impl Script {
    fn new(era: EraMode, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(Implementation::new("c", "1"));
        config.era = era;
        change(&mut config);
        let now = Instant::from_nanos(1);
        Self {
            client: Client::new(config, now),
            now,
            tickets: Vec::new(),
        }
    }

    /// A client that has agreed on 2026-07-28 with a server that can do everything.
    fn stateless(change: impl FnOnce(&mut Config)) -> Self {
        let mut script = Self::new(EraMode::Stateless, change);
        script.sent_lines();
        script.line(
            r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"listChanged":true,"subscribe":true},"logging":{}},"ttlMs":0,"cacheScope":"private"}}"#,
        );
        assert_eq!(script.events(), ["ready"]);
        script
    }

    /// A client that has agreed on 2025-11-25 with a server that can do everything.
    fn handshake(change: impl FnOnce(&mut Config)) -> Self {
        let mut script = Self::new(EraMode::Handshake(ProtocolVersion::V2025_11_25), change);
        script.sent_lines();
        script.line(
            r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"listChanged":true,"subscribe":true},"logging":{}},"serverInfo":{"name":"s","version":"1"}}}"#,
        );
        assert_eq!(script.events(), ["ready"]);
        assert_eq!(
            script.sent_lines(),
            [r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":{}}"#]
        );
        script
    }

    /// A line of the server.
    fn line(&mut self, line: &str) {
        self.client.handle_bytes(line.as_bytes(), self.now);
        self.client.handle_bytes(b"\n", self.now);
    }

    /// A result of the server.
    fn result(&mut self, id: i64, result: &str) {
        self.line(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#
        ));
    }

    fn note(&mut self, method: &str, params: &str) {
        self.line(&format!(
            r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#
        ));
    }

    fn eof(&mut self) {
        self.client.handle_eof(self.now);
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
        self.client.handle_timeout(self.now);
    }

    /// What has happened, in short.
    fn events(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some(event) = self.client.poll_event() {
            seen.push(match event {
                Event::Ready => "ready".to_string(),
                Event::Done(_) => "done".to_string(),
                Event::Progress(_, progress) => format!("progress {}", progress.done),
                Event::Task(_, task) => {
                    let message = task.status_message.unwrap_or_default();
                    format!("task {} {message}", task.status.as_str())
                }
                Event::Log(entry) => format!("log {}", entry.level),
                Event::Input(ticket, request) => {
                    self.tickets.push(ticket);
                    format!("input {}", request.method())
                }
                Event::InputGone(_) => "input gone".to_string(),
                Event::Changed(change) => format!("changed {change:?}"),
                Event::Subscribed(_, granted) => format!(
                    "subscribed {}{}{} {:?}",
                    u8::from(granted.tools_list_changed),
                    u8::from(granted.prompts_list_changed),
                    u8::from(granted.resources_list_changed),
                    granted.resource_subscriptions
                ),
                Event::Unsubscribed(_) => "unsubscribed".to_string(),
                Event::ElicitationComplete(id) => format!("complete {id}"),
                Event::Notification(name, params) => format!("note {name} {params:?}"),
                Event::Fault(fault) => format!("fault {fault:?}"),
                Event::Closed(closed) => format!("closed {closed:?}"),
                #[cfg(feature = "http")]
                Event::Unauthorized(challenge) => format!("unauthorized {challenge:?}"),
            });
        }
        // Nothing that is due is left over, or a loop would spin (S7).
        assert!(self.client.poll_timeout().is_none_or(|due| due > self.now));
        seen
    }

    /// What the client has sent, line by line.
    fn sent_lines(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        while self.client.poll_transmit(&mut out) {}
        String::from_utf8(out)
            .unwrap()
            .lines()
            .map(str::to_string)
            .collect()
    }

    /// The same, with the envelope and the reserved `_meta` of 2026-07-28 left out.
    fn sent(&mut self) -> Vec<String> {
        let meta = concat!(
            r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
            r#""io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"#,
            r#""io.modelcontextprotocol/clientCapabilities":{}"#
        );
        let with_tasks = meta.replace(
            "Capabilities\":{}",
            r#"Capabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#,
        );
        let short = |line: String| {
            let line = line
                .strip_prefix(r#"{"jsonrpc":"2.0","#)
                .unwrap()
                .strip_suffix('}')
                .unwrap()
                .to_string();
            line.replace(meta, "..")
                .replace(&with_tasks, "..")
                .replace(r#","_meta":{..}"#, "")
                .replace(r#""_meta":{..}"#, "")
        };
        self.sent_lines().into_iter().map(short).collect()
    }
}
