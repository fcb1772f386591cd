//! The fixture server on async-std: `fixture-async-std stdio`, `fixture-async-std http --port N`.

use std::process::ExitCode;

use bind_async_std::{
    Error,
    async_std::{HttpListener, serve_stdio},
};
use mcp_tests::fixture;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let served = match arguments[..] {
        ["stdio"] => async_std::task::block_on(serve_stdio(fixture::server())),
        ["http"] => async_std::task::block_on(serve_http("0")),
        ["http", "--port", port] => async_std::task::block_on(serve_http(port)),
        _ => {
            eprintln!("usage: fixture-async-std stdio | http [--port PORT]");
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

async fn serve_http(port: &str) -> Result<(), Error> {
    let listener = HttpListener::bind(format!("127.0.0.1:{port}")).await?;
    eprintln!("listening on {}", listener.url());
    listener.end_on_signals()?.serve(fixture::server()).await
}
