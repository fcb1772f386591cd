//! The desks as a `tower` service over the types of `http` and `http-body`: what hyper and every
//! framework on top of it take.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http::{HeaderValue, Request, Response, StatusCode, Version, header, request::Parts};
use http_body::{Frame, SizeHint};
use mcp_proto::time::Instant;

use super::{exchange::HttpDesk, hub::HttpHub, pace::Pace, runtime::Alarm};
use crate::http::reply::Body;

/// A server over HTTP as a `tower::Service`: mount it in axum with `Router::route_service`, or
/// serve it with hyper. It is cheap to clone; all clones are one server with one set of sessions.
#[derive(Debug, Clone)]
pub struct HttpService {
    hub: Arc<HttpHub>,
    pace: Option<Arc<Pace>>,
}

impl HttpService {
    /// A service of this hub.
    #[must_use]
    pub fn new(hub: Arc<HttpHub>) -> Self {
        Self { hub, pace: None }
    }

    /// The same service for one connection, whose times are kept in `pace`.
    #[must_use]
    pub fn on_connection(&self, pace: Arc<Pace>) -> Self {
        Self {
            hub: Arc::clone(&self.hub),
            pace: Some(pace),
        }
    }

    /// What its exchanges have in common.
    #[must_use]
    pub fn hub(&self) -> &Arc<HttpHub> {
        &self.hub
    }

    /// Ends what would go on for ever, so that the server it is mounted in can end: subscriptions
    /// end with their result, sessions' streams without; calls go on, and are answered.
    pub fn shut_down(&self) {
        self.hub.shut_down();
    }

    /// The response to a request. Its future is polled by whoever reads the request, its body by
    /// whoever writes the response; dropping either says that the client is gone.
    pub fn serve<B>(&self, request: Request<B>) -> HttpFuture<B> {
        let (head, body) = request.into_parts();
        let open = self.pace.as_ref().map(OpenRequest::begin);
        // Those that come out of other hands than hyper's have been judged by them.
        let desk = if self.pace.is_some() && lacks_host(&head) {
            None
        } else {
            self.hub.desk(head).map(Box::new)
        };
        HttpFuture {
            desk,
            body: Some(body),
            alarm: LazyAlarm::default(),
            open,
        }
    }
}

// A server MUST answer 400 to a request of HTTP/1.1 without a host, or with several (RFC 9112 §3.2).
fn lacks_host(head: &Parts) -> bool {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    head.version == Version::HTTP_11 && !(hosts.next().is_some() && hosts.next().is_none())
}

impl<B> tower_service::Service<Request<B>> for HttpService
where
    B: http_body::Body + Unpin,
{
    type Response = Response<HttpBody>;
    type Error = Infallible;
    type Future = HttpFuture<B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> HttpFuture<B> {
        self.serve(request)
    }
}

/// A response to come; made by [`HttpService`].
#[must_use = "futures do nothing unless polled"]
pub struct HttpFuture<B> {
    // Boxed: it moves on into the response's body, and most of a connection's life there is none.
    desk: Option<Box<HttpDesk>>,
    // Gone once it is read.
    body: Option<B>,
    alarm: LazyAlarm,
    open: Option<OpenRequest>,
}

impl<B: http_body::Body + Unpin> HttpFuture<B> {
    // Gives the desk what there is of the body; false where there is nothing right now, and an
    // error where there never will be.
    fn read(&mut self, context: &mut Context<'_>) -> Result<bool, BrokenBody> {
        let Some(desk) = self.desk.as_mut().filter(|desk| desk.wants_body()) else {
            return Ok(false);
        };
        let Some(body) = &mut self.body else {
            return Ok(false);
        };
        match Pin::new(&mut *body).poll_frame(context) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Some(Err(_))) => return Err(BrokenBody),
            Poll::Ready(Some(Ok(frame))) => {
                // Trailers say nothing to us.
                if let Ok(mut data) = frame.into_data() {
                    while data.has_remaining() {
                        let chunk = data.chunk();
                        desk.take_body(chunk);
                        let length = chunk.len();
                        data.advance(length);
                    }
                }
                if !body.is_end_stream() {
                    return Ok(true);
                }
            }
            Poll::Ready(None) => {}
        }
        self.body = None;
        desk.handle_body_end();
        Ok(true)
    }
}

struct BrokenBody;

