//! Messages coming in: which era they belong to, and what stands in every one of them.

use alloc::{boxed::Box, format, string::String, sync::Arc, vec::Vec};
use core::mem;
use mcp_proto::{
    frame::FrameError,
    json::{Json, Raw},
    meta::RequestMeta,
    method::{Capability, Kind, Method, Sender},
    rpc::{self, Incoming, Member, Message, Params, Rejected, RequestId, RpcError},
    time::Instant,
    types::LoggingLevel,
    version::{Era, ProtocolVersion},
};

use super::{
    Phase, Session,
    batch::BatchId,
    calls::NewCall,
    claims::{self, Claims, Known},
    offers::Offers,
    open::{Address, Asked},
};
use crate::call::{Event, Peer, PeerFault};

/// How a message came in.
#[derive(Copy, Clone)]
pub(crate) struct Arrival<'a> {
    /// The service that serves it.
    pub(crate) offers: &'a dyn Offers,
    /// What the front calls the message; everything sent because of it carries this.
    pub(crate) origin: u32,
    /// The text in which the message lies, where the front hands it over afterwards if it was
    /// [lent](Session::lend): long arguments are not copied then.
    pub(crate) whole: Option<&'a str>,
    pub(super) batch: Option<BatchId>,
}

impl<'a> Arrival<'a> {
    /// A message of its own.
    pub(crate) fn new(offers: &'a dyn Offers, origin: u32) -> Self {
        Self {
            offers,
            origin,
            whole: None,
            batch: None,
        }
    }

    /// The same within a text that can be handed over.
    pub(crate) fn within(self, whole: &'a str) -> Self {
        Self {
            whole: Some(whole),
            ..self
        }
    }
}

/// More than this of `_meta` is not remembered for comparison with the next request's.
const REMEMBERED: usize = 16 * 1024;

/// What `_meta` says in either era.
#[derive(Debug)]
struct Read {
    /// The client of a stateless request.
    peer: Option<Arc<Peer>>,
    progress_token: Option<Box<str>>,
    log_level: Option<LoggingLevel>,
    extras: Option<Json>,
}

impl Read {
    fn asked(self, peer: Arc<Peer>) -> Asked {
        let Self {
            progress_token,
            log_level,
            extras,
            ..
        } = self;
        Asked {
            peer,
            progress_token,
            log_level,
            meta: extras,
        }
    }
}

impl Session {
    /// Takes the text of one message, or of one batch.
    pub(crate) fn handle_text(&mut self, text: &str, arrival: &Arrival<'_>, now: Instant) {
        let known = self.known.as_ref().and_then(Known::meta);
        let mut incoming = rpc::parse_knowing(text, &self.limits, known);
        // Borrowed, and not moved once more.
        if let Ok(Incoming::Single(message)) = &mut incoming {
            return self.handle(message, arrival, now);
        }
        match incoming {
            Ok(Incoming::Batch(members)) => self.handle_batch(members, arrival, now),
            Ok(_) => {}
            Err(rejected) => self.handle_rejected(rejected, arrival, now),
        }
    }

    /// Takes what is no message.
    pub(crate) fn handle_rejected(
        &mut self,
        rejected: Rejected,
        arrival: &Arrival<'_>,
        now: Instant,
    ) {
        self.tick(now);
        if self.phase == Phase::Open {
            self.reject(rejected, arrival);
        }
    }

    /// Takes note of a message that was too long to be read. That it could not be parsed is the
    /// one thing that may be said in every revision without an id.
    pub(crate) fn handle_unframed(
        &mut self,
        error: FrameError,
        arrival: &Arrival<'_>,
        now: Instant,
    ) {
        let rejected = Rejected::unreadable(format!("{error}"));
        self.handle_rejected(rejected, arrival, now);
        if let Some(Event::Fault(fault)) = self.events.back_mut() {
            *fault = PeerFault::Frame;
        }
    }

    /// Takes one message, which is borrowed because its parameters are large.
    pub(crate) fn handle(
        &mut self,
        message: &mut Message<'_>,
        arrival: &Arrival<'_>,
        now: Instant,
    ) {
        self.tick(now);
        if self.phase != Phase::Open {
            return;
        }
        self.rejected = 0;
        match message {
            Message::Request { id, method, params } => {
                let id = mem::replace(id, RequestId::Number(0));
                self.handle_request(id, method, params, arrival);
            }
            Message::Notification { method, params } => {
                if let Err(error) = self.take_notification(method, params) {
                    self.events
                        .push_back(Event::Fault(PeerFault::Notification(error)));
                }
            }
            Message::Response { id, outcome } => {
                let answer = outcome.clone().map(Json::from_raw);
                if !id.as_ref().is_some_and(|id| self.take_answer(id, answer)) {
                    self.events
                        .push_back(Event::Fault(PeerFault::UnexpectedResponse));
                }
            }
            _ => {}
        }
    }

