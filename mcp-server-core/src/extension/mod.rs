//! Extensions: what a server adds to the protocol under a name of its own.
//!
//! ```text
//!  Extension<H> ── ServerBuilder::extension ──▶ Service<H>
//!    id, settings ─────────▶ capabilities, per revision
//!    methods ──────────────▶ requests that nothing else knows, gated by what the client declares
//!    result types, topics ─▶ what calls may answer and subscriptions may ask for
//! ```
//!
//! A call that uses no extension does not pass through any of this.

mod index;

use alloc::{string::String, sync::Arc, vec::Vec};
use core::{fmt, time::Duration};
use mcp_proto::{
    json::Json,
    limits::Limits,
    method::Method,
    types::{Map, ServerCapabilities},
    version::ProtocolVersion,
};

pub(crate) use index::{ExtensionIndex, Extensions};

/// Changes what is declared to the clients of one revision.
pub type Declare = fn(&mut ServerCapabilities, ProtocolVersion);

/// What a server adds to the protocol: methods, results, topics to subscribe to, metadata
/// (2026-07-28, extensions).
///
/// Nothing of it reaches a client that does not declare the extension, but for its entry among the
/// server's capabilities.
///
/// ```
/// use mcp_server_core::{Extension, ExtensionMethod, ExtensionResult, Handler, Outcome, Server};
/// use mcp_server_core::mcp_proto::json::Json;
///
/// let tell = Handler::quick(|_work, _cx| {
///     Outcome::Extension(ExtensionResult::new(&Json::parse(r#"{"hours":7}"#).unwrap()))
/// });
/// let clock = Extension::new("com.example/clock").method(ExtensionMethod::new("clock/tell", tell));
/// let server = Server::builder("demo", "1.0.0").extension(clock).build().unwrap();
/// ```
#[derive(Debug)]
#[must_use = "an extension does nothing before it is added to a server"]
pub struct Extension<H> {
    id: Arc<str>,
    settings: Json,
    since: ProtocolVersion,
    declare: Option<Declare>,
    methods: Vec<ExtensionMethod<H>>,
    result_types: Vec<(Arc<str>, Method)>,
    meta_keys: Vec<Arc<str>>,
    topics: Option<Arc<str>>,
    task_calls: Option<H>,
    observer: Option<Observer>,
}

/// Who hears of changes.
#[derive(Clone)]
struct Observer(Arc<dyn Fn(&TopicChange) + Send + Sync>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// A request that an extension adds.
#[derive(Debug)]
#[must_use = "a method does nothing before it is part of an extension"]
pub struct ExtensionMethod<H> {
    name: Arc<str>,
    handler: H,
    since: ProtocolVersion,
    until: ProtocolVersion,
    gated: bool,
    name_member: Option<Arc<str>>,
    patience: Patience,
}

/// How long one request may take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// As any call.
    Usual,
    Fixed(Duration),
    /// As long as any task may be kept: until then the one that it waits for has ended, or is
    /// forgotten.
    Task,
}

impl Patience {
    /// `None` where the limit of all calls holds.
    pub(crate) fn timeout(self, limits: &Limits) -> Option<Duration> {
        match self {
            Self::Usual => None,
            Self::Fixed(timeout) => Some(timeout),
            Self::Task => Some(limits.task_ttl_max),
        }
    }
}

impl<H> Extension<H> {
    /// An extension of that identifier: a prefix that is a domain name read backwards, a slash,
    /// and a name, such as `com.example/clock`.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self {
            id: id.into(),
            settings: Json::empty_object(),
            since: ProtocolVersion::V2025_11_25,
            declare: None,
            methods: Vec::new(),
            result_types: Vec::new(),
            meta_keys: Vec::new(),
            topics: None,
            task_calls: None,
            observer: None,
        }
    }

    /// Sets what is told of it beside its name: an object, empty by default.
    pub fn settings(mut self, settings: Json) -> Self {
        self.settings = settings;
        self
    }

    /// The first revision whose clients are told of it: by default 2025-11-25, which has no place
    /// for extensions but where MCP Apps are in use all the same.
    pub fn since(mut self, version: ProtocolVersion) -> Self {
        self.since = version;
        self
    }

    /// Declares more than the identifier: a capability of an older revision that it stands for.
    pub fn declaring(mut self, declare: Declare) -> Self {
        self.declare = Some(declare);
        self
    }

    /// Adds a request.
    pub fn method(mut self, method: ExtensionMethod<H>) -> Self {
        self.methods.push(method);
        self
    }

    /// Lets the handlers of `method` give results of this `resultType`.
    pub fn result_type(mut self, result_type: impl Into<Arc<str>>, method: Method) -> Self {
        self.result_types.push((result_type.into(), method));
        self
    }

    /// Takes a key of `_meta`: results carry it only to clients that declare the extension.
    pub fn meta_key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.meta_keys.push(key.into());
        self
    }

    /// Takes a member of what `subscriptions/listen` asks for: a list of topics, whose
    /// [changes](crate::TopicChange) are sent to the stream.
    pub fn topics(mut self, field: impl Into<Arc<str>>) -> Self {
        self.topics = Some(field.into());
        self
    }

    /// Hears of every change of its topics, wherever it was made. Called from whatever thread made
    /// it, so that it must return at once.
    pub fn observing(mut self, observer: Arc<dyn Fn(&TopicChange) + Send + Sync>) -> Self {
        self.observer = Some(Observer(observer));
        self
    }

    /// Takes the calls of tools that [may become tasks](crate::mcp_proto::types::TaskSupport), from
    /// clients that allow it.
    pub fn task_calls(mut self, handler: H) -> Self {
        self.task_calls = Some(handler);
        self
    }

    pub(crate) fn runs_tasks(&self) -> bool {
        self.task_calls.is_some()
    }
}

