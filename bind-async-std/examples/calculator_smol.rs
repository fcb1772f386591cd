//! A complete server over standard input and output, on smol:
//! `cargo run -p bind-async-std --example client_smol -- target/debug/examples/calculator_smol`
use bind_async_std::smol::prelude::*;

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

fn main() -> Result<(), Error> {
    smol::block_on(serve_stdio(server!().tool(add)))
}
