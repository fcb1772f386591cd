//! The fixture server on tokio: `fixture-tokio stdio`.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let served = match std::env::args().nth(1).as_deref() {
        Some("stdio") => bind_tokio::serve_stdio(mcp_tests::fixture::server()).await,
        _ => {
            eprintln!("usage: fixture-tokio stdio");
            return ExitCode::from(2);
        }
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fixture-tokio: {error}");
            ExitCode::FAILURE
        }
    }
}
