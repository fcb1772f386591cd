//! A complete server over standard input and output:
//! `cargo run -p bind-tokio --example client -- target/debug/examples/calculator`
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
