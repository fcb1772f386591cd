//! The smallest server, of which instructions, system calls and memory are counted.

use bind_blocking::prelude::*;

/// Return the message.
#[tool]
fn echo(message: String) -> String {
    message
}

/// Return the message, on the thread that reads.
#[tool(quick)]
fn echo_quick(message: String) -> String {
    message
}

fn main() -> Result<(), Error> {
    serve_stdio(server!().tool(echo).tool(echo_quick))
}
