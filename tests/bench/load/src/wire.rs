//! Requests, written by hand: bodies of both eras, and the HTTP heads in front of them.

use std::fmt::Write as _;

/// How a server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Transport {
    Stdio,
    Http,
}

/// Which way a client has of saying what it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Era {
    /// `initialize`, then requests that say nothing: 2025-11-25.
    Legacy,
    /// Each request says all: 2026-07-28.
    Modern,
}

impl Era {
    pub(crate) fn revision(self) -> &'static str {
        match self {
            Self::Legacy => "2025-11-25",
            Self::Modern => "2026-07-28",
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    /// A text of so many bytes, there and back.
    Echo(usize),
    /// The same, of a tool that runs on the thread that reads.
    Quick(usize),
    /// One and two.
    Add,
    /// No call: the list of all tools, of which there are so many.
    List(usize),
}

impl Call {
    pub(crate) fn tool(self) -> &'static str {
        match self {
            Self::Echo(_) => "echo",
            Self::Quick(_) => "echo_quick",
            Self::Add => "add",
            Self::List(_) => "tools/list",
        }
    }

    /// The text that is sent: words and spaces, nothing that JSON would escape.
    pub(crate) fn text(self) -> String {
        const WORDS: &str = "The quick brown fox jumps over the lazy dog, again and again and ";
        match self {
            Self::Echo(bytes) | Self::Quick(bytes) => WORDS.chars().cycle().take(bytes).collect(),
            Self::Add | Self::List(_) => String::new(),
        }
    }

    fn arguments(self) -> String {
        match self {
            Self::Echo(_) | Self::Quick(_) => format!(r#"{{"message":"{}"}}"#, self.text()),
            Self::Add => r#"{"a":1,"b":2}"#.to_owned(),
            Self::List(_) => "{}".to_owned(),
        }
    }

    /// The method, and the name of what it calls.
    fn method(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::List(_) => ("tools/list", None),
            _ => ("tools/call", Some(self.tool())),
        }
    }
}

/// What each request of the modern era carries.
const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

pub(crate) const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
pub(crate) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// The first request of an era.
pub(crate) fn opening(era: Era) -> String {
    match era {
        Era::Legacy => INITIALIZE.to_owned(),
        Era::Modern => {
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{{{META}}}}}"#)
        }
    }
}

pub(crate) fn listen() -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{{META},"notifications":{{"toolsListChanged":true}}}}}}"#
    )
}

/// All ids are of one length, and so are all requests.
pub(crate) const FIRST_ID: u64 = 1_000_000_000;
pub(crate) const ID_DIGITS: usize = 10;

/// A request with a gap for its id.
#[derive(Debug)]
pub(crate) struct Template {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Template {
    /// A call as a line, or behind a head.
    pub(crate) fn new(era: Era, call: Call, head: Option<&Head>) -> Self {
        let meta = match era {
            Era::Legacy => String::new(),
            Era::Modern => format!("{META},"),
        };
        let start = r#"{"jsonrpc":"2.0","id":"#;
        let (method, name) = call.method();
        let params = match name {
            Some(name) => format!(r#"{meta}"name":"{name}","arguments":{}"#, call.arguments()),
            None => meta.trim_end_matches(',').to_owned(),
        };
        let rest = format!(r#","method":"{method}","params":{{{params}}}}}"#);
        let length = start.len() + ID_DIGITS + rest.len();
        let (before, end) = match head {
            None => (start.to_owned(), "\n"),
            Some(head) => {
                let mut before = head.post(method, name, length);
                before += start;
                (before, "")
            }
        };
        Self {
            before: before.into_bytes(),
            after: (rest + end).into_bytes(),
        }
    }

    pub(crate) fn write(&self, id: u64, out: &mut Vec<u8>) {
        out.reserve(self.before.len() + ID_DIGITS + self.after.len());
        out.extend_from_slice(&self.before);
        let mut digits = [0; ID_DIGITS];
        let mut rest = id;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out.extend_from_slice(&digits);
        out.extend_from_slice(&self.after);
    }
}

/// What the requests of one HTTP client have in common.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) authority: String,
    pub(crate) path: &'static str,
    pub(crate) era: Era,
    pub(crate) session: Option<String>,
}

impl Head {
    /// The head of a POST whose body has so many bytes.
    pub(crate) fn post(&self, method: &str, name: Option<&str>, length: usize) -> String {
        let mut head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: {length}\r\n",
            self.path, self.authority
        );
        // A string takes whatever is written to it.
        let mut line = |name: &str, value: &str| {
            let _ = write!(head, "{name}: {value}\r\n");
        };
        if method != "initialize" {
            line("MCP-Protocol-Version", self.era.revision());
        }
        if let Some(session) = &self.session {
            line("Mcp-Session-Id", session);
        }
        if self.era == Era::Modern {
            line("Mcp-Method", method);
            if let Some(name) = name {
                line("Mcp-Name", name);
            }
        }
        head + "\r\n"
    }

    /// A whole request.
    pub(crate) fn request(&self, method: &str, body: &str) -> Vec<u8> {
        (self.post(method, None, body.len()) + body).into_bytes()
    }
}
