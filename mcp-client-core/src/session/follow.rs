//! Calls that go on after their first result: what an extension's machine says, done.

use alloc::{
    borrow::Cow,
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};
use core::{cell::RefCell, time::Duration};

use mcp_proto::{
    json::{Json, Raw},
    method::Method,
    rpc::{CallId, RpcError},
    time::Instant,
    types::ResultType,
    version::Era,
};

use crate::{
    error::{CallError, Malformed, Misuse},
    event::Event,
    extension::{Follow, FollowUp, News, Step},
    options::CallOptions,
    session::Session,
    session::call::{Body, Call, Owner, State, Timing},
    session::pending::Reply,
    session::raw::RawParams,
    session::subscribe::SubscriptionId,
};

/// The machine that a call goes on by.
#[derive(Debug)]
pub(crate) struct Following {
    machine: Box<dyn FollowUp>,
    /// The call that began what this one goes on with, whose reports are this one's.
    pub(crate) begun: Option<CallId>,
    /// The stream that was opened for its topic.
    pub(crate) stream: Option<SubscriptionId>,
    /// Whether that stream tells of the topic.
    pub(crate) is_told: bool,
}

/// The shortest pause, so that no machine can keep a session busy.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

impl Following {
    pub(crate) fn new(machine: Box<dyn FollowUp>, begun: Option<CallId>) -> Self {
        Self {
            machine,
            begun,
            stream: None,
            is_told: false,
        }
    }

    /// Topics are an extension's own: two may use the same word for different things.
    fn is_about(&self, topic: (&str, &str)) -> bool {
        self.machine.topic() == Some(topic)
    }
}

impl Session {
    /// Makes a call that is no request of its own: `machine` says what to ask and when it ends.
    ///
    /// `begun` names the call that began what this one goes on with, whose reports of progress are
    /// this one's from now on.
    ///
    /// # Errors
    /// Where the connection has ended, or too many calls are open.
    pub fn follow(
        &mut self,
        machine: Box<dyn FollowUp>,
        begun: Option<CallId>,
        options: &CallOptions,
        now: Instant,
    ) -> Result<CallId, Misuse> {
        let id = self.open(Cow::Borrowed(""), None, options, now)?;
        let following = Box::new(Following::new(machine, begun));
        self.send_or_enqueue(id, Body::Follow(following), options);
        Ok(id)
    }

    /// Lets a call go on by this machine.
    pub(crate) fn begin_following(&mut self, id: CallId, mut following: Box<Following>) {
        if let Some((extension, topic)) = following.machine.topic() {
            let field = self.extensions.topics(extension).map(String::from);
            if let Some(field) = field.filter(|_| self.is_stateless()) {
                let topic = String::from(topic);
                following.stream = self.listen_for(id, field, topic);
            }
        }
        if let Some(call) = self.calls.get_mut(id) {
            call.state = State::New;
            call.following = Some(following);
            self.advance(id, News::Begun);
        }
    }

    /// Tells a call's machine what has happened, and does what it says.
    pub(crate) fn advance(&mut self, id: CallId, news: News<'_>) {
        let elsewhere = self.asked_elsewhere(id);
        let (Some(call), Some(server)) = (self.calls.get_mut(id), &self.server) else {
            return;
        };
        let Some(mut following) = call.following.take() else {
            return;
        };
        let follow = Follow {
            version: server.version,
            limits: &self.config.limits,
            now: self.now,
            patience: call.timing.timeout,
            is_told: following.is_told,
            asked_elsewhere: &elsewhere,
            told: RefCell::default(),
        };
        let step = following.machine.step(news, &follow);
        let told = follow.told.into_inner().into_iter();
        self.events
            .extend(told.map(|task| Event::Task(id, Box::new(task))));
        call.following = Some(following);
        if !matches!(step, Step::Stay) {
            self.take_step(id, step);
        }
    }

