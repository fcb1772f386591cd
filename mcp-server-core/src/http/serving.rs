//! A request that is served on its own: one of 2026-07-28, or one of an older revision whose
//! server keeps no sessions.

use alloc::{format, sync::Arc, vec::Vec};

use http::{HeaderMap, StatusCode};
use mcp_proto::{
    frame::sse,
    http::status,
    method::Method,
    rpc::{self, Incoming, Member, Message, Rejected, RequestId, RpcError},
    time::Instant,
    version::{Era, ProtocolVersion},
};

use super::{
    arrival::Request,
    dialog::{Dialog, claimed_version},
    head::VersionHeader,
    options::HttpOptions,
    refusal::Refusal,
    reply::Reply,
    request::{ModernRequest, unsupported_version},
    seat::write_answers,
};
use crate::{service::Service, session::SentKind};

/// A conversation of one request, or one batch.
#[derive(Debug)]
pub(super) struct Serving<H> {
    pub(super) dialog: Dialog<H>,
    // Answers that are still to come.
    owed: u32,
    // Answers that wait for the others, or for the reply's form.
    held: Vec<Vec<u8>>,
    batch: bool,
    // From 2026-07-28 on the status follows the error, and the client's end is a cancellation.
    modern: bool,
    // A subscription whose driver was not told yet.
    listens: bool,
    // When the answer becomes an event stream at the latest; `None`: it is one, or is to be.
    stream_at: Option<Instant>,
    room: usize,
}

/// Where the dialog's answers belong: to the only request that there is.
const ORIGIN: u32 = 1;

impl<H: Clone> Serving<H> {
    fn new(dialog: Dialog<H>, service: &Service<H>, now: Instant) -> Self {
        let limits = service.limits();
        Self {
            dialog,
            owed: 0,
            held: Vec::new(),
            batch: false,
            modern: false,
            listens: false,
            stream_at: Some(now.saturating_add(limits.sse_after)),
            room: limits.outbound_high_water,
        }
    }

    /// A request of 2026-07-28, checked in the order of `basic/transports/streamable-http`: what
    /// must be in `_meta`, what the headers must repeat, and only then whether the revision is
    /// served.
    pub(super) fn modern(
        service: &Arc<Service<H>>,
        request: ModernRequest<'_>,
        text: &str,
        carrier: &Request,
        options: &HttpOptions,
        tag: u32,
        now: Instant,
    ) -> Result<Self, Refusal> {
        let refuse = |error: RpcError| Refusal::envelope(Some(request.id.clone()), error);
        let headers = &carrier.head.headers;
        let version = claimed_version(&request.params).map_err(refuse)?;
        request.check_mirrors(&version, headers, service.name_member(&request.method))?;
        if ProtocolVersion::parse(&version).is_none_or(|version| version.era() != Era::Stateless) {
            return Err(refuse(unsupported_version(&version, options.sessions)));
        }
        check_params(service, &request, headers).map_err(refuse)?;
        let dialog = Dialog::new(Arc::clone(service), tag, now)
            .on_behalf_of(carrier.subject.clone())
            .with_keeper(options.state_keeper.clone());
        let mut serving = Self::new(dialog, service, now);
        serving.modern = true;
        serving.owed = 1;
        serving.listens = Method::parse(&request.method) == Some(Method::Listen);
        let ModernRequest { id, method, params } = request;
        serving.dialog.handle(
            Message::Request { id, method, params },
            Some(text),
            ORIGIN,
            now,
        );
        Ok(serving)
    }

    /// Messages of a handshake revision, without the handshake: nothing is known of the client
    /// but the revision in the header, or 2025-03-26 where there is none.
    pub(super) fn stateless(
        service: &Arc<Service<H>>,
        messages: Incoming<'_>,
        text: &str,
        carrier: &Request,
        tag: u32,
        now: Instant,
    ) -> Result<Self, Refusal> {
        let version = match carrier.version {
            VersionHeader::Absent => ProtocolVersion::V2025_03_26,
            VersionHeader::Known(version) => version,
            VersionHeader::Unknown => {
                return Err(unknown_version().in_answer_to(id_of(&messages)));
            }
        };
        let opens = is_initialize(&messages);
        let (messages, batch) = split(messages);
        if batch && version != ProtocolVersion::V2025_03_26 {
            return Err(no_batches());
        }
        let (own, subject) = (Arc::clone(service), carrier.subject.clone());
        let dialog = if opens {
            Dialog::new(own, tag, now).on_behalf_of(subject)
        } else {
            Dialog::established(own, version, subject, tag, now)
        };
        let mut serving = Self::new(dialog, service, now);
        serving.batch = batch;
        for message in messages {
            match message {
                Ok(message) => {
                    serving.owed += u32::from(matches!(message, Message::Request { .. }));
                    let whole = (!batch).then_some(text);
                    serving.dialog.handle(message, whole, ORIGIN, now);
                }
                Err(rejected) => {
                    serving.owed += 1;
                    serving.held.push(error_of(&rejected));
                }
            }
        }
        // What was rejected is answered already.
        serving.owed -= serving.held.len() as u32;
        Ok(serving)
    }

    /// Whether there was no request among the messages: 202.
    pub(super) fn owes_nothing(&self) -> bool {
        self.owed == 0 && self.held.is_empty()
    }

    /// Whether the driver is to be told, once, that this is a subscription.
    pub(super) fn begins_to_listen(&mut self) -> bool {
        core::mem::take(&mut self.listens)
    }

