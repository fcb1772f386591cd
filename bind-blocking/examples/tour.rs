//! Starts a server as a child process, prints what it offers, and calls it.
//!
//! `cargo run -p bind-blocking --example tour` starts a server of its own; with a command behind
//! it, `… --example tour -- npx -y @modelcontextprotocol/server-everything`, it tours that one.

use std::{env, process::Command};

use bind_blocking::{json, prelude::*};

/// Add two numbers.
#[tool]
fn add(
    /** the first */
    a: f64,
    /** the second */
    b: f64,
) -> f64 {
    a + b
}

/// Greets somebody.
#[resource("greeting://{name}", mime = "text/plain")]
fn greeting(name: String) -> String {
    format!("Hello, {name}!")
}

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, [])) if first == "serve" => {
            serve_stdio(server!().tool(add).resource(greeting))
        }
        Some((program, rest)) => {
            let mut command = Command::new(program);
            command.args(rest);
            tour(&Client::spawn(command)?)
        }
        None => {
            let mut command = Command::new(env::current_exe()?);
            command.arg("serve");
            let client = Client::spawn(command)?;
            tour(&client)?;
            let sum: f64 = client
                .call_tool("add", json!({"a": 1, "b": 2}))?
                .structured()?;
            println!("add(1, 2) = {sum}");
            Ok(())
        }
    }
}

fn tour(client: &Client) -> Result<(), Error> {
    let name = client
        .server_info()
        .map_or("a server without a name", |info| info.name.as_str());
    println!(
        "connected to {name}, speaking {}",
        client.protocol_version()
    );
    let capabilities = client.capabilities();
    if capabilities.tools.is_some() {
        for tool in client.list_tools()? {
            println!(
                "tool      {:24} {}",
                tool.name,
                first_line(tool.description.as_deref())
            );
        }
    }
    if capabilities.resources.is_some() {
        for resource in client.list_resources()? {
            println!(
                "resource  {:24} {}",
                resource.uri,
                first_line(resource.description.as_deref())
            );
        }
        for template in client.list_resource_templates()? {
            println!(
                "template  {:24} {}",
                template.uri_template,
                first_line(template.description.as_deref())
            );
        }
    }
    if capabilities.prompts.is_some() {
        for prompt in client.list_prompts()? {
            println!(
                "prompt    {:24} {}",
                prompt.name,
                first_line(prompt.description.as_deref())
            );
        }
    }
    Ok(())
}

fn first_line(text: Option<&str>) -> &str {
    text.unwrap_or_default().lines().next().unwrap_or_default()
}
