//! One connection: hyper's machine, its socket, and its times.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    io::{self, Read as _},
    net,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use async_io::{Async, Timer};
use async_net::TcpStream;
use futures_io::{AsyncRead as _, AsyncWrite as _};
use hyper::{
    rt::{self, ReadBufCursor},
    server::conn::http1,
    service::service_fn,
};
use mcp_server_core::http::{
    HttpService, Pace, Runtime,
    bounds::{HEAD_BYTES, LINGER},
    poll_late,
};

/// Bytes read at a time: what hyper has room for.
const READ_BYTES: usize = HEAD_BYTES;

thread_local! {
    // Hyper's own buffer cannot be read into without `unsafe`. This one is shared by all connections
    // of a thread: one of its own each would have to keep, or fill with zeros for each read.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

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
    let io = Paced {
        socket: stream.clone().into(),
        is_dry: false,
        stream,
        pace: Arc::clone(&pace),
    };
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
        Box::pin(linger(connection.into_parts().io.stream)).await;
    }
}

// Closing at once could destroy what the client has not read (RFC 9112 §9.6). Our side is closed.
async fn linger(mut stream: TcpStream) {
    let mut timer = Timer::after(LINGER);
    poll_fn(|context| {
        // One that sends for ever is cut off.
        while Pin::new(&mut timer).poll(context).is_pending() {
            match ready!(Pin::new(&mut stream).poll_read(context, &mut [0; 1024])) {
                Ok(1..) => {}
                _ => break,
            }
        }
        Poll::Ready(())
    })
    .await;
}

/// A socket that tells when something moves.
struct Paced {
    stream: TcpStream,
    // The same, to be read from.
    socket: Arc<Async<net::TcpStream>>,
    // The last read has taken all there was. To try again at once, as hyper does before and after it
    // writes a response, would be a system call each time.
    is_dry: bool,
    pace: Arc<Pace>,
}

impl Paced {
    fn poll_read_into(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.is_dry {
                ready!(self.socket.poll_readable(context))?;
                self.is_dry = false;
            }
            match self.socket.get_ref().read(buffer) {
                Ok(count) => {
                    self.is_dry = count < buffer.len();
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_dry = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl rt::Read for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let room = buffer.remaining().min(READ_BYTES);
        SCRATCH.with_borrow_mut(|read| {
            read.resize(READ_BYTES, 0);
            let count = ready!(self.poll_read_into(context, &mut read[..room]))?;
            self.pace.has_read();
            buffer.put_slice(&read[..count]);
            Poll::Ready(Ok(()))
        })
    }
}

impl rt::Write for Paced {
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
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(context)
    }
}
