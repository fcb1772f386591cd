//! tower-mcp as its README has it.

use schemars::JsonSchema;
use serde::Deserialize;
use tower_mcp::{BoxError, CallToolResult, HttpTransport, McpRouter, StdioTransport, ToolBuilder};

#[derive(Debug, Deserialize, JsonSchema)]
struct Echo {
    /// what to return
    message: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Add {
    /// the first
    a: f64,
    /// the second
    b: f64,
}

fn router() -> McpRouter {
    let echo = ToolBuilder::new("echo")
        .description("Returns the message.")
        .handler(|input: Echo| async move { Ok(CallToolResult::text(input.message)) })
        .build();
    let add = ToolBuilder::new("add")
        .description("Adds two numbers.")
        .handler(
            |input: Add| async move { Ok(CallToolResult::text((input.a + input.b).to_string())) },
        )
        .build();
    McpRouter::new()
        .server_info("peer", "1.0.0")
        .tool(echo)
        .tool(add)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["stdio"] => StdioTransport::new(router()).run().await?,
        ["http", "--port", port] => {
            let address = format!("127.0.0.1:{port}");
            HttpTransport::new(router()).serve(&address).await?;
        }
        _ => panic!("usage: tower-mcp-server stdio | http --port PORT"),
    }
    Ok(())
}
