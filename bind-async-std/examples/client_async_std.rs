//! Prints the tools of a server. The server is the command given as arguments, such as
//! `npx -y @modelcontextprotocol/server-everything`.
use std::process::Command;

use bind_async_std::async_std::prelude::*;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: client COMMAND [ARGUMENT]...");
        std::process::exit(2);
    };
    let mut command = Command::new(program);
    command.args(arguments);
    async_std::task::block_on(async {
        let client = Client::spawn(command).await?;
        for tool in client.list_tools().await? {
            let description = tool.description.unwrap_or_default();
            println!("tool      {:24} {description}", tool.name);
        }
        client.close().await;
        Ok(())
    })
}
