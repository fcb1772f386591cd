//! One connection: hyper's machine, its socket, and its times.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use mcp_server_core::http::{
    HttpService, Pace, Runtime,
    bounds::{HEAD_BYTES, LINGER},
    poll_late,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Serves one connection to its end. Once `ending` is ready, no further request is read.
pub(super) async fn serve(
    stream: TcpStream,
    service: HttpService,
    runtime: Arc<dyn Runtime>,
    stall: Duration,
    ending: impl Future<Output = ()>,
) {
    // Responses are written whole: there is nothing to wait for. Without it they only come later.
    let _ = stream.set_nodelay(true);
    let mut alarm = runtime.alarm();
    let pace = Arc::new(Pace::new(runtime, stall));
    let io = TokioIo::new(Paced {
        stream,
        pace: Arc::clone(&pace),
    });
    let service = service.on_connection(Arc::clone(&pace));
    let mut connection = http1::Builder::new()
        // Most of a response that waits in hyper is as long.
        .max_buf_size(HEAD_BYTES)
        .serve_connection(io, service_fn(move |request| service.serve(request)));
    let mut ending = pin!(ending);
    let mut ended = false;
    let kept = poll_fn(|context| {
        if !ended && ending.as_mut().poll(context).is_ready() {
            ended = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        // What went wrong with the client's bytes, the client was told.
        if Pin::new(&mut connection).poll(context).is_ready() {
            return Poll::Ready(true);
        }
        poll_late(&mut *alarm, &pace, context).map(|()| false)
    });
    if kept.await {
        // Boxed: room for it is wanted at the end alone.
        Box::pin(linger(connection.into_parts().io.into_inner().stream)).await;
    }
}

// Closing at once could destroy what the client has not read (RFC 9112 §9.6). Our side is closed.
async fn linger(mut stream: TcpStream) {
    let mut nothing = [0; 1024];
    let rest = async { while let Ok(1..) = stream.read(&mut nothing).await {} };
    // One that sends for ever is cut off.
    let _ = tokio::time::timeout(LINGER, rest).await;
}

/// A socket that tells when something moves.
struct Paced {
    stream: TcpStream,
    pace: Arc<Pace>,
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.pace.has_read();
        }
        read
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.pace.has_tried(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.pace.has_tried(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
