//! One message on its way to the server, for as long as it may have to be sent again.

use alloc::{boxed::Box, vec::Vec};

use bytes::Bytes;
use mcp_proto::{
    http::mirror,
    json::Raw,
    limits::Limits,
    method::Method,
    rpc::{self, CallId, Incoming, Member, Message, Params, RequestId},
};

use super::cache::Key;
use crate::session::Lane;

/// What a message is for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// `server/discover`, while the era is not known.
    Probe,
    /// `initialize`, while the era is not known.
    Handshake,
    /// `notifications/initialized`: nothing else may overtake it.
    Initialized,
    /// The request of a call.
    Call,
    /// The answer to a request of the server.
    Answer,
    /// Any other notification.
    Note,
    /// `tools/list`, because the server found that headers do not fit its tools.
    Refresh,
    /// `initialize` once more, because the server has forgotten the session.
    Reopen,
}

/// One message, and what was tried with it.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) role: Role,
    pub(super) call: Option<CallId>,
    /// The request's id.
    pub(super) wire: Option<i64>,
    pub(super) method: Option<Method>,
    /// What `Mcp-Method` and `Mcp-Name` repeat.
    pub(super) method_name: Box<str>,
    pub(super) name: Option<Box<str>>,
    /// A list is asked for from its beginning.
    pub(super) first_page: bool,
    pub(super) body: Bytes,
    /// Under which the result may be kept, and looked for.
    pub(super) key: Option<Key>,
    pub(super) fresh: bool,
    /// In which session it was made, of those that followed one another.
    pub(super) epoch: u32,
    /// Whether it does no harm to do it twice.
    pub(super) safe: bool,
    /// How often it has failed by accident.
    pub(super) failures: usize,
    pub(super) authorizations: usize,
    /// It was repeated because of a revision, of headers, of a forgotten session.
    pub(super) repeated: bool,
    pub(super) refreshed: bool,
    pub(super) renewed: bool,
}

/// What stands in a message of ours.
struct Read {
    wire: Option<i64>,
    method_name: Box<str>,
    method: Option<Method>,
    name: Option<Box<str>>,
    key: Option<Key>,
    first_page: bool,
    follows_questions: bool,
}

impl Post {
    /// Reads a message of the session, to know which headers it needs. `opening`: the era is not
    /// known yet.
    pub(super) fn read(lane: Lane, body: Vec<u8>, opening: bool) -> Option<Self> {
        let read = read(&body)?;
        let role = match (lane, read.method) {
            (Lane::Call(_), Some(Method::Discover)) if opening => Role::Probe,
            (Lane::Call(_), Some(Method::Initialize)) if opening => Role::Handshake,
            (Lane::Call(_), _) => Role::Call,
            (Lane::Answer, _) => Role::Answer,
            (Lane::Note, Some(Method::Initialized)) => Role::Initialized,
            (Lane::Note, _) => Role::Note,
        };
        let mut post = Self::new(role, read.method, body.into());
        if let Lane::Call(call) = lane {
            post.call = Some(call);
        }
        post.safe = read.method.is_some_and(is_safe) && !read.follows_questions;
        post.wire = read.wire;
        post.method_name = read.method_name;
        post.name = read.name;
        post.key = read.key;
        post.first_page = read.first_page;
        Some(post)
    }

    /// A message of the front's own.
    pub(super) fn new(role: Role, method: Option<Method>, body: Bytes) -> Self {
        Self {
            role,
            call: None,
            wire: None,
            method,
            method_name: method.map_or("", Method::name).into(),
            name: None,
            first_page: false,
            body,
            key: None,
            fresh: false,
            epoch: 0,
            safe: false,
            failures: 0,
            authorizations: 0,
            repeated: false,
            refreshed: false,
            renewed: false,
        }
    }

    /// Whether it is a stream that stays open as long as it is wanted.
    pub(super) fn listens(&self) -> bool {
        self.method == Some(Method::Listen)
    }

    /// Puts another id in.
    pub(super) fn renumber(&mut self, id: &RequestId) {
        let mut body = Vec::with_capacity(self.body.len() + 8);
        if let Some(Message::Request { method, params, .. }) = parse(&self.body) {
            rpc::write_request(&mut body, id, &method, |out| {
                out.extend_from_slice(params.raw().map_or("", Raw::get).as_bytes());
            });
            self.body = body.into();
            self.wire = number(id);
        }
    }
}

/// The request that a cancellation is about.
pub(super) fn cancelled(body: &[u8]) -> Option<i64> {
    let Some(Message::Notification { params, .. }) = parse(body) else {
        return None;
    };
    params.check().ok()?;
    params.typed(Member::RequestId).ok()
}

/// The id of a request.
pub(super) fn wire(body: &[u8]) -> Option<i64> {
    match parse(body)? {
        Message::Request { id, .. } => number(&id),
        _ => None,
    }
}

fn number(id: &RequestId) -> Option<i64> {
    match id {
        RequestId::Number(wire) => Some(*wire),
        _ => None,
    }
}

/// The arguments of a tool's call.
pub(super) fn arguments(body: &[u8]) -> Option<Raw<'_>> {
    let Some(Message::Request { params, .. }) = parse(body) else {
        return None;
    };
    params.check().ok()?;
    params.get(Member::Arguments)
}

/// Reads a message of our own, to which no limits apply.
fn parse(body: &[u8]) -> Option<Message<'_>> {
    let mut limits = Limits::default();
    limits.json_depth = usize::MAX;
    limits.name_bytes = usize::MAX;
    match rpc::parse(body, &limits) {
        Ok(Incoming::Single(message)) => Some(message),
        _ => None,
    }
}

/// The params of a message of ours.
pub(super) fn params(body: &[u8]) -> Option<Raw<'_>> {
    match parse(body)? {
        Message::Request { params, .. } | Message::Notification { params, .. } => params.raw(),
        _ => None,
    }
}

fn read(body: &[u8]) -> Option<Read> {
    let (wire, method_name, params) = match parse(body)? {
        Message::Request { id, method, params } => (Some(id), method, params),
        Message::Notification { method, params } => (None, method, params),
        _ => (None, "".into(), Params::default()),
    };
    let method = Method::parse(&method_name);
    let readable = params.check().is_ok();
    let has = |member| readable && params.has(member);
    let name = mirror::name_member(&method_name).and_then(|member| {
        let text = params.optional_text(member).ok().filter(|_| readable)??;
        Some(Box::from(&*text))
    });
    let follows_questions = has(Member::InputResponses) || has(Member::RequestState);
    Some(Read {
        wire: wire.as_ref().and_then(number),
        key: method
            .filter(|_| !follows_questions)
            .and_then(|method| Key::of(method, &params)),
        first_page: !has(Member::Cursor),
        method_name: (&*method_name).into(),
        method,
        name,
        follows_questions,
    })
}

/// Whether a request only reads, so that it may be made again when it is not known what came of it.
fn is_safe(method: Method) -> bool {
    matches!(
        method,
        Method::Discover
            | Method::Ping
            | Method::ListTools
            | Method::ListResources
            | Method::ListResourceTemplates
            | Method::ReadResource
            | Method::ListPrompts
            | Method::GetPrompt
            | Method::Complete
            | Method::SetLevel
            | Method::Subscribe
            | Method::Unsubscribe
            | Method::GetTask
            | Method::ListTasks
    )
}
