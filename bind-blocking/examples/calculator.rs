//! A complete server: `cargo run -p bind-blocking --example calculator` and any MCP client.

use bind_blocking::prelude::*;

/// Add two numbers.
#[tool]
fn add(
    /** the first */
    a: f64,
    /** the second */
    b: f64,
) -> f64 {
    a + b
}

/// Divide one number by another.
#[tool(read_only)]
fn divide(
    /** what is divided */
    a: f64,
    /** by what */
    b: f64,
) -> Result<f64, ToolError> {
    if b == 0.0 {
        return Err(ToolError::new("cannot divide by zero; pass another `b`"));
    }
    Ok(a / b)
}

fn main() -> Result<(), Error> {
    serve_stdio(server!().tool(add).tool(divide))
}
