//! The smallest server on bind-blocking.

use bind_blocking::prelude::*;

/// Says hello.
#[tool]
fn hello(
    /** whom to greet */
    name: String,
) -> String {
    format!("Hello, {name}!")
}

fn main() -> Result<(), Error> {
    serve_stdio(server!().tool(hello))
}
