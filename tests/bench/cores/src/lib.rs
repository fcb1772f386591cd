//! Servers whose handlers are run in place, for the benchmarks to speak to.

use std::sync::Arc;

use mcp_server_core::http::{Body, Exchange, HttpEvent, HttpOptions};
use mcp_server_core::mcp_proto::{json::Json, rpc::CallId, time::Instant};
use mcp_server_core::{
    Call, Conn, Cx, Event, Handler, Link, Note, Outcome, Server, Service, ToolEntry, ToolError,
    tool,
};

/// What a client of the stateless era says of itself in every request.
pub const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}}"#;

/// Returns the message.
#[tool]
fn echo(message: String) -> String {
    message
}

/// Asks whether to go on, and says what it was told.
fn ask() -> ToolEntry {
    ToolEntry::new("ask").run(|_, cx| {
        let yes = cx.confirm("Go on?").get()?;
        Ok::<_, ToolError>(if yes { "on" } else { "off" })
    })
}

/// A server with `echo`, `ask`, and a few more to find them among.
///
/// # Panics
/// Never: it is well-formed.
#[must_use]
pub fn server() -> Server {
    let builder = Server::builder("bench", "1.0.0").tool(echo).tool(ask());
    let other = |number| ToolEntry::new(format!("other_{number}")).call(|| "other");
    let builder = (0..20).fold(builder, |builder, number| builder.tool(other(number)));
    builder.build().expect("its names differ")
}

/// A request of the stateless era, or of a handshake session, without a line's end.
#[must_use]
pub fn call(tool: &str, members: &str, stateless: bool) -> String {
    let meta = match stateless {
        true => format!(",{META}"),
        false => String::new(),
    };
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{tool}"{members}{meta}}}}}"#
    )
}

/// The arguments of `echo` with a message of so many bytes.
#[must_use]
pub fn message(bytes: usize) -> String {
    format!(r#","arguments":{{"message":"{}"}}"#, "x".repeat(bytes))
}

#[derive(Debug)]
struct Deaf;

impl Link for Deaf {
    fn note(&self, _: CallId, _: Note) {}
}

fn run(call: Call<Handler>, link: &Arc<dyn Link>) -> (mcp_server_core::Ticket, Outcome) {
    let (Handler::Sync(run) | Handler::Quick(run)) = call.handler else {
        panic!("all of these are plain functions");
    };
    let outcome = run(call.work, Cx::new(call.context, Arc::clone(link)));
    (call.ticket, outcome)
}

/// One connection.
#[derive(Debug)]
pub struct Stream {
    conn: Conn<Handler>,
    link: Arc<dyn Link>,
    out: Vec<u8>,
}

impl Stream {
    /// Opens it, with a handshake unless it is for the stateless era.
    #[must_use]
    pub fn open(stateless: bool) -> Self {
        let mut stream = Self {
            conn: server().connect(1, Instant::ZERO),
            link: Arc::new(Deaf),
            out: Vec::new(),
        };
        if !stateless {
            stream.exchange(b"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"bench\",\"version\":\"1.0.0\"}}}\n");
        }
        stream
    }

    /// A request's bytes in, its answer's bytes out.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn exchange(&mut self, line: &[u8]) -> &[u8] {
        self.conn.handle_bytes(line, Instant::ZERO);
        while let Some(event) = self.conn.poll_event() {
            if let Event::Call(call) = event {
                let (ticket, outcome) = run(call, &self.link);
                let _ = self.conn.finish(ticket, outcome, Instant::ZERO);
            }
        }
        self.out.clear();
        assert!(self.conn.poll_transmit(&mut self.out), "no answer");
        &self.out
    }
}

/// What HTTP requests are served from.
#[derive(Debug)]
pub struct Web {
    service: Arc<Service<Handler>>,
    options: Arc<HttpOptions>,
    link: Arc<dyn Link>,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            service: server().current(),
            options: Arc::new(HttpOptions::mounted()),
            link: Arc::new(Deaf),
        }
    }
}

impl Web {
    /// One call of the stateless era: a request's head and body in, the response's out.
    ///
    /// # Panics
    /// When the answer is no success.
    pub fn exchange(&self, tool: &str, body: &str, out: &mut Vec<u8>) {
        let request = http::Request::post("/mcp")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool)
            .body(());
        let head = request.expect("the headers are valid").into_parts().0;
        let (service, options) = (Arc::clone(&self.service), Arc::clone(&self.options));
        let now = Instant::ZERO;
        let mut exchange = Exchange::new(service, options, head, 1, now);
        exchange.handle_body(body.as_bytes(), now);
        exchange.handle_body_end(now);
        while let Some(event) = exchange.poll_event() {
            if let HttpEvent::Call(call) = event {
                let (ticket, outcome) = run(call, &self.link);
                let _ = exchange.finish(ticket, outcome, now);
            }
        }
        let head = exchange.poll_head().expect("the answer is there");
        assert!(head.status().is_success(), "{head:?}");
        while matches!(exchange.poll_body(out), Body::Data) {}
    }
}

/// The request that answers what a call has asked, from that call's answer.
#[must_use]
pub fn answered(first: &[u8]) -> Option<String> {
    let answer = Json::parse(String::from_utf8_lossy(first).trim()).ok()?;
    let result = member(&answer, "result")?;
    let state = member(&result, "requestState")?;
    let questions = member(&result, "inputRequests")?;
    let (key, _) = questions.as_raw().members().next()?;
    let members = format!(
        r#","inputResponses":{{"{key}":{{"action":"accept","content":{{"confirm":true}}}}}},"requestState":{}"#,
        state.as_str()
    );
    Some(call("ask", &members, true) + "\n")
}

fn member(of: &Json, name: &str) -> Option<Json> {
    let mut members = of.as_raw().members();
    members
        .find(|(key, _)| key == name)
        .map(|(_, value)| Json::from_raw(value))
}
