//! What a caller can ask of a session.

use alloc::{borrow::Cow, boxed::Box, sync::Arc, vec::Vec};

use mcp_proto::{
    json::Json,
    method::Method,
    request::{Paged, Ping, Request, SetLevel},
    rpc::CallId,
    time::Instant,
    types::{EmptyParams, EmptyResult, LoggingLevel, SetLevelParams},
    version::ProtocolVersion,
};

use crate::{
    error::{CallError, Malformed, Misuse},
    event::Event,
    options::CallOptions,
    session::Session,
    session::call::{Body, Call, Owner, Pages, Queued, State, Timing},
    session::negotiate::ServerDetails,
    session::pending::{self, Pending, Reply},
    session::raw::RawParams,
};

impl Session {
    /// Makes a call. One made before the revision is known is sent as soon as it is.
    ///
    /// [`Event::Done`] tells when [`take`](Self::take) has its result. It comes in any case: with
    /// the answer, the timeout, or the end of the connection.
    ///
    /// # Errors
    /// Where the connection has ended, or too many calls are open.
    ///
    /// ```
    /// use mcp_client_core::{Client, Config, CallOptions, mcp_proto};
    /// use mcp_proto::{request::CallTool, time::Instant, types::{CallToolParams, Implementation}};
    ///
    /// let now = Instant::ZERO;
    /// let mut client = Client::new(Config::new(Implementation::new("app", "1.0.0")), now);
    /// let call = client.call::<CallTool>(&CallToolParams::new("add"), &CallOptions::default(), now)?;
    /// assert!(client.take(call).is_err(), "no answer yet");
    /// # Ok::<(), mcp_client_core::Misuse>(())
    /// ```
    pub fn call<M: Request>(
        &mut self,
        params: &M::Params,
        options: &CallOptions,
        now: Instant,
    ) -> Result<Pending<M::Result>, Misuse> {
        let id = self.open(Cow::Borrowed(M::NAME), M::METHOD, options, now)?;
        match self.version() {
            Some(version) if self.exists(id, version) => {
                self.write_request(id, params, options, version);
            }
            Some(_) => {}
            None => self.enqueue(id, Body::Params(Box::new(params.clone())), options),
        }
        Ok(Pending::new(id, pending::typed::<M::Result>))
    }

    /// Calls a method by its name, such as one of an extension, with parameters as JSON text.
    ///
    /// # Errors
    /// Where the parameters are no object, the connection has ended, or too many calls are open.
    pub fn call_custom(
        &mut self,
        method: impl Into<Cow<'static, str>>,
        params: &Json,
        options: &CallOptions,
        now: Instant,
    ) -> Result<Pending<Json>, Misuse> {
        let method = method.into();
        let params = RawParams::read(params.as_str()).map_err(|_| Misuse::NotAnObject)?;
        let known = Method::parse(&method);
        let id = self.open(method, known, options, now)?;
        self.send_or_enqueue(id, Body::Params(Box::new(params)), options);
        Ok(Pending::new(id, pending::text))
    }

    /// Lists everything, page by page.
    ///
    /// A cursor that comes twice ends the list; a list of more than
    /// [`Limits::pages`](mcp_proto::limits::Limits::pages) pages or
    /// [`Limits::list_bytes`](mcp_proto::limits::Limits::list_bytes) fails. The timeout is for each
    /// page, the maximum for all of them.
    ///
    /// # Errors
    /// Where the connection has ended, or too many calls are open.
    pub fn list_all<M: Paged>(
        &mut self,
        options: &CallOptions,
        now: Instant,
    ) -> Result<Pending<Vec<M::Item>>, Misuse> {
        let pending = self.call::<M>(&M::at(None), options, now)?;
        if let Some(call) = self.calls.get_mut(pending.id()) {
            let options = options.clone();
            call.pages = Some(Box::new(Pages {
                texts: Vec::new(),
                cursors: Vec::new(),
                bytes: 0,
                options,
            }));
        }
        Ok(Pending::new(pending.id(), pending::pages::<M>))
    }

    /// Asks whether the server is there: with `ping`, or with `server/discover` on 2026-07-28,
    /// which has no ping.
    ///
    /// # Errors
    /// Where the connection has ended, or too many calls are open.
    pub fn ping(
        &mut self,
        options: &CallOptions,
        now: Instant,
    ) -> Result<Pending<EmptyResult>, Misuse> {
        let id = self.open(Cow::Borrowed(Ping::NAME), Some(Method::Ping), options, now)?;
        self.send_or_enqueue(id, Body::Ping, options);
        Ok(Pending::new(id, pending::typed::<EmptyResult>))
    }

    /// Sets the least severe log entries to send: with `logging/setLevel`, or in the `_meta` of
    /// every later request on 2026-07-28, which is done at once.
    ///
    /// # Errors
    /// Where the connection has ended, or too many calls are open.
    pub fn set_log_level(
        &mut self,
        level: LoggingLevel,
        options: &CallOptions,
        now: Instant,
    ) -> Result<Pending<EmptyResult>, Misuse> {
        let id = self.open(
            Cow::Borrowed(SetLevel::NAME),
            Some(Method::SetLevel),
            options,
            now,
        )?;
        self.send_or_enqueue(id, Body::SetLevel(level), options);
        Ok(Pending::new(id, pending::typed::<EmptyResult>))
    }

    /// Waits until a revision was agreed on, and tells what is known about the server.
    ///
    /// # Errors
    /// Where the connection has ended, or too many calls are open.
    pub fn ready(&mut self, now: Instant) -> Result<Pending<Arc<ServerDetails>>, Misuse> {
        let options = CallOptions::default();
        let id = self.open(Cow::Borrowed(""), None, &options, now)?;
        // Negotiation has timeouts of its own.
        self.calls.set_deadline(id, Instant::MAX);
        self.send_or_enqueue(id, Body::Ready, &options);
        Ok(Pending::new(id, pending::server))
    }