    /// Whether no call runs any more and every answer was given, or is not wanted.
    pub(super) fn is_over(&self) -> bool {
        self.owed == 0 && self.dialog.is_idle()
    }

    pub(super) fn handle_disconnect(&mut self) {
        if self.modern {
            self.dialog.cut();
            self.owed = 0;
        }
    }

    /// Writes what the dialog has to say, as far as the client has read what it got.
    pub(super) fn pump(&mut self, reply: &mut Reply, now: Instant) {
        while reply.waiting() < self.room {
            let mut message = Vec::new();
            let Some(sent) = self.dialog.poll_out(&mut message) else {
                break;
            };
            if let SentKind::Answer { error } = sent.kind {
                self.owed = self.owed.saturating_sub(1);
                self.answer(message, error, reply, now);
            } else {
                self.begin_stream(reply, now);
                write_event(&message, reply, now);
            }
        }
        if self.owed == 0 && !self.held.is_empty() {
            let answers = core::mem::take(&mut self.held);
            write_answers(answers, self.batch, StatusCode::OK, reply, now);
        }
        if self.owed == 0 {
            reply.end();
        }
    }

    fn answer(&mut self, message: Vec<u8>, error: Option<i32>, reply: &mut Reply, now: Instant) {
        if reply.is_stream() {
            write_event(&message, reply, now);
        } else if self.batch {
            self.held.push(message);
        } else {
            let status = error
                .filter(|_| self.modern)
                .map_or(StatusCode::OK, status::of_error);
            write_answers(alloc::vec![message], false, status, reply, now);
        }
    }

    fn begin_stream(&mut self, reply: &mut Reply, now: Instant) {
        self.stream_at = None;
        if reply.is_undecided() {
            reply.begin_stream(now);
            for answer in core::mem::take(&mut self.held) {
                write_event(&answer, reply, now);
            }
        }
    }

    pub(super) fn poll_timeout(&self, reply: &Reply) -> Option<Instant> {
        let stream_at = self.stream_at.filter(|_| reply.is_undecided());
        stream_at
            .into_iter()
            .chain(self.dialog.poll_timeout())
            .min()
    }

    pub(super) fn handle_timeout(&mut self, reply: &mut Reply, now: Instant) {
        self.dialog.handle_timeout(now);
        self.pump(reply, now);
        if self.stream_at.is_some_and(|at| now >= at) {
            self.begin_stream(reply, now);
        }
    }
}

// No ids: these streams cannot be resumed (2026-07-28, "Receiving Messages").
fn write_event(message: &[u8], reply: &mut Reply, now: Instant) {
    reply.event(now, |out| {
        sse::write_message(out, None, |out| out.extend_from_slice(message));
    });
}

// The arguments that travel in headers as well.
fn check_params<H>(
    service: &Service<H>,
    request: &ModernRequest<'_>,
    headers: &HeaderMap,
) -> Result<(), RpcError> {
    if Method::parse(&request.method) != Some(Method::CallTool) {
        return Ok(());
    }
    // Params that are wrong in themselves are refused for that.
    let params = &request.params;
    if params.check().is_err() {
        return Ok(());
    }
    let Ok(name) = params.text(Member::Name) else {
        return Ok(());
    };
    let Some(tool) = service.tool(&name) else {
        return Ok(());
    };
    let arguments = params.get(Member::Arguments);
    for param in tool.mirrored() {
        param
            .check(arguments, headers)
            .map_err(|mismatch| mismatch.to_error())?;
    }
    Ok(())
}

// The members of a batch, or the one message; and whether it was a batch.
fn split(messages: Incoming<'_>) -> (Vec<Result<Message<'_>, Rejected>>, bool) {
    match messages {
        Incoming::Batch(messages) => (messages, true),
        Incoming::Single(message) => (alloc::vec![Ok(message)], false),
        _ => (Vec::new(), false),
    }
}

/// The id of the request in a body, if that is what it is.
pub(super) fn id_of(messages: &Incoming<'_>) -> Option<RequestId> {
    match messages {
        Incoming::Single(Message::Request { id, .. }) => Some(id.clone()),
        Incoming::Batch(messages) => match &messages[..] {
            [Ok(Message::Request { id, .. })] => Some(id.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a body opens a session. None of a batch's messages does.
pub(super) fn is_initialize(messages: &Incoming<'_>) -> bool {
    matches!(messages, Incoming::Single(Message::Request { method, .. })
        if Method::parse(method) == Some(Method::Initialize))
}

/// The answer to a member of a batch that is no message.
pub(super) fn error_of(rejected: &Rejected) -> Vec<u8> {
    let mut message = Vec::new();
    rpc::write_error(&mut message, rejected.id.as_ref(), &rejected.error);
    message
}

/// The header names a revision that nobody serves (MUST be 400 from 2025-06-18 on).
pub(super) fn unknown_version() -> Refusal {
    let versions = ProtocolVersion::ALL.map(ProtocolVersion::as_str).join(", ");
    let message = format!("the header mcp-protocol-version names none of the revisions {versions}");
    Refusal::http(StatusCode::BAD_REQUEST, message)
}

/// Only 2025-03-26 has batches.
pub(super) fn no_batches() -> Refusal {
    let error = RpcError::invalid_request("this revision has no batches");
    Refusal::envelope(None, error).in_answer_to(None)
}