impl<H> ExtensionMethod<H> {
    /// A request of that name, in every revision from 2026-07-28 on, for clients that declare the
    /// extension.
    pub fn new(name: impl Into<Arc<str>>, handler: H) -> Self {
        Self {
            name: name.into(),
            handler,
            since: ProtocolVersion::V2026_07_28,
            until: ProtocolVersion::LATEST,
            gated: true,
            name_member: None,
            patience: Patience::Usual,
        }
    }

    /// The revisions that have it.
    pub fn in_revisions(mut self, since: ProtocolVersion, until: ProtocolVersion) -> Self {
        (self.since, self.until) = (since, until);
        self
    }

    /// Serves it to clients that do not declare the extension as well.
    pub fn ungated(mut self) -> Self {
        self.gated = false;
        self
    }

    /// The member of its params that the header `Mcp-Name` repeats.
    pub fn named_by(mut self, member: impl Into<Arc<str>>) -> Self {
        self.name_member = Some(member.into());
        self
    }

    /// How long one request may take, where it is not the limit that holds for all.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.patience = Patience::Fixed(timeout);
        self
    }

    /// Lets one request take as long as any task may be kept.
    pub(crate) fn for_a_tasks_life(mut self) -> Self {
        self.patience = Patience::Task;
        self
    }
}

/// What a handler of an extension's method gives, or a call's result of another kind.
///
/// An object as the call's revision has it. From 2026-07-28 on the `resultType` is `complete`
/// where the object does not say, and the server's name is added to its `_meta`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExtensionResult {
    /// The object.
    pub members: Map<Json>,
    /// What a client of the handshake era is told of from now on: the topic that it has begun.
    pub topic: Option<Arc<str>>,
}

impl ExtensionResult {
    /// That object; an empty one where `json` is none.
    #[must_use]
    pub fn new(json: &Json) -> Self {
        Self {
            members: json.to().unwrap_or_default(),
            topic: None,
        }
    }

    /// Nothing but that it is done.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            members: Map::new(),
            topic: None,
        }
    }

    /// Tells a client of the handshake era of this topic's changes from now on.
    #[must_use]
    pub fn with_topic(mut self, topic: impl Into<Arc<str>>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    pub(crate) fn result_type(&self) -> Option<String> {
        self.members.get("resultType")?.to().ok()
    }
}

impl mcp_proto::encode::EncodeFields for ExtensionResult {
    fn encode_fields(&self, object: &mut mcp_proto::encode::Object<'_>) {
        let stateless = object.version() >= ProtocolVersion::V2026_07_28;
        if stateless && self.members.get("resultType").is_none() {
            object.field("resultType", "complete");
        }
        let is_plain = |key: &str| key != "_meta" && (stateless || key != "resultType");
        for (key, value) in self.members.iter().filter(|(key, _)| is_plain(key)) {
            object.field(key, value);
        }
        let meta = self.members.get("_meta").and_then(|meta| meta.to().ok());
        object.meta(meta.as_ref());
    }
}

/// Something that an extension's clients may have subscribed to is different now.
///
/// Only the newest change of a topic waits for a client that is slow to read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicChange {
    /// The extension.
    pub extension: Arc<str>,
    /// What has changed.
    pub topic: Arc<str>,
    /// On whose behalf a client must listen to be told; anybody's where `None`.
    pub subject: Option<Arc<str>>,
    /// What streams of 2026-07-28 are sent.
    pub stateless: Option<TopicNotice>,
    /// What sessions of the handshake era are sent.
    pub handshake: Option<TopicNotice>,
    /// There will be no other.
    pub last: bool,
}

/// A notification about a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicNotice {
    /// The method.
    pub method: Arc<str>,
    /// Its params: an object, whose `_meta` the machine writes.
    pub params: Map<Json>,
}

impl TopicNotice {
    /// A notification of that method; `params` is an object.
    #[must_use]
    pub fn new(method: impl Into<Arc<str>>, params: &Json) -> Self {
        Self {
            method: method.into(),
            params: params.to().unwrap_or_default(),
        }
    }
}

impl TopicChange {
    /// A change that nobody is told of yet: set `stateless` or `handshake`.
    #[must_use]
    pub fn new(extension: impl Into<Arc<str>>, topic: impl Into<Arc<str>>) -> Self {
        Self {
            extension: extension.into(),
            topic: topic.into(),
            subject: None,
            stateless: None,
            handshake: None,
            last: false,
        }
    }
}

impl fmt::Display for TopicChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.extension, self.topic)
    }
}
