//! Bare hyper: HTTP done properly, and no MCP. One thread, as few copies as hyper allows.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bench_null::Null;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

/// A body of one piece; a stream of events never ends.
struct Answer {
    piece: Option<Bytes>,
    endless: bool,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.piece.take() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None if self.endless => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_none() && !self.endless
    }

    fn size_hint(&self) -> SizeHint {
        match &self.piece {
            _ if self.endless => SizeHint::default(),
            Some(piece) => SizeHint::with_exact(piece.len() as u64),
            None => SizeHint::with_exact(0),
        }
    }
}

async fn serve(null: &Null, request: Request<Incoming>) -> Result<Response<Answer>, hyper::Error> {
    let listens = request.headers().get("mcp-method");
    let listens = listens.is_some_and(|method| method == "subscriptions/listen");
    let message = request.into_body().collect().await?.to_bytes();
    let mut response = Response::builder();
    let piece = if listens {
        response = response.header("content-type", "text/event-stream");
        let event = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"notifications\":{}}}\n\n";
        Some(Bytes::from_static(event.as_bytes()))
    } else {
        let mut answer = Vec::with_capacity(message.len() + 64);
        null.answer(&message, &mut answer);
        if answer.is_empty() {
            response = response.status(StatusCode::ACCEPTED);
        } else {
            response = response
                .header("content-type", "application/json")
                .header("mcp-session-id", "null");
        }
        (!answer.is_empty()).then(|| Bytes::from(answer))
    };
    let answer = Answer {
        piece,
        endless: listens,
    };
    Ok(response.body(answer).expect("the head is well-formed"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ["http", "--port", port] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    else {
        panic!("usage: null-http http --port PORT");
    };
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let null = Arc::new(Null::default());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let null = Arc::clone(&null);
        tokio::spawn(async move {
            let service = service_fn(|request| serve(&null, request));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A client that hangs up is no news.
            let _ = connection.await;
        });
    }
}
