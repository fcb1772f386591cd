//! What must hold for any input: the bodies of the fuzz targets, and of the test that replays
//! their corpora.
//!
//! Each function states its law first. They are public for the fuzz targets alone.
#![allow(missing_docs)]

mod asks;

pub use asks::{asks, request_state};

use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

use http::request::Parts;
use mcp_proto::{
    json::Json,
    limits::Limits,
    rpc::RpcError,
    time::Instant,
    types::{
        CallToolResult, GetPromptResult, Implementation, Prompt, ReadResourceResult, Resource, Tool,
    },
};

use crate::{
    call::{Event, Outcome, Work},
    conn::Conn,
    http::{Body, Exchange, HttpEvent, HttpOptions, HttpServer, HttpServerEvent},
    service::Service,
};

const NOW: Instant = Instant::ZERO;

/// The session that is open before the input comes: what `entropy` makes.
const SESSION: [u8; 16] = [0x11; 16];

/// Law: whatever a request is, and however its body is cut, it gets one and the same response,
/// at once and to its end, where no handler takes time. The first line is the method and the URI,
/// then come headers, then a blank line, then the body.
pub fn exchange(input: &[u8]) {
    let Some((head, body)) = read_head(input) else {
        return;
    };
    let whole = respond(&head, body, body.len().max(1));
    for piece in [1, 5] {
        assert_eq!(
            respond(&head, body, piece),
            whole,
            "cut into pieces of {piece}"
        );
    }
}

fn read_head(input: &[u8]) -> Option<(http::Request<()>, &[u8])> {
    let end = input.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((input, &[][..]), |end| (&input[..end], &input[end + 2..]));
    let mut lines = head.split(|byte| *byte == b'\n');
    let line = core::str::from_utf8(lines.next()?).ok()?;
    let (method, uri) = line.split_once(' ')?;
    let mut request = http::Request::builder().method(method).uri(uri);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        request = request.header(&line[..colon], line[colon + 1..].trim_ascii());
    }
    Some((request.body(()).ok()?, body))
}

struct Machines {
    service: Arc<Service<()>>,
    options: Arc<HttpOptions>,
    server: HttpServer<(), ()>,
}

fn machines() -> Machines {
    let region = r#"{"type":"object","properties":{"r":{"type":"string","x-mcp-header":"R"}}}"#;
    let service = Service::builder(Implementation::new("fuzz", "1"))
        .tool(
            Tool::new(
                "a",
                Json::parse(region).unwrap_or_else(|_| Json::empty_object()),
            ),
            (),
        )
        .resource(Resource::new("x:a", "a"), ())
        .prompt(Prompt::new("p"), ())
        .build();
    // One tool, one resource and one prompt with names of their own are always a service.
    let service = Arc::new(service.expect("a valid service"));
    let options = Arc::new(
        HttpOptions::listening(true)
            .http_sse("/sse", "/messages")
            .cors(true),
    );
    let server = HttpServer::new(Arc::clone(&service), Arc::clone(&options));
    Machines {
        service,
        options,
        server,
    }
}

fn respond(request: &http::Request<()>, body: &[u8], piece: usize) -> String {
    let mut machines = machines();
    let hello = http::Request::post("/mcp")
        .header("host", "localhost")
        .header("content-type", "application/json");
    let initialize = br#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-03-26"}}"#;
    if let Ok(hello) = hello.body(()) {
        machines.run(hello.into_parts().0, initialize, initialize.len());
    }
    machines.run(request.clone().into_parts().0, body, piece)
}

impl Machines {
    fn run(&mut self, head: Parts, body: &[u8], piece: usize) -> String {
        let mut exchange = Exchange::new(
            Arc::clone(&self.service),
            Arc::clone(&self.options),
            head,
            9,
            NOW,
        );
        self.drive(&mut exchange);
        for chunk in body.chunks(piece) {
            exchange.handle_body(chunk, NOW);
            self.drive(&mut exchange);
        }
        exchange.handle_body_end(NOW);
        self.drive(&mut exchange);
        // What lasts is ended, so that all of it can be compared.
        exchange.shut_down(NOW);
        self.server.shut_down(NOW);
        self.drive(&mut exchange);
        let head = exchange.poll_head().expect("every request gets a response");
        let mut out = Vec::new();
        let mut last = Body::Data;
        for _ in 0..1000 {
            if exchange.is_seated() {
                self.server.ferry(&mut exchange, NOW);
            }
            last = exchange.poll_body(&mut out);
            if last == Body::End {
                break;
            }
        }
        assert_eq!(
            last,
            Body::End,
            "{head:?} {}",
            String::from_utf8_lossy(&out)
        );
        assert!(exchange.is_done() && exchange.poll_event().is_none());
        let length = head
            .headers()
            .get(http::header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok());
        let headless = length.is_some() && out.is_empty();
        assert!(headless || length.is_none_or(|length| length == out.len().to_string()));
        format!("{head:?} {}", String::from_utf8_lossy(&out))
    }

