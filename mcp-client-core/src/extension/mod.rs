//! Extensions: what a client adds to the protocol under a name of its own.
//!
//! ```text
//!  Extension ── Config::extensions ──▶ Session
//!    id, settings, meta ──▶ capabilities, and `_meta` of every request
//!    methods ─────────────▶ which revision has them, and the header that names what they are about
//!    result types ────────▶ a FollowUp for each call that is answered so
//!    notices ─────────────▶ the topics that streams are asked to tell of, and whom they wake
//! ```
//!
//! A call that uses no extension does not pass through any of this.

mod follow;
mod table;

pub use follow::{Follow, FollowUp, News, Step};
pub(crate) use table::Extensions;

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::fmt;

use mcp_proto::{
    json::Json, method::Method, rpc::RpcError, types::ClientCapabilities, version::ProtocolVersion,
};

use crate::{error::Malformed, session::ServerDetails};

/// What a client adds to the protocol (2026-07-28, extensions): it is declared to every server, and
/// what servers do with it is understood.
///
/// ```
/// use mcp_client_core::{ClientBuilder, Extension, mcp_proto::json::Json};
///
/// let clock = Extension::new("com.example/clock")
///     .settings(Json::parse(r#"{"zone":"UTC"}"#).unwrap())
///     .notice("notifications/clock/struck", "clockId");
/// let client = ClientBuilder::new("app", "1.0.0").extension(clock);
/// # let _ = client;
/// ```
///
/// [`Tasks`](crate::Tasks) are built from nothing else.
#[derive(Clone, Debug)]
#[must_use = "an extension does nothing before it is added to a client"]
pub struct Extension {
    id: Arc<str>,
    settings: Json,
    methods: Vec<ExtensionMethod>,
    results: Vec<ResultType>,
    again: Vec<(Method, Again)>,
    notices: Vec<(Arc<str>, Arc<str>)>,
    topics: Option<Arc<str>>,
    meta: Vec<(Arc<str>, Json)>,
}

/// A request that an extension adds.
#[derive(Clone, Debug)]
#[must_use = "a method does nothing before it is part of an extension"]
pub struct ExtensionMethod {
    name: Arc<str>,
    since: ProtocolVersion,
    until: ProtocolVersion,
    name_member: Option<Arc<str>>,
}

#[derive(Clone, Debug)]
struct ResultType {
    name: Arc<str>,
    method: Method,
    begin: Begin,
}

/// Makes the machine by which a call goes on.
type Begun = Result<Box<dyn FollowUp>, Malformed>;

type BeginFn = dyn Fn(&Json, &Follow<'_>) -> Begun + Send + Sync;
type AgainFn = dyn Fn(&RpcError, &Json, &ServerDetails) -> Option<Json> + Send + Sync;

#[derive(Clone)]
struct Begin(Arc<BeginFn>);

/// Finds other parameters for a call that was refused.
#[derive(Clone)]
struct Again(Arc<AgainFn>);

impl Extension {
    /// An extension of that identifier: a prefix that is a domain name read backwards, a slash, and
    /// a name, such as `com.example/clock`.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self {
            id: id.into(),
            settings: Json::empty_object(),
            methods: Vec::new(),
            results: Vec::new(),
            again: Vec::new(),
            notices: Vec::new(),
            topics: None,
            meta: Vec::new(),
        }
    }

    /// Sets what is declared of it beside its name: an object, empty by default.
    pub fn settings(mut self, settings: Json) -> Self {
        self.settings = settings;
        self
    }

    /// Adds a request, to be made by its name.
    pub fn method(mut self, method: ExtensionMethod) -> Self {
        self.methods.push(method);
        self
    }

    /// Understands results of this `resultType` in answers to `method`: `begin` makes of each the
    /// machine by which the call goes on to its end.
    ///
    /// `task` also is what a result of 2025-11-25 is that has the member `task` in place of content.
    ///
    /// # Errors
    /// `begin` may say what is wrong with the result; the call fails with it.
    pub fn result_type(
        mut self,
        name: impl Into<Arc<str>>,
        method: Method,
        begin: impl Fn(&Json, &Follow<'_>) -> Result<Box<dyn FollowUp>, Malformed>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.results.push(ResultType {
            name: name.into(),
            method,
            begin: Begin(Arc::new(begin)),
        });
        self
    }

    /// Says how a call of `method` is to be made once more where the handshake era's server has
    /// refused it with an error: with which parameters, or not at all.
    pub fn again(
        mut self,
        method: Method,
        params: impl Fn(&RpcError, &Json, &ServerDetails) -> Option<Json> + Send + Sync + 'static,
    ) -> Self {
        self.again.push((method, Again(Arc::new(params))));
        self
    }

    /// A notification about a topic, which stands in this member of its params: whatever
    /// [follows](FollowUp::topic) the topic is told.
    pub fn notice(mut self, method: impl Into<Arc<str>>, member: impl Into<Arc<str>>) -> Self {
        self.notices.push((method.into(), member.into()));
        self
    }

    /// Opens a stream for each topic that is followed (2026-07-28), for as long as it is: with a
    /// filter that lists the topic under `field`.
    pub fn topics(mut self, field: impl Into<Arc<str>>) -> Self {
        self.topics = Some(field.into());
        self
    }

    /// Adds a member to the `_meta` of every request from 2026-07-28 on, unless the call brings one of
    /// that key itself.
    pub fn meta(mut self, key: impl Into<Arc<str>>, value: Json) -> Self {
        self.meta.push((key.into(), value));
        self
    }

    fn declare(&self, capabilities: &mut ClientCapabilities) {
        let id = alloc::string::String::from(&*self.id);
        capabilities.extensions.insert(id, self.settings.clone());
    }
}

impl ExtensionMethod {
    /// A request of that name, in every revision from 2026-07-28 on.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            since: ProtocolVersion::V2026_07_28,
            until: ProtocolVersion::LATEST,
            name_member: None,
        }
    }

    /// The revisions that have it; calls in others fail without being sent.
    pub fn in_revisions(mut self, since: ProtocolVersion, until: ProtocolVersion) -> Self {
        (self.since, self.until) = (since, until);
        self
    }

    /// The member of its params that the header `Mcp-Name` repeats: a string.
    pub fn named_by(mut self, member: impl Into<Arc<str>>) -> Self {
        self.name_member = Some(member.into());
        self
    }
}

impl fmt::Debug for Begin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Begin")
    }
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Again")
    }
}
