//! A server on bind-blocking with room for more sessions and connections than the defaults allow.

use bind_blocking::mcp_proto::limits::Limits;
use bind_blocking::{HttpListener, prelude::*};

/// Returns the message.
#[tool]
fn echo(
    /** what to return */
    message: String,
) -> String {
    message
}

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ["http", "--port", port] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    else {
        panic!("usage: roomy-blocking http --port PORT");
    };
    let mut limits = Limits::default();
    limits.sessions = 20_000;
    let listener = HttpListener::bind(format!("127.0.0.1:{port}"))?.max_connections(20_000);
    listener.serve(server!().limits(limits).tool(echo))
}
