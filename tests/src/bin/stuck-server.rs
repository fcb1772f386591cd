//! A server with a handler that blocks for ever: `stuck-server BINDING [MILLISECONDS]` serves its
//! standard input and output on that binding; for so long, if it is said, although its input goes
//! on. Then `main` returns.

use std::{env, future::Future, thread, time::Duration};

use mcp_server_core::{ServerBuilder, ToolEntry, mcp_proto::limits::Limits};
use tokio::runtime::Builder;

fn server() -> ServerBuilder {
    let mut limits = Limits::default();
    limits.drain_timeout = Duration::from_millis(200);
    ServerBuilder::new("stuck", "1.0.0")
        .limits(limits)
        .tool(ToolEntry::new("echo").call(|| "here"))
        .tool(ToolEntry::new("stuck").call(|| {
            thread::sleep(Duration::from_secs(60));
            "at last"
        }))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let limit = match arguments.get(1) {
        Some(text) => Some(Duration::from_millis(text.parse()?)),
        None => None,
    };
    match arguments.first().map(String::as_str) {
        Some("blocking") => bind_blocking::serve_stdio(server())?,
        Some("tokio") => on_tokio(Builder::new_current_thread(), limit)?,
        Some("tokio-threads") => on_tokio(Builder::new_multi_thread(), limit)?,
        Some("smol") => {
            smol::block_on(within(limit, bind_async_std::smol::serve_stdio(server())))?;
        }
        Some("async-std") => {
            let serving = bind_async_std::async_std::serve_stdio(server());
            async_std::task::block_on(within(limit, serving))?;
        }
        _ => return Err("usage: stuck-server BINDING [MILLISECONDS]".into()),
    }
    Ok(())
}

fn on_tokio(
    mut builder: Builder,
    limit: Option<Duration>,
) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = builder.enable_all().build()?;
    runtime.block_on(within(limit, bind_tokio::serve_stdio(server())))?;
    Ok(())
}

async fn within<E>(
    limit: Option<Duration>,
    serving: impl Future<Output = Result<(), E>>,
) -> Result<(), E> {
    let over = async {
        match limit {
            Some(limit) => {
                smol::Timer::after(limit).await;
            }
            None => std::future::pending().await,
        }
        Ok(())
    };
    smol::future::or(serving, over).await
}
