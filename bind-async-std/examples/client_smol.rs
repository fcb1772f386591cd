//! Prints what a server offers. The server is the command given as arguments, such as
//! `npx -y @modelcontextprotocol/server-everything`.
use std::process::Command;

use bind_async_std::smol::prelude::*;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: client COMMAND [ARGUMENT]...");
        std::process::exit(2);
    };
    let mut command = Command::new(program);
    command.args(arguments);
    smol::block_on(print(command))
}

async fn print(command: Command) -> Result<(), Error> {
    let client = Client::spawn_with(client!(), command).await?;
    if let Some(server) = client.server_info() {
        println!(
            "{} {}, speaking {}",
            server.name,
            server.version,
            client.protocol_version()
        );
    }
    if client.capabilities().tools.is_some() {
        for tool in client.list_tools().await? {
            println!(
                "tool      {:24} {}",
                tool.name,
                tool.description.unwrap_or_default()
            );
        }
    }
    if client.capabilities().resources.is_some() {
        for resource in client.list_resources().await? {
            println!(
                "resource  {:24} {}",
                resource.uri,
                resource.description.unwrap_or_default()
            );
        }
    }
    if client.capabilities().prompts.is_some() {
        for prompt in client.list_prompts().await? {
            println!(
                "prompt    {:24} {}",
                prompt.name,
                prompt.description.unwrap_or_default()
            );
        }
    }
    client.close().await;
    Ok(())
}
