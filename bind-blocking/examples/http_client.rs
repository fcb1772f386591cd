//! Lists the tools of a server that is reached over HTTP, or calls one of them:
//!
//! `… --example http_client -- https://example.com/mcp [TOOL [ARGUMENTS-AS-JSON]]`
//!
//! A bearer token is taken from the variable `MCP_TOKEN`.

use std::env;

use bind_blocking::prelude::*;

fn main() -> Result<(), Error> {
    let mut arguments = env::args().skip(1);
    let Some(url) = arguments.next() else {
        eprintln!("usage: http_client URL [TOOL [ARGUMENTS]]");
        std::process::exit(2);
    };
    let mut endpoint = Endpoint::new(&url)?;
    if let Ok(token) = env::var("MCP_TOKEN") {
        endpoint = endpoint.bearer(&token)?;
    }
    // Which of the five revisions the server speaks is found out here.
    let client = Client::http_with(client!(), endpoint)?;
    let Some(tool) = arguments.next() else {
        for tool in client.list_tools()? {
            println!("{:24} {}", tool.name, tool.description.unwrap_or_default());
        }
        return Ok(());
    };
    let given: serde_json::Value = match arguments.next() {
        Some(text) => serde_json::from_str(&text).map_err(std::io::Error::from)?,
        None => serde_json::Value::Null,
    };
    println!("{}", client.call_tool(tool, given)?.text());
    Ok(())
}
