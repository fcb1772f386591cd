//! The server that the fixture does not stand for, on bind-blocking.

use bench_ours::{Asked, ROOM, server};
use bind_blocking::{Error, HttpListener, serve_stdio};

fn main() -> Result<(), Error> {
    let Asked { tools, port, .. } = Asked::from_arguments();
    match port {
        None => serve_stdio(server(tools)),
        Some(port) => HttpListener::bind(("127.0.0.1", port))?
            .max_connections(ROOM)
            .serve(server(tools)),
    }
}
