//! The smallest server on tokio, of which instructions and system calls are counted.

use bind_tokio::prelude::*;

/// Return the message.
#[tool]
async fn echo(message: String) -> String {
    message
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve_stdio(server!().tool(echo)).await
}
