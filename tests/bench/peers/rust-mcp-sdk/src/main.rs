//! rust-mcp-sdk as its README has it.

// What the library calls by that name as well is not meant here.
use std::result::Result;
use std::sync::Arc;

use async_trait::async_trait;
use rust_mcp_axum::{AxumServerOptions, create_axum_server};
use rust_mcp_sdk::{
    McpServer, RequestContext, ServerDetails, StdioTransport, ToMcpServerHandler, TransportOptions,
    error::SdkResult,
    macros,
    mcp_server::{McpServerOptions, ServerHandler, server_runtime},
    schema::*,
    tool_box,
};

#[macros::mcp_tool(name = "echo", description = "Returns the message.")]
#[derive(Debug, serde::Deserialize, serde::Serialize, macros::JsonSchema)]
pub struct Echo {
    /// what to return
    message: String,
}

#[macros::mcp_tool(name = "add", description = "Adds two numbers.")]
#[derive(Debug, serde::Deserialize, serde::Serialize, macros::JsonSchema)]
pub struct Add {
    /// the first
    a: f64,
    /// the second
    b: f64,
}

tool_box!(Tools, [Echo, Add]);

struct Handler;

#[async_trait]
impl ServerHandler for Handler {
    async fn handle_list_tools_request(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: &RequestContext,
        _runtime: Arc<dyn McpServer>,
    ) -> Result<ListToolsResult, RpcError> {
        Ok(ListToolsResult {
            tools: Tools::tools(),
            meta: None,
            next_cursor: None,
            cache_scope: ListToolsResultCacheScope::Private,
            result_type: "complete".to_string(),
            ttl_ms: 0,
        })
    }

    async fn handle_call_tool_request(
        &self,
        params: CallToolRequestParams,
        _context: &RequestContext,
        _runtime: Arc<dyn McpServer>,
    ) -> Result<ServerResult, CallToolError> {
        let text = match Tools::try_from(params).map_err(CallToolError::new)? {
            Tools::Echo(Echo { message }) => message,
            Tools::Add(Add { a, b }) => (a + b).to_string(),
        };
        Ok(ServerResult::CallToolResult(CallToolResult {
            content: vec![TextContent::new(text, None, None).into()],
            is_error: None,
            meta: None,
            result_type: "complete".to_string(),
            structured_content: None,
        }))
    }
}

fn details() -> ServerDetails {
    ServerDetails {
        server_info: Implementation {
            name: "peer".into(),
            version: "1.0.0".into(),
            title: None,
            description: None,
            icons: vec![],
            website_url: None,
        },
        capabilities: ServerCapabilities {
            tools: Some(ServerCapabilitiesTools { list_changed: None }),
            ..Default::default()
        },
        instructions: None,
        meta: None,
    }
}

#[tokio::main]
async fn main() -> SdkResult<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["stdio"] => {
            let server = server_runtime::create_server(McpServerOptions {
                server_details: details(),
                transport: StdioTransport::new(TransportOptions::default())?,
                handler: Handler.to_mcp_server_handler(),
                message_observer: None,
            });
            server.start().await
        }
        ["http", "--port", port] => {
            let options = AxumServerOptions {
                host: "127.0.0.1".to_string(),
                port: port.parse().expect("the port is a number"),
                ..Default::default()
            };
            create_axum_server(details(), Handler.to_mcp_server_handler(), options)
                .start()
                .await
        }
        _ => panic!("usage: rust-mcp-sdk-server stdio | http --port PORT"),
    }
}