    /// Takes a batch. Its requests are answered together, once all are.
    ///
    /// 2025-03-26, basic: receivers MUST support batches; no other revision has them, so that each
    /// request in one is answered by an error of its own there.
    fn handle_batch(
        &mut self,
        members: Vec<Result<Message<'_>, Rejected>>,
        arrival: &Arrival<'_>,
        now: Instant,
    ) {
        self.tick(now);
        if self.phase != Phase::Open {
            return;
        }
        if self.version() != Some(ProtocolVersion::V2025_03_26) {
            return self.refuse_batch(&members, arrival);
        }
        let batch = self.batches.open(arrival.origin);
        let arrival = Arrival {
            batch: Some(batch),
            ..*arrival
        };
        for member in members {
            match member {
                Ok(mut message) => self.handle(&mut message, &arrival, now),
                Err(rejected) => self.reject(rejected, &arrival),
            }
        }
        self.leave_batch(batch);
    }

    fn refuse_batch(&mut self, members: &[Result<Message<'_>, Rejected>], arrival: &Arrival<'_>) {
        let error =
            RpcError::invalid_request("batches exist only in sessions of revision 2025-03-26");
        let mut answered = false;
        for member in members {
            let id = match member {
                Ok(Message::Request { id, .. }) => id,
                Err(Rejected {
                    id: Some(id),
                    unasked: false,
                    ..
                }) => id,
                _ => continue,
            };
            let to = Address {
                id: id.clone(),
                origin: arrival.origin,
                batch: None,
            };
            self.answer_error(&to, &error);
            answered = true;
        }
        if answered {
            self.events
                .push_back(Event::Fault(PeerFault::NotRpc(error)));
        } else {
            self.reject(Rejected::invalid(error.message), arrival);
        }
    }

    fn handle_request(
        &mut self,
        id: RequestId,
        method: &str,
        params: &Params<'_>,
        arrival: &Arrival<'_>,
    ) {
        let address = Address {
            id,
            origin: arrival.origin,
            batch: arrival.batch,
        };
        match arrival.batch {
            Some(batch) => self.batches.join(batch),
            None if self.holds_back(method) => return,
            None => {}
        }
        match self.take_request(&address, method, params, arrival) {
            Ok(None) => {}
            Ok(Some(call)) => self.begin(address, call),
            Err(error) => self.answer_error(&address, &error),
        }
    }

    /// Answers a request, or says which call it makes.
    fn take_request(
        &mut self,
        address: &Address,
        name: &str,
        params: &Params<'_>,
        arrival: &Arrival<'_>,
    ) -> Result<Option<NewCall>, RpcError> {
        // Every revision, basic: an id MUST NOT be used twice. The first request is not concerned.
        if self.ids.find(&address.id, &self.open).is_some() {
            return Err(RpcError::invalid_request(
                "the id belongs to a request that is still open",
            ));
        }
        let asked_of_server = |method: &Method| {
            let info = method.info();
            info.kind == Kind::Request && info.sender != Sender::Server
        };
        let method = Method::parse(name).filter(asked_of_server);
        let is_ours = |method: &Method| method.info().capability != Capability::Tasks;
        let unknown = || RpcError::method_not_found(name);
        if let Err(error) = params.check() {
            return Err(if method.is_none() { unknown() } else { error });
        }
        let mut read = self.read_meta(method, params)?;
        if let Some(peer) = read.peer.take() {
            if address.batch.is_some() {
                return Err(RpcError::invalid_request(
                    "a request of this revision cannot be part of a batch",
                ));
            }
            self.spoken = Some(peer.version);
            let asked = read.asked(peer);
            let Some(method) = method.filter(is_ours) else {
                return self.take_extension(name, params.raw(), asked, arrival.offers);
            };
            return self.serve(address, method, params, asked, arrival);
        }
        let Some(method) = method.filter(is_ours) else {
            let opened = self.handshake.as_ref().ok_or_else(unknown)?;
            let asked = read.asked(Arc::clone(&opened.peer));
            return self.take_extension(name, params.raw(), asked, arrival.offers);
        };
        self.take_in_session(address, method, params, read, arrival)
    }

    /// The same for a request of the handshake era.
    fn take_in_session(
        &mut self,
        address: &Address,
        method: Method,
        params: &Params<'_>,
        mut read: Read,
        arrival: &Arrival<'_>,
    ) -> Result<Option<NewCall>, RpcError> {
        match (method, &self.handshake) {
            (Method::Initialize, _) => self.initialize(address, params, arrival.offers)?,
            // Every revision, basic/lifecycle: pings may come before anything else.
            (Method::Ping, _) => {
                self.answer_empty(address, ProtocolVersion::LATEST_HANDSHAKE, arrival.offers);
            }
            (_, Some(opened)) => {
                read.log_level = opened.log_level();
                let asked = read.asked(Arc::clone(&opened.peer));
                return self.serve(address, method, params, asked, arrival);
            }
            (_, None) => {
                return Err(RpcError::invalid_request(
                    "send `initialize` first, or say in params._meta which revision the request is of",
                ));
            }
        }
        Ok(None)
    }

    /// Reads `_meta`, which tells the era as well.
    fn read_meta(&mut self, method: Option<Method>, params: &Params<'_>) -> Result<Read, RpcError> {
        let raw = params.get(Member::Meta);
        let meta = params.meta()?;
        let mut read = Read {
            peer: None,
            progress_token: meta.map_or(Ok(None), |meta| self.read_token(meta))?,
            log_level: None,
            extras: match raw {
                Some(raw) if meta.is_some_and(claims::has_extras) => Some(Json::from_raw(raw)),
                _ => None,
            },
        };
        let recalled = meta.is_some_and(RequestMeta::is_recalled);
        if let Some(known) = self.known.as_ref().filter(|_| recalled) {
            read.peer = Some(Arc::clone(known.peer()));
            read.log_level = known.log_level();
        } else if self.is_stateless(method, meta) {
            let claims = Claims::read(meta)?;
            // Both are there, for otherwise the claims could not have been read.
            if self.forgetful {
                let version = claims.supported_version()?;
                read.log_level = claims::log_level(meta)?;
                read.peer = Some(Arc::new(claims.peer(version, self.subject.clone())?));
            } else if let (Some(raw), Some(meta)) = (raw, meta) {
                let known = Known::read(self.known.take(), raw, meta, &claims, &self.subject)?;
                read.peer = Some(Arc::clone(known.peer()));
                read.log_level = known.log_level();
                self.known = (raw.get().len() <= REMEMBERED).then_some(known);
            }
        }
        Ok(read)
    }

    /// Which era a request belongs to.
    fn is_stateless(&self, method: Option<Method>, meta: Option<&RequestMeta<'_>>) -> bool {
        let claims = meta.is_some_and(claims::are_made);
        match method {
            // A client may put its claims into whatever it sends. `initialize` with one of a
            // revision that has it means what it says.
            Some(Method::Initialize) if claims => {
                let version = meta
                    .and_then(|meta| meta.protocol_version())
                    .and_then(Raw::text);
                let version = version.and_then(|version| ProtocolVersion::parse(&version));
                version.is_none_or(|version| version.era() == Era::Stateless)
            }
            // Without a session there is no other era that this method could belong to, and its
            // sender is to be told what it left out.
            Some(method) if self.handshake.is_none() => {
                claims || method.info().since.era() == Era::Stateless
            }
            _ => claims,
        }
    }

    fn read_token(&self, meta: &RequestMeta<'_>) -> Result<Option<Box<str>>, RpcError> {
        let Some(token) = meta.progress_token().filter(|token| !token.is_null()) else {
            return Ok(None);
        };
        // Every revision, basic/utilities/progress: a string or a number, chosen by the client. It
        // is sent back as the text it came in.
        let text = token.get();
        if text.starts_with(['{', '[', 't', 'f']) {
            return Err(RpcError::invalid_params(
                "params._meta.progressToken must be a string or an integer",
            ));
        }
        if text.len() > self.limits.name_bytes {
            let most = self.limits.name_bytes;
            return Err(RpcError::invalid_params(format!(
                "params._meta.progressToken is longer than {most} bytes"
            )));
        }
        Ok(Some(text.into()))
    }

    fn take_notification(&mut self, name: &str, params: &Params<'_>) -> Result<(), RpcError> {
        match Method::parse(name) {
            Some(Method::Initialized) => self.initialized(),
            Some(Method::Cancelled) => {
                params.check()?;
                // 2025-11-25 alone lets it be absent, for tasks, which are cancelled otherwise.
                if let Some(id) = params.get(Member::RequestId) {
                    let id = RequestId::from_raw(id);
                    self.cancel(&id.ok_or_else(|| {
                        RpcError::invalid_params("params.requestId must be a string or an integer")
                    })?);
                }
            }
            // JSON-RPC 2.0, Notification: what is not known is ignored.
            _ => {}
        }
        Ok(())
    }

    /// Takes the text in which the last message lay, if that message's arguments were long: they
    /// become a part of it, and were not copied. To be called after [`handle`](Self::handle) with
    /// a message [within](Arrival::within) a text, with that text.
    pub(crate) fn lend(&mut self, text: String) {
        let Some((call, range)) = self.lent.take() else {
            return;
        };
        if let Some(arguments) = Json::slice_of(text, range) {
            self.set_arguments(call, arguments);
        }
    }
}
