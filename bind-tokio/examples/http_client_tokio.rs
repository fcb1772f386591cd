//! Calls several tools of a server that is reached over HTTP, all at once:
//!
//! `… --example http_client_tokio -- https://example.com/mcp TOOL...`
//!
//! A bearer token is taken from the variable `MCP_TOKEN`.

use std::{env, time::Duration};

use bind_tokio::prelude::*;
use tokio::{task::JoinSet, time::timeout};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut arguments = env::args().skip(1);
    let Some(url) = arguments.next() else {
        eprintln!("usage: http_client_tokio URL TOOL...");
        std::process::exit(2);
    };
    let mut endpoint = Endpoint::new(&url)?;
    if let Ok(token) = env::var("MCP_TOKEN") {
        endpoint = endpoint.bearer(&token)?;
    }
    let client = Client::http_with(client!(), endpoint).await?;
    let mut calls = JoinSet::new();
    for tool in arguments {
        let client = client.clone();
        calls.spawn(async move {
            // A call that is dropped is cancelled at the server, in the way of its revision.
            let call = timeout(Duration::from_secs(5), client.call_tool(&*tool, ()));
            let said = match call.await {
                Ok(Ok(output)) => output.text().into_owned(),
                Ok(Err(error)) => format!("failed: {error}"),
                Err(_) => "took too long".to_owned(),
            };
            format!("{tool}: {said}")
        });
    }
    while let Some(Ok(line)) = calls.join_next().await {
        println!("{line}");
    }
    client.close().await;
    Ok(())
}