impl<B: http_body::Body + Unpin> Future for HttpFuture<B> {
    type Output = Result<Response<HttpBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(desk) = &mut this.desk {
            desk.look();
        }
        loop {
            while match this.read(context) {
                Ok(more) => more,
                // The client has broken off, or an outer layer has had enough of it.
                Err(BrokenBody) => return Poll::Ready(Ok(bad_request())),
            } {}
            let Some(desk) = &mut this.desk else {
                return Poll::Ready(Ok(bad_request()));
            };
            desk.work(context);
            if let Some(head) = desk.poll_head() {
                let body = HttpBody::of(this.desk.take(), this.open.take());
                return Poll::Ready(Ok(head.map(|()| body)));
            }
            // A verdict has come, and with it the wish for a body.
            if desk.wants_body() && this.body.is_some() {
                match this.read(context) {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(BrokenBody) => return Poll::Ready(Ok(bad_request())),
                }
            }
            let Some(desk) = &mut this.desk else { continue };
            if this.alarm.poll(desk, context).is_pending() {
                return Poll::Pending;
            }
            desk.look();
        }
    }
}

// What cannot be read ends the connection: nobody knows where the next request begins.
fn bad_request() -> Response<HttpBody> {
    let mut response = Response::new(HttpBody(Kind::Whole(Bytes::new())));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

impl<B> fmt::Debug for HttpFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFuture")
            .field("desk", &self.desk)
            .finish_non_exhaustive()
    }
}

/// A response's body: complete, or a stream that the server goes on writing.
#[derive(Debug)]
pub struct HttpBody(Kind);

enum Kind {
    /// All of it, until it is taken.
    Whole(Bytes),
    Stream(Box<Stream>),
}

struct Stream {
    desk: Box<HttpDesk>,
    alarm: LazyAlarm,
    // What was there together with the head.
    first: Vec<u8>,
    ended: bool,
    _open: Option<OpenRequest>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => f.debug_tuple("Whole").field(&bytes.len()).finish(),
            Self::Stream(stream) => f.debug_tuple("Stream").field(&stream.desk).finish(),
        }
    }
}

impl HttpBody {
    // A body that is complete needs no desk any more.
    fn of(desk: Option<Box<HttpDesk>>, open: Option<OpenRequest>) -> Self {
        let Some(mut desk) = desk else {
            return Self(Kind::Whole(Bytes::new()));
        };
        let mut first = Vec::new();
        loop {
            match desk.poll_body(&mut first) {
                Body::Data => {}
                Body::End => {
                    if let Some(open) = open {
                        open.end(desk.now());
                    }
                    return Self(Kind::Whole(first.into()));
                }
                Body::Pending => break,
            }
        }
        Self(Kind::Stream(Box::new(Stream {
            desk,
            alarm: LazyAlarm::default(),
            first,
            ended: false,
            _open: open,
        })))
    }
}

impl http_body::Body for HttpBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match &mut self.0 {
            Kind::Whole(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Kind::Whole(bytes) => core::mem::take(bytes),
            Kind::Stream(stream) => match stream.poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(data)) => data.into(),
            },
        };
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Stream(stream) => stream.ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}

impl Stream {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let mut data = core::mem::take(&mut self.first);
        while !self.ended {
            self.desk.poll_work(context);
            match self.desk.poll_body(&mut data) {
                Body::Data => break,
                Body::End => self.ended = true,
                Body::Pending => {
                    if !data.is_empty() {
                        break;
                    }
                    if self.alarm.poll(&self.desk, context).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
        Poll::Ready((!data.is_empty()).then_some(data))
    }
}

/// An alarm that is made when somebody has to wait for the first time.
#[derive(Default)]
struct LazyAlarm(Option<Box<dyn Alarm>>);

impl LazyAlarm {
    // Ready when the desk is to be looked at.
    fn poll(&mut self, desk: &HttpDesk, context: &mut Context<'_>) -> Poll<()> {
        let deadline: Option<Instant> = desk.poll_timeout();
        if deadline.is_none() && self.0.is_none() {
            return Poll::Pending;
        }
        let alarm = self.0.get_or_insert_with(|| desk.runtime().alarm());
        alarm.poll(deadline, context)
    }
}

/// A request of a connection, until its response is made.
struct OpenRequest {
    pace: Arc<Pace>,
    // When it was over, where somebody has told.
    over: Option<Instant>,
}

impl OpenRequest {
    fn begin(pace: &Arc<Pace>) -> Self {
        pace.begin_request();
        Self {
            pace: Arc::clone(pace),
            over: None,
        }
    }

    fn end(mut self, now: Instant) {
        self.over = Some(now);
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        match self.over {
            Some(now) => self.pace.end_request_at(now),
            None => self.pace.end_request(),
        }
    }
}
