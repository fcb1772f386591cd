//! The fixture server on smol: `fixture-smol stdio`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let served = match std::env::args().nth(1).as_deref() {
        Some("stdio") => smol::block_on(bind_async_std::smol::serve_stdio(
            mcp_tests::fixture::server(),
        )),
        _ => {
            eprintln!("usage: fixture-smol stdio");
            return ExitCode::from(2);
        }
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fixture-smol: {error}");
            ExitCode::FAILURE
        }
    }
}
