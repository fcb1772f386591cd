//! The server that is measured where the test fixture does not do: with room for many sessions and
//! connections, with a quick tool, and with as many other tools as wanted.

use bind_blocking::json;
use bind_blocking::mcp_proto::{json::Json, limits::Limits};
use bind_blocking::mcp_server_core::ServerBuilder;
use bind_blocking::prelude::*;

/// Sessions and connections that there is room for: twice what the curves go up to.
pub const ROOM: usize = 20_000;

/// Returns the message.
#[tool]
fn echo(
    /** what to return */
    message: String,
) -> String {
    message
}

/// Returns the message, on the thread that reads.
#[tool(quick)]
fn echo_quick(
    /** what to return */
    message: String,
) -> String {
    message
}

/// The server, with `more` tools besides. Its lists come on one page.
#[must_use]
pub fn server(more: usize) -> ServerBuilder {
    let mut limits = Limits::default();
    limits.sessions = ROOM;
    limits.page_items = ROOM;
    let mut server = server!().limits(limits).tool(echo).tool(echo_quick);
    for number in 0..more {
        let schema = json!({
            "type": "object",
            "properties": {"message": {"type": "string", "description": "what to return"}},
            "required": ["message"],
        });
        let schema = Json::parse(&schema.to_string()).expect("it is JSON");
        let tool = ToolEntry::new(format!("tool_{number}")).input_schema(schema);
        server = server.tool(tool.run(|_, _| "done"));
    }
    server
}

/// What the programs are asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Asked {
    /// How many more tools.
    pub tools: usize,
    /// The port of a server over HTTP.
    pub port: Option<u16>,
}

impl Asked {
    /// Reads the program's arguments: `[COUNT] stdio | http --port N`.
    ///
    /// # Panics
    /// When they are not as they should be.
    #[must_use]
    pub fn from_arguments() -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let mut words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let count = words.first().and_then(|word| word.parse().ok());
        let tools = count.map_or(0, |count| {
            words.remove(0);
            count
        });
        let port = match words[..] {
            ["stdio"] => None,
            ["http", "--port", port] => Some(port.parse().expect("the port is a number")),
            _ => panic!("usage: SERVER [COUNT] stdio | http --port PORT"),
        };
        Self { tools, port }
    }
}
