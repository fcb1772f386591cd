//! The fixture server on tokio: `fixture-tokio stdio`, `fixture-tokio http --port N`.

use std::process::ExitCode;

use bind_tokio::{Error, HttpListener, serve_stdio};
use mcp_tests::fixture;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let served = match arguments[..] {
        ["stdio"] => serve_stdio(fixture::server()).await,
        ["http"] => serve_http("0").await,
        ["http", "--port", port] => serve_http(port).await,
        _ => {
            eprintln!("usage: fixture-tokio stdio | http [--port PORT]");
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

async fn serve_http(port: &str) -> Result<(), Error> {
    let listener = HttpListener::bind(format!("127.0.0.1:{port}")).await?;
    eprintln!("listening on {}", listener.url());
    listener.end_on_signals()?.serve(fixture::server()).await
}