    fn drive(&mut self, exchange: &mut Exchange<()>) {
        loop {
            let mut idle = true;
            while let Some(event) = exchange.poll_event() {
                idle = false;
                match event {
                    HttpEvent::Call(call) => {
                        let outcome = outcome(&call.work);
                        let _ = exchange.finish(call.ticket, outcome, NOW);
                    }
                    HttpEvent::Join => self.server.join(exchange, (), &SESSION, NOW),
                    _ => {}
                }
            }
            while let Some(event) = self.server.poll_event() {
                idle = false;
                if let HttpServerEvent::Call(call) = event {
                    let outcome = outcome(&call.work);
                    let _ = self.server.finish(call.ticket, outcome, NOW);
                }
            }
            self.server.ferry(exchange, NOW);
            if idle {
                return;
            }
        }
    }
}

fn outcome(work: &Work) -> Outcome {
    match work {
        Work::Tool { .. } => Outcome::Tool(CallToolResult::default()),
        Work::Prompt { .. } => Outcome::Prompt(GetPromptResult::default()),
        Work::Resource { .. } => Outcome::Resource(ReadResourceResult::default()),
        _ => Outcome::Fail(RpcError::internal("not offered")),
    }
}

/// Law: however a client's bytes are cut, a server whose handlers take no time does and says the
/// same; and then it ends. The first byte chooses how narrow the limits are.
pub fn conn_bytes(input: &[u8]) {
    let (choice, bytes) = input.split_first().unwrap_or((&0, &[]));
    let whole = conversation(*choice, bytes, bytes.len().max(1));
    for piece in [1, 7] {
        assert_eq!(
            conversation(*choice, bytes, piece),
            whole,
            "cut into pieces of {piece}"
        );
    }
}

fn conversation(choice: u8, bytes: &[u8], piece: usize) -> String {
    let mut limits = Limits::default();
    if choice & 1 == 1 {
        limits.message_bytes = 256;
        limits.name_bytes = 16;
        limits.json_depth = 4;
        limits.rejections = 2;
        limits.listens = 1;
        limits.subscribed_uris = 1;
    }
    let service = Service::builder(Implementation::new("fuzz", "1"))
        .limits(limits)
        .tool(Tool::new("a", Json::empty_object()), ())
        .resource(Resource::new("x:a", "a"), ())
        .prompt(Prompt::new("p"), ())
        .build();
    // One tool, one resource and one prompt with names of their own are always a service.
    let mut conn = Conn::new(Arc::new(service.expect("a valid service")), 1, NOW);
    let (mut seen, mut said) = (String::new(), Vec::new());
    for chunk in bytes.chunks(piece) {
        conn.handle_bytes(chunk, NOW);
        converse(&mut conn, &mut seen, &mut said);
    }
    conn.handle_eof(NOW);
    converse(&mut conn, &mut seen, &mut said);
    assert!(conn.is_closed() && !conn.wants_write() && conn.poll_timeout().is_none());
    for line in said
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let text = core::str::from_utf8(line).expect("what is said is UTF-8");
        assert!(Json::parse(text).is_ok(), "no JSON: {text}");
    }
    seen + &String::from_utf8_lossy(&said)
}

fn converse(conn: &mut Conn<()>, seen: &mut String, said: &mut Vec<u8>) {
    loop {
        let mut idle = true;
        while let Some(event) = conn.poll_event() {
            idle = false;
            match event {
                Event::Call(call) => {
                    *seen += &format!("{:?}\n", call.work);
                    let outcome = outcome(&call.work);
                    let _ = conn.finish(call.ticket, outcome, NOW);
                }
                event => *seen += &format!("{event:?}\n"),
            }
        }
        while conn.poll_transmit(said) {
            idle = false;
        }
        if idle {
            return;
        }
    }
}
