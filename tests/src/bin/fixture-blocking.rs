//! The fixture server on plain threads: `fixture-blocking stdio`, `fixture-blocking http --port N`.

use std::process::ExitCode;

use bind_blocking::{Error, HttpListener, serve_stdio};
use mcp_tests::fixture;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let served = match arguments[..] {
        ["stdio"] => serve_stdio(fixture::server()),
        ["http"] => serve_http("0"),
        ["http", "--port", port] => serve_http(port),
        _ => {
            eprintln!("usage: fixture-blocking stdio | http [--port PORT]");
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

fn serve_http(port: &str) -> Result<(), Error> {
    let listener = HttpListener::bind(format!("127.0.0.1:{port}"))?;
    eprintln!("listening on {}", listener.url());
    listener.end_on_signals()?.serve(fixture::server())
}
