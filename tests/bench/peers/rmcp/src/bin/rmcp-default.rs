//! rmcp as its README has it: the macros, `stdio()`, the multi-threaded runtime, `axum::serve`.

use rmcp::handler::server::wrapper::Parameters;
use rmcp::transport::stdio;
use rmcp::transport::streamable_http_server::{
    StreamableHttpService, session::local::LocalSessionManager,
};
use rmcp::{ServiceExt, tool, tool_router};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Echo {
    /// what to return
    message: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Add {
    /// the first
    a: f64,
    /// the second
    b: f64,
}

#[derive(Clone)]
struct Server;

#[tool_router(server_handler)]
impl Server {
    #[tool(description = "Returns the message.")]
    async fn echo(&self, Parameters(Echo { message }): Parameters<Echo>) -> String {
        message
    }

    #[tool(description = "Adds two numbers.")]
    async fn add(&self, Parameters(Add { a, b }): Parameters<Add>) -> String {
        (a + b).to_string()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    match peer_rmcp::port() {
        None => {
            let service = Server.serve(stdio()).await?;
            service.waiting().await?;
        }
        Some(port) => {
            let service = StreamableHttpService::new(
                || Ok(Server),
                LocalSessionManager::default().into(),
                Default::default(),
            );
            let router = axum::Router::new().nest_service("/mcp", service);
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
            axum::serve(listener, router).await?;
        }
    }
    Ok(())
}
