//! A server with a handler that blocks for ever: `stuck-server BINDING [MILLISECONDS [asked]]`
//! serves its standard input and output on that binding; for so long, if it is said, although its
//! input goes on: then the future is dropped, or it is asked to end. Then `main` returns.

use std::{env, future::Future, thread, time::Duration};

use mcp_server_core::{ServerBuilder, Shutdown, ToolEntry, mcp_proto::limits::Limits};
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
    let shutdown = Shutdown::new();
    let asked = arguments.get(2).is_some_and(|how| how == "asked");
    let limit = match limit.filter(|_| asked) {
        Some(limit) => {
            let shutdown = shutdown.clone();
            thread::spawn(move || {
                thread::sleep(limit);
                shutdown.shutdown();
            });
            None
        }
        None => limit,
    };
    match arguments.first().map(String::as_str) {
        Some("blocking") => bind_blocking::serve_stdio_until(server(), &shutdown)?,
        Some("tokio") => on_tokio(Builder::new_current_thread(), limit, &shutdown)?,
        Some("tokio-threads") => on_tokio(Builder::new_multi_thread(), limit, &shutdown)?,
        Some("smol") => {
            let serving = bind_async_std::smol::serve_stdio_until(server(), &shutdown);
            smol::block_on(within(limit, serving))?;
        }
        Some("async-std") => {
            let serving = bind_async_std::async_std::serve_stdio_until(server(), &shutdown);
            async_std::task::block_on(within(limit, serving))?;
        }
        _ => return Err("usage: stuck-server BINDING [MILLISECONDS [asked]]".into()),
    }
    Ok(())
}

fn on_tokio(
    mut builder: Builder,
    limit: Option<Duration>,
    shutdown: &Shutdown,
) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = builder.enable_all().build()?;
    let serving = bind_tokio::serve_stdio_until(server(), shutdown);
    runtime.block_on(within(limit, serving))?;
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
