//! An MCP server beside other routes of an axum application:
//! `cargo run -p bind-tokio --features http-server --example mounted_axum`.

use axum::{Router, routing::get};
use bind_tokio::{http::HttpOptions, http_service, prelude::*};
use tokio::net::TcpListener;

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

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mcp = http_service(server!().tool(add), HttpOptions::mounted())?;
    let app = Router::new()
        .route("/", get(|| async { "The MCP endpoint is /mcp.\n" }))
        .route_service("/mcp", mcp.clone());
    let socket = TcpListener::bind("127.0.0.1:8000").await?;
    eprintln!("listening on http://{}/mcp", socket.local_addr()?);
    axum::serve(socket, app)
        .with_graceful_shutdown(async move {
            // Fails where the system has no such signal: then the process ends as any other.
            let _ = tokio::signal::ctrl_c().await;
            // Otherwise its event streams would be waited for.
            mcp.shut_down();
        })
        .await?;
    Ok(())
}
