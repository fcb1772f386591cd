//! The session that `initialize` opens (2024-11-05 to 2025-11-25).

use alloc::{format, string::ToString, sync::Arc};
use mcp_proto::{
    method::Method,
    rpc::{Member, Params, RpcError},
    types::{
        ClientCapabilities, Implementation, InitializeResult, LoggingLevel, ServerCapabilities,
    },
    version::{Era, ProtocolVersion},
};

use super::{
    Session,
    offers::Offers,
    open::Address,
    serve::require,
    watch::{Lists, Watch},
};
use crate::call::Peer;

/// What a handshake has settled, and what its client has asked for since.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) peer: Arc<Peer>,
    /// The client has said that it is ready: from then on it may be told of changes.
    pub(super) ready: bool,
    pub(super) watch: Watch,
    level: LoggingLevel,
    // Whether logging was declared.
    logs: bool,
}

impl Opened {
    fn new(peer: Peer, declared: &ServerCapabilities) -> Self {
        Self {
            peer: Arc::new(peer),
            ready: false,
            watch: Watch::new(Lists::declared(declared)),
            // Every revision until 2025-11-25, server/utilities/logging: before a level is set the
            // server decides what it sends.
            level: LoggingLevel::Info,
            logs: declared.logging.is_some(),
        }
    }

    pub(super) fn version(&self) -> ProtocolVersion {
        self.peer.version
    }

    /// The least level of log entries to be sent.
    pub(super) fn log_level(&self) -> Option<LoggingLevel> {
        self.logs.then_some(self.level)
    }
}

impl Session {
    /// A conversation of that revision, on behalf of this subject, whose handshake took place
    /// elsewhere, or is done without.
    #[cfg(feature = "http")]
    pub(crate) fn established(
        version: ProtocolVersion,
        subject: Option<Arc<str>>,
        offers: &dyn Offers,
        tag: u32,
        limits: &Arc<mcp_proto::limits::Limits>,
        now: mcp_proto::time::Instant,
    ) -> Self {
        let mut session = Self::new(tag, limits, now);
        let mut peer = Peer::new(version);
        peer.subject.clone_from(&subject);
        session.set_subject(subject);
        // Nobody could say which conversation an answer belongs to.
        peer.reachable = false;
        let mut opened = Opened::new(peer, &offers.capabilities(version));
        opened.ready = true;
        session.handshake = Some(opened.into());
        session.spoken = Some(version);
        session
    }

    pub(super) fn initialize(
        &mut self,
        address: &Address,
        params: &Params<'_>,
        offers: &dyn Offers,
    ) -> Result<(), RpcError> {
        if address.batch.is_some() {
            // 2025-03-26, basic/lifecycle, Initialization: MUST NOT be part of a batch.
            return Err(RpcError::invalid_request(
                "initialize cannot be part of a batch",
            ));
        }
        if self.handshake.is_some() {
            return Err(RpcError::invalid_request(
                "this session is initialized already",
            ));
        }
        let asked = params.text(Member::ProtocolVersion)?;
        // Basic/lifecycle, Version Negotiation: another revision than the one that was asked for
        // MUST be one that the server supports, and SHOULD be its latest.
        let version = ProtocolVersion::parse(&asked)
            .filter(|version| version.era() == Era::Handshake)
            .unwrap_or(ProtocolVersion::LATEST_HANDSHAKE);
        let mut peer = Peer::new(version);
        // Both are required, but nothing here depends on them being there.
        params.object(Member::Capabilities)?;
        params.object(Member::ClientInfo)?;
        peer.capabilities = params
            .read_optional::<ClientCapabilities>(Member::Capabilities)?
            .unwrap_or_default();
        peer.info = params.read_optional::<Implementation>(Member::ClientInfo)?;
        peer.subject = self.subject.clone();

        let declared = offers.capabilities(version);
        let opened = Opened::new(peer, &declared);
        let mut result = InitializeResult::new(version, declared, offers.info().clone());
        result.instructions = offers.instructions().map(ToString::to_string);
        self.answer_result(address, version, offers, &result);
        self.handshake = Some(opened.into());
        self.spoken = Some(version);
        Ok(())
    }

    pub(super) fn initialized(&mut self) {
        if let Some(opened) = &mut self.handshake {
            opened.ready = true;
            self.due |= opened.watch.is_due();
        }
    }

    pub(super) fn set_level(
        &mut self,
        address: &Address,
        params: &Params<'_>,
        offers: &dyn Offers,
    ) -> Result<(), RpcError> {
        let level = params.read_from(Member::Level)?;
        self.in_session(Method::SetLevel, offers)?.level = level;
        self.answer_in_session(address, offers);
        Ok(())
    }

    pub(super) fn subscribe(
        &mut self,
        address: &Address,
        params: &Params<'_>,
        offers: &dyn Offers,
    ) -> Result<(), RpcError> {
        let (most, longest) = (self.limits.subscribed_uris, self.limits.name_bytes);
        let opened = self.in_session(Method::Subscribe, offers)?;
        let uri = params.text(Member::Uri)?;
        if uri.len() > longest {
            return Err(RpcError::invalid_params(format!(
                "params.uri is longer than {longest} bytes"
            )));
        }
        if !opened.watch.add(&uri, most) {
            let message = format!("no more than {most} resources can be subscribed to");
            return Err(RpcError::new(mcp_proto::rpc::codes::BUSY, message));
        }
        self.answer_in_session(address, offers);
        Ok(())
    }

    pub(super) fn unsubscribe(
        &mut self,
        address: &Address,
        params: &Params<'_>,
        offers: &dyn Offers,
    ) -> Result<(), RpcError> {
        let opened = self.in_session(Method::Unsubscribe, offers)?;
        opened.watch.remove(&params.text(Member::Uri)?);
        self.answer_in_session(address, offers);
        Ok(())
    }

    fn in_session(&mut self, method: Method, offers: &dyn Offers) -> Result<&mut Opened, RpcError> {
        let Some(opened) = &mut self.handshake else {
            return Err(RpcError::method_not_found(method.name()));
        };
        require(method, opened.version(), offers)?;
        Ok(opened)
    }

    fn answer_in_session(&mut self, address: &Address, offers: &dyn Offers) {
        let version = self.version().unwrap_or(ProtocolVersion::LATEST_HANDSHAKE);
        self.answer_empty(address, version, offers);
    }
}
