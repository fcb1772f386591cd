//! The smallest server on smol, of which instructions and system calls are counted.

use bind_async_std::smol::prelude::*;

/// Return the message.
#[tool]
async fn echo(message: String) -> String {
    message
}

fn main() -> Result<(), Error> {
    smol::block_on(serve_stdio(server!().tool(echo)))
}
