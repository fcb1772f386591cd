//! The fixture server on plain threads: `fixture-blocking stdio`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let served = match std::env::args().nth(1).as_deref() {
        Some("stdio") => bind_blocking::serve_stdio(mcp_tests::fixture::server()),
        _ => {
            eprintln!("usage: fixture-blocking stdio");
            return ExitCode::from(2);
        }
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fixture-blocking: {error}");
            ExitCode::FAILURE
        }
    }
}
