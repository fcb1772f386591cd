//! A complete server over standard input and output, on async-std. (That one is discontinued; see
//! `calculator_smol` for its successor.)
use bind_async_std::async_std::prelude::*;

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
    async_std::task::block_on(serve_stdio(server!().tool(add)))
}
