//! What a request of the stateless era says about its client in `_meta`.

use alloc::{borrow::Cow, format, string::String, sync::Arc, vec::Vec};
use core::fmt;
use mcp_proto::{
    encode::Object,
    json::{Json, Raw, Read},
    meta::{KnownMeta, RequestMeta, keys},
    rpc::{RpcError, codes},
    types::LoggingLevel,
    version::{Era, ProtocolVersion},
};

use crate::call::Peer;

/// Whether a request says that it belongs to the stateless era. One of the reserved members is
/// enough: a request that has some of them and lacks others is to be told so.
pub(crate) fn are_made(meta: &RequestMeta<'_>) -> bool {
    meta.protocol_version().is_some()
        || meta.client_capabilities().is_some()
        || meta.client_info().is_some()
}

/// The members that every request must carry (2026-07-28, basic/index, `_meta`), and the optional
/// one about the client.
#[derive(Debug)]
pub(crate) struct Claims<'a> {
    /// The revision, known or not.
    pub(crate) version: Cow<'a, str>,
    capabilities: Raw<'a>,
    info: Option<Raw<'a>>,
}

impl<'a> Claims<'a> {
    /// Picks them out of `_meta`, which may be absent.
    ///
    /// # Errors
    /// -32602 naming what is missing or of another type (2026-07-28, basic/index, `_meta`).
    pub(crate) fn read(meta: Option<&RequestMeta<'a>>) -> Result<Self, RpcError> {
        let version = meta.and_then(|meta| meta.protocol_version());
        let version = version.ok_or_else(|| invalid(keys::PROTOCOL_VERSION, "is missing"))?;
        let version = version
            .text()
            .ok_or_else(|| invalid(keys::PROTOCOL_VERSION, "must be a string"))?;
        let capabilities = meta.and_then(|meta| meta.client_capabilities());
        let capabilities =
            capabilities.ok_or_else(|| invalid(keys::CLIENT_CAPABILITIES, "is missing"))?;
        let info = meta.and_then(|meta| meta.client_info());
        for (key, value) in [
            (keys::CLIENT_CAPABILITIES, Some(capabilities)),
            (keys::CLIENT_INFO, info),
        ] {
            if value.is_some_and(|value| !value.is_object()) {
                return Err(invalid(key, "must be an object"));
            }
        }
        Ok(Self {
            version,
            capabilities,
            info,
        })
    }

    /// The revision, if it is one that requests without a handshake can be of.
    ///
    /// # Errors
    /// -32022 with every revision that is served, those with a handshake as well (2026-07-28,
    /// basic/lifecycle, Version Negotiation).
    pub(crate) fn supported_version(&self) -> Result<ProtocolVersion, RpcError> {
        match ProtocolVersion::parse(&self.version) {
            Some(version) if version.era() == Era::Stateless => Ok(version),
            Some(version) => {
                let message = format!("revision {version} begins with an `initialize` request");
                Err(unsupported(&self.version, message))
            }
            None => Err(unsupported(&self.version, "this revision is not served")),
        }
    }

    /// The client that says so.
    ///
    /// # Errors
    /// -32602 for what is mistyped within the members.
    pub(super) fn peer(
        &self,
        version: ProtocolVersion,
        subject: Option<Arc<str>>,
    ) -> Result<Peer, RpcError> {
        let mut peer = Peer::new(version);
        peer.subject = subject;
        peer.capabilities = typed(keys::CLIENT_CAPABILITIES, self.capabilities)?;
        peer.info = match self.info {
            Some(info) => Some(typed(keys::CLIENT_INFO, info)?),
            None => None,
        };
        Ok(peer)
    }
}

fn unsupported(requested: &str, message: impl Into<Cow<'static, str>>) -> RpcError {
    let mut data = Vec::new();
    let mut object = Object::new(&mut data, ProtocolVersion::LATEST);
    object.field("supported", &ProtocolVersion::ALL[..]);
    object.field("requested", requested);
    object.end();
    let error = RpcError::new(codes::UNSUPPORTED_PROTOCOL_VERSION, message);
    match String::from_utf8(data).map(Json::parse) {
        Ok(Ok(data)) => error.with_data(data),
        // What the encoder writes is JSON.
        _ => error,
    }
}

fn invalid(key: &str, problem: impl fmt::Display) -> RpcError {
    RpcError::invalid_params(format!("params._meta[\"{key}\"] {problem}"))
}

/// The least level of log entries that a request wants.
///
/// # Errors
/// -32602 where it is none.
pub(super) fn log_level(meta: Option<&RequestMeta<'_>>) -> Result<Option<LoggingLevel>, RpcError> {
    let level = meta.and_then(|meta| meta.log_level());
    level.map(|level| typed(keys::LOG_LEVEL, level)).transpose()
}

fn typed<T: Read>(key: &str, raw: Raw<'_>) -> Result<T, RpcError> {
    raw.read()
        .map_err(|error| invalid(key, format_args!("is wrong: {error}")))
}

/// What the last stateless request said, since clients say the same every time: a request that
/// repeats it word for word is known without being decoded.
///
/// Nothing is taken over from one request to the next but what both of them say (2026-07-28,
/// basic/lifecycle: capabilities are never inferred from earlier requests).
#[derive(Debug)]
pub(super) struct Known {
    // The whole `_meta`, unless it had members of others, which differ from request to request.
    meta: Option<KnownMeta>,
    capabilities: String,
    info: Option<String>,
    log_level: Option<LoggingLevel>,
    peer: Arc<Peer>,
}

impl Known {
    /// What the scan of the next request need not look at again.
    pub(super) fn meta(&self) -> Option<&KnownMeta> {
        self.meta.as_ref()
    }

    /// Decodes what is different from the last time.
    ///
    /// # Errors
    /// -32602 for what is mistyped within the members, -32022 for a revision that is not served.
    pub(super) fn read(
        last: Option<Self>,
        raw: Raw<'_>,
        meta: &RequestMeta<'_>,
        claims: &Claims<'_>,
        subject: &Option<Arc<str>>,
    ) -> Result<Self, RpcError> {
        let version = claims.supported_version()?;
        let log_level = log_level(Some(meta))?;
        let mut known = match last {
            Some(last) if last.is_of(version, claims) => last,
            _ => Self {
                meta: None,
                capabilities: claims.capabilities.get().into(),
                info: claims.info.map(|info| info.get().into()),
                log_level,
                peer: Arc::new(claims.peer(version, subject.clone())?),
            },
        };
        known.log_level = log_level;
        let repeats = !meta.has_others() && meta.related_task().is_none();
        known.meta = repeats.then(|| KnownMeta::new(raw)).flatten();
        Ok(known)
    }

    /// The client.
    pub(super) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// The least level of log entries that the last request wanted.
    pub(super) fn log_level(&self) -> Option<LoggingLevel> {
        self.log_level
    }

    fn is_of(&self, version: ProtocolVersion, claims: &Claims<'_>) -> bool {
        self.peer.version == version
            && self.capabilities == claims.capabilities.get()
            && self.info.as_deref() == claims.info.map(Raw::get)
    }
}

/// Whether there is something in `_meta` that handlers may want to see: what the protocol does not
/// reserve, and the trace context (2026-07-28, basic/index, `_meta`).
pub(super) fn has_extras(meta: &RequestMeta<'_>) -> bool {
    meta.has_others()
        || meta.traceparent().is_some()
        || meta.tracestate().is_some()
        || meta.baggage().is_some()
        || meta.related_task().is_some()
}
