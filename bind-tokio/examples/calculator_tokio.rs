//! A complete server over standard input and output:
//! `cargo run -p bind-tokio --example client_tokio -- target/debug/examples/calculator_tokio`
use bind_tokio::prelude::*;

/// Add two numbers.
#[tool]
async fn add(
    /** the first */
    a: f64,
    /** the second */
    b: f64,
) -> f64 {
    a + b
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve_stdio(server!().tool(add)).await
}
