//! The fixture server on async-std: `fixture-async-std stdio`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let served = match std::env::args().nth(1).as_deref() {
        Some("stdio") => async_std::task::block_on(bind_async_std::async_std::serve_stdio(
            mcp_tests::fixture::server(),
        )),
        _ => {
            eprintln!("usage: fixture-async-std stdio");
            return ExitCode::from(2);
        }
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fixture-async-std: {error}");
            ExitCode::FAILURE
        }
    }
}