    fn take_step(&mut self, id: CallId, step: Step) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let state = core::mem::replace(&mut call.state, State::New);
        call.timing.resume(self.now);
        match state {
            State::Asking(round) => self.drop_questions(&round),
            State::Sent(wire) => self.write_cancellation(wire, None),
            _ => {}
        }
        match step {
            Step::Request { method, params } => match RawParams::read(params.as_str()) {
                Ok(params) => self.request_step(id, method, &params),
                Err(error) => self.finish(id, Err(CallError::Malformed(Malformed::new(error)))),
            },
            Step::Pause(pause) => {
                if let Some(call) = self.calls.get_mut(id) {
                    call.state = State::Resting;
                    let until = self.now.saturating_add(pause.max(SHORTEST_PAUSE));
                    let until = until.min(call.timing.limit);
                    self.calls.set_deadline(id, until);
                }
            }
            Step::Ask(requests) => self.ask(id, requests),
            Step::Done(result) => self.finish(id, Ok(Reply::Text(result))),
            Step::Failed(error) => self.finish(id, Err(error)),
            Step::Stay => {}
        }
    }

    fn request_step(&mut self, id: CallId, method: Cow<'static, str>, params: &RawParams) {
        let (Some(call), Some(server)) = (self.calls.get_mut(id), &self.server) else {
            return;
        };
        call.method = Method::parse(&method);
        call.name = method;
        let (version, deadline) = (server.version, call.timing.deadline(self.now));
        self.calls.set_deadline(id, deadline);
        self.write_request(id, params, &CallOptions::default(), version);
    }

    // The questions that other calls ask about the same topic.
    fn asked_elsewhere(&self, id: CallId) -> Vec<String> {
        let following = self.calls.get(id).and_then(|call| call.following.as_ref());
        let Some(topic) = following.and_then(|following| following.machine.topic()) else {
            return Vec::new();
        };
        let same = |call: &Call| {
            let following = call.following.as_ref();
            following.is_some_and(|following| following.is_about(topic))
        };
        let others = self.calls.iter().filter(|(other, _)| *other != id);
        let rounds = others.filter_map(|(_, call)| match &call.state {
            State::Asking(round) if same(call) => Some(round),
            _ => None,
        });
        rounds
            .flat_map(|round| round.keys().map(String::from))
            .collect()
    }

    // ── What happens meanwhile ───────────────────────────────────────────────────────────────

    /// A request has failed, which need not be the end of its call.
    pub(crate) fn request_failed(&mut self, id: CallId, error: CallError) {
        match self.calls.get_mut(id) {
            Some(call) if call.following.is_some() => {
                call.state = State::New;
                self.advance(id, News::Failed(&error));
            }
            _ => self.finish(id, Err(error)),
        }
    }

    /// A notification of an extension: tells whoever follows what it is about.
    pub(crate) fn noticed(&mut self, notification: &str, params: &Json) {
        let topics = self.extensions.topics_of(notification, params);
        if topics.is_empty() {
            return;
        }
        let about = |call: &Call| {
            call.following.as_ref().is_some_and(|following| {
                let mut topics = topics.iter();
                topics.any(|(extension, topic)| following.is_about((extension, topic)))
            })
        };
        let followers = self.calls.iter().filter(|(_, call)| about(call));
        let followers: Vec<CallId> = followers.map(|(id, _)| id).collect();
        for id in followers {
            self.advance(id, News::Notice(params));
        }
    }

    /// Whether the stream of a call's topic tells of it; something may have changed before.
    pub(crate) fn stream_tells(&mut self, id: CallId, tells: bool) {
        let following = self
            .calls
            .get_mut(id)
            .and_then(|call| call.following.as_mut());
        if let Some(following) = following.filter(|following| following.is_told != tells) {
            following.is_told = tells;
            self.advance(id, News::Resumed);
        }
    }

    /// The calls whose reports bear the name of this one.
    pub(crate) fn followers(&self, begun: CallId) -> Vec<CallId> {
        let follows = |call: &Call| {
            call.following
                .as_ref()
                .is_some_and(|following| following.begun == Some(begun))
        };
        let all = self.calls.iter().filter(|(_, call)| follows(call));
        all.map(|(id, _)| id).collect()
    }

    // ── Where it begins and ends ─────────────────────────────────────────────────────────────

    /// A call has a result of another type than its method's: lets it go on if an extension knows
    /// how.
    pub(crate) fn extended(&mut self, id: CallId, kind: &ResultType, raw: Raw<'_>) {
        let name = &*kind.to_string();
        let (Some(call), Some(server)) = (self.calls.get_mut(id), &self.server) else {
            return;
        };
        let result = Json::from_raw(raw);
        let follow = Follow {
            version: server.version,
            limits: &self.config.limits,
            now: self.now,
            patience: call.timing.timeout,
            is_told: false,
            asked_elsewhere: &[],
            told: RefCell::default(),
        };
        let begin = |method| self.extensions.begin(method, name, &result, &follow);
        let begun = call.method.and_then(begin);
        let hand_over = call.hand_over;
        match begun {
            Some(Ok(_)) if hand_over => self.finish(id, Ok(Reply::HandedOver(id, result))),
            Some(Ok(machine)) => {
                self.begin_following(id, Box::new(Following::new(machine, None)));
            }
            Some(Err(error)) => self.finish(id, Err(CallError::Malformed(error))),
            // 2026-07-28, basic, Results: an unrecognised resultType makes the result invalid.
            None => {
                let error = Malformed::new(format_args!("its resultType `{name}` is unexpected"));
                self.finish(id, Err(CallError::Malformed(error)));
            }
        }
    }

    /// Makes a call once more that was refused, if an extension knows how.
    pub(crate) fn repeat(&mut self, id: CallId, error: &RpcError) -> bool {
        let (Some(call), Some(server)) = (self.calls.get_mut(id), &self.server) else {
            return false;
        };
        if server.version.era() != Era::Handshake {
            return false;
        }
        let (Some(method), Some(kept), false) = (call.method, call.kept.take(), call.repeated)
        else {
            return false;
        };
        let again = core::str::from_utf8(&kept)
            .ok()
            .and_then(|kept| Json::parse(kept).ok())
            .and_then(|params| self.extensions.again(method, error, &params, server))
            .and_then(|params| RawParams::read(params.as_str()).ok());
        let Some(params) = again else {
            return false;
        };
        call.repeated = true;
        let (version, deadline) = (server.version, call.timing.deadline(self.now));
        self.calls.set_deadline(id, deadline);
        self.write_request(id, &params, &CallOptions::default(), version);
        true
    }

    /// Nobody wants a call's result any longer: tells the server where only its machine knows how.
    pub(crate) fn abandon(&mut self, id: CallId) {
        let (Some(call), Some(version)) = (self.calls.get(id), self.version()) else {
            return;
        };
        let Some(following) = call.following.as_ref().filter(|_| !call.detached) else {
            return;
        };
        let Some((name, params)) = following.machine.abandonment() else {
            return;
        };
        let Ok(params) = RawParams::read(params.as_str()) else {
            return;
        };
        let timing = Timing::new(&CallOptions::default(), &self.config.limits, self.now);
        let mut call = Call::custom(Owner::Nobody, name, timing);
        call.method = Method::parse(&call.name);
        let told = self.calls.insert(call, timing.deadline(self.now));
        self.write_request(told, &params, &CallOptions::default(), version);
    }

    /// Closes what was opened for a call that goes on no longer.
    pub(crate) fn unfollow(&mut self, following: Option<Box<Following>>) {
        if let Some(stream) = following.and_then(|following| following.stream) {
            self.unsubscribe(stream, self.now);
        }
    }
}
