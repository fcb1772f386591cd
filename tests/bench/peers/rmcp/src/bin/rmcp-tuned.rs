//! rmcp tuned by hand: pipes without the thread behind `stdio()`, one runtime thread, the router
//! made once, tools without a future of their own, TCP_NODELAY and JSON responses. Built with the
//! profile `tuned`.

use std::sync::Arc;

use axum::serve::ListenerExt;
use rmcp::handler::server::{router::tool::ToolRouter, wrapper::Parameters};
use rmcp::model::{CallToolResult, ContentBlock, SubscriptionFilter};
use rmcp::transport::io::stdio_pipes;
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use rmcp::{ServerHandler, ServiceExt, tool, tool_handler, tool_router};

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
struct Server {
    router: Arc<ToolRouter<Server>>,
}

#[tool_router]
impl Server {
    fn new() -> Self {
        Self {
            router: Arc::new(Self::tool_router()),
        }
    }

    #[tool(description = "Returns the message.")]
    fn echo(&self, Parameters(Echo { message }): Parameters<Echo>) -> CallToolResult {
        CallToolResult::success(vec![ContentBlock::text(message)])
    }

    #[tool(description = "Adds two numbers.")]
    fn add(&self, Parameters(Add { a, b }): Parameters<Add>) -> CallToolResult {
        CallToolResult::success(vec![ContentBlock::text((a + b).to_string())])
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for Server {
    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::new();
    match peer_rmcp::port() {
        None => {
            let service = server.serve(stdio_pipes()).await?;
            service.waiting().await?;
        }
        Some(port) => {
            let config = StreamableHttpServerConfig::default()
                .with_legacy_session_mode(false)
                .with_json_response(true);
            let service = StreamableHttpService::new(
                move || Ok(server.clone()),
                Arc::new(NeverSessionManager::default()),
                config,
            );
            let router = axum::Router::new().nest_service("/mcp", service);
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
            let listener = listener.tap_io(|stream| {
                stream.set_nodelay(true).expect("a socket takes the option");
            });
            axum::serve(listener, router).await?;
        }
    }
    Ok(())
}
