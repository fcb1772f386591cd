//! Lists the tools of a server that is reached over HTTP:
//!
//! `… --example http_client_smol -- https://example.com/mcp`

use bind_async_std::smol::prelude::*;

fn main() -> Result<(), Error> {
    let Some(url) = std::env::args().nth(1) else {
        eprintln!("usage: http_client_smol URL");
        std::process::exit(2);
    };
    smol::block_on(async {
        let client = Client::http(url).await?;
        println!("speaking {}", client.protocol_version());
        for tool in client.list_tools().await? {
            println!("{:24} {}", tool.name, tool.description.unwrap_or_default());
        }
        client.close().await;
        Ok(())
    })
}