    /// Takes a call's result, decoded by the method that was called.
    ///
    /// # Errors
    /// Gives `of` back where the call has not ended yet.
    pub fn take<T>(&mut self, of: Pending<T>) -> Result<Result<T, CallError>, Pending<T>> {
        match self.calls.get(of.id()).map(|call| &call.state) {
            // Forgotten, or another session's.
            None => return Ok(Err(CallError::Cancelled)),
            Some(State::Done(_)) => {}
            Some(_) => return Err(of),
        }
        let Some(call) = self.calls.remove(of.id()) else {
            return Ok(Err(CallError::Cancelled));
        };
        self.spare.keep_params(call.kept);
        let mut reply = match call.state {
            State::Done(Ok(reply)) => reply,
            State::Done(Err(error)) => return Ok(Err(error)),
            _ => return Ok(Err(CallError::Cancelled)),
        };
        let result = of.decode(&mut reply);
        self.spare.keep_text(reply);
        Ok(result.map_err(|error| CallError::Malformed(Malformed::new(error))))
    }

    /// Cancels a call: the server is told, and the call ends with [`CallError::Cancelled`].
    pub fn cancel(&mut self, id: CallId, reason: Option<&str>, now: Instant) {
        self.now = now;
        let Some(call) = self.calls.get(id) else {
            return;
        };
        if let State::Sent(wire) = call.state {
            self.write_cancellation(wire, reason);
        }
        self.abandon(id);
        self.finish(id, Err(CallError::Cancelled));
    }

    /// Drops a call whose result nobody will take, ended or not; an open one is cancelled.
    pub fn forget(&mut self, id: CallId, now: Instant) {
        self.now = now;
        let Some(call) = self.calls.get(id) else {
            return;
        };
        if let State::Sent(wire) = call.state {
            self.write_cancellation(wire, None);
        }
        self.abandon(id);
        self.drop_call(id);
        self.events
            .retain(|event| !matches!(event, Event::Done(done) if *done == id));
    }

    pub(crate) fn open(
        &mut self,
        name: Cow<'static, str>,
        method: Option<Method>,
        options: &CallOptions,
        now: Instant,
    ) -> Result<CallId, Misuse> {
        self.now = now;
        if let Some(how) = self.closed {
            return Err(Misuse::Closed(how));
        }
        let most = self.config.limits.client_calls;
        if self.calls.len() >= most {
            return Err(Misuse::TooManyCalls(most));
        }
        let timing = Timing::new(options, &self.config.limits, now);
        let mut call = Call::custom(Owner::User, name, timing);
        call.method = method;
        call.progress = options.progress;
        call.fresh = options.fresh;
        (call.hand_over, call.detached) = (options.hand_over, options.detached);
        Ok(self.calls.insert(call, timing.deadline(now)))
    }

    /// Ends the call where the revision does not have its method.
    fn exists(&mut self, id: CallId, version: ProtocolVersion) -> bool {
        let exists = self.calls.get(id).is_none_or(|call| match call.method {
            Some(method) => method.exists_in(version),
            None => self.extensions.has(&call.name, version).unwrap_or(true),
        });
        if !exists {
            self.finish(id, Err(CallError::NotInRevision { version }));
        }
        exists
    }

    fn enqueue(&mut self, id: CallId, body: Body, options: &CallOptions) {
        if let Some(call) = self.calls.get_mut(id) {
            call.state = State::Queued(Box::new(Queued {
                body,
                options: options.clone(),
            }));
            self.queued.push_back(id);
        }
    }

    pub(crate) fn send_or_enqueue(&mut self, id: CallId, body: Body, options: &CallOptions) {
        match self.version() {
            Some(version) => self.send_body(id, body, options, version),
            None => self.enqueue(id, body, options),
        }
    }

    pub(crate) fn send_queued(&mut self, id: CallId) {
        let (Some(call), Some(server)) = (self.calls.get_mut(id), &self.server) else {
            return;
        };
        let version = server.version;
        if let State::Queued(queued) = core::mem::replace(&mut call.state, State::New) {
            self.send_body(id, queued.body, &queued.options, version);
        }
    }

    fn send_body(
        &mut self,
        id: CallId,
        body: Body,
        options: &CallOptions,
        version: ProtocolVersion,
    ) {
        match body {
            Body::Params(params) => {
                if self.exists(id, version) {
                    self.write_request(id, &*params, options, version);
                }
            }
            Body::Ping => {
                if let Some(call) = self
                    .calls
                    .get_mut(id)
                    .filter(|_| !Method::Ping.exists_in(version))
                {
                    call.name = Cow::Borrowed(Method::Discover.name());
                    call.method = Some(Method::Discover);
                    call.fresh = true;
                }
                self.write_request(id, &EmptyParams::default(), options, version);
            }
            Body::SetLevel(level) => {
                self.log_level = Some(level);
                if Method::SetLevel.exists_in(version) {
                    self.write_request(id, &SetLevelParams::new(level), options, version);
                } else {
                    self.finish(id, Ok(Reply::Text(Json::empty_object())));
                }
            }
            Body::Ready => {
                let outcome = match &self.server {
                    Some(server) => Ok(Reply::Server(Arc::clone(server))),
                    None => Err(CallError::Cancelled),
                };
                self.finish(id, outcome);
            }
            Body::Follow(following) => self.begin_following(id, following),
        }
    }
}
