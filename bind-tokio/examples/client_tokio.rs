//! Prints what a server offers. The server is the command given as arguments, such as
//! `npx -y @modelcontextprotocol/server-everything`.
use std::process::Command;

use bind_tokio::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: client COMMAND [ARGUMENT]...");
        std::process::exit(2);
    };
    let mut command = Command::new(program);
    command.args(arguments);

    let client = Client::spawn_with(client!(), command).await?;
    if let Some(server) = client.server_info() {
        println!(
            "{} {}, speaking {}",
            server.name,
            server.version,
            client.protocol_version()
        );
    }
    // All three at once, over the one connection.
    let (tools, resources, prompts) = tokio::join!(
        async {
            if client.capabilities().tools.is_some() {
                client.list_tools().await
            } else {
                Ok(vec![])
            }
        },
        async {
            if client.capabilities().resources.is_some() {
                client.list_resources().await
            } else {
                Ok(vec![])
            }
        },
        async {
            if client.capabilities().prompts.is_some() {
                client.list_prompts().await
            } else {
                Ok(vec![])
            }
        },
    );
    for tool in tools? {
        println!(
            "tool      {:24} {}",
            tool.name,
            tool.description.unwrap_or_default()
        );
    }
    for resource in resources? {
        println!(
            "resource  {:24} {}",
            resource.uri,
            resource.description.unwrap_or_default()
        );
    }
    for prompt in prompts? {
        println!(
            "prompt    {:24} {}",
            prompt.name,
            prompt.description.unwrap_or_default()
        );
    }
    client.close().await;
    Ok(())
}
