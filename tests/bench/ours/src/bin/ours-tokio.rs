//! The server that the fixture does not stand for, on bind-tokio.

use bench_ours::{Asked, ROOM, server};
use bind_tokio::{Error, HttpListener, serve_stdio};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let Asked { tools, port, .. } = Asked::from_arguments();
    match port {
        None => serve_stdio(server(tools)).await,
        Some(port) => {
            let listener = HttpListener::bind(("127.0.0.1", port)).await?;
            listener.max_connections(ROOM).serve(server(tools)).await
        }
    }
}
