//! The server that the fixture does not stand for, on bind-async-std with smol.

use bench_ours::{Asked, ROOM, server};
use bind_async_std::Error;
use bind_async_std::smol::{HttpListener, serve_stdio};

fn main() -> Result<(), Error> {
    let Asked { tools, port, .. } = Asked::from_arguments();
    smol::block_on(async {
        match port {
            None => serve_stdio(server(tools)).await,
            Some(port) => {
                let listener = HttpListener::bind(("127.0.0.1", port)).await?;
                listener.max_connections(ROOM).serve(server(tools)).await
            }
        }
    })
}
