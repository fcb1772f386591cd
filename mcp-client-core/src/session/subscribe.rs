//! Being told about changes: one resource at a time until 2025-11-25, by streams since 2026-07-28;
//! the same to whoever subscribes.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::time::Duration;

use mcp_proto::{
    method::Method,
    rpc::{CallId, RpcError, codes},
    time::Instant,
    types::{ServerCapabilities, SubscribeParams, SubscriptionFilter, UnsubscribeParams},
};

use crate::{
    error::{CallError, Misuse},
    event::{Change, Event},
    options::CallOptions,
    session::Session,
    session::call::{Call, Owner, State, Timing},
    session::filter::{Listen, changes_of, listed},
    session::pending::{self, Pending, Reply},
};

/// What to be told about.
///
/// ```
/// use mcp_client_core::Subscription;
///
/// let wanted = Subscription::lists().with_uri("file:///notes.txt");
/// assert!(wanted.tools && wanted.uris.len() == 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscription {
    /// Changes of the list of tools.
    pub tools: bool,
    /// Changes of the list of prompts.
    pub prompts: bool,
    /// Changes of the lists of resources and resource templates.
    pub resources: bool,
    /// Changes of the resources with these URIs, and of what lies below them.
    pub uris: Vec<String>,
    /// Topics of extensions (2026-07-28): the member that lists them, and one of them. What is told
    /// of them comes as [`Event::Notification`].
    pub topics: Vec<(String, String)>,
}

impl Subscription {
    /// Changes of all lists.
    #[must_use]
    pub fn lists() -> Self {
        Self {
            tools: true,
            prompts: true,
            resources: true,
            ..Self::default()
        }
    }

    /// Changes of the resource with this URI.
    #[must_use]
    pub fn uri(uri: impl Into<String>) -> Self {
        Self::default().with_uri(uri)
    }

    /// Also changes of the resource with this URI.
    #[must_use]
    pub fn with_uri(mut self, uri: impl Into<String>) -> Self {
        self.uris.push(uri.into());
        self
    }

    /// Also what is told of this topic of an extension, which is listed under `field`.
    ///
    /// ```
    /// use mcp_client_core::Subscription;
    ///
    /// let wanted = Subscription::default().with_topic("taskIds", "3c1f");
    /// assert_eq!(wanted.topics.len(), 1);
    /// ```
    #[must_use]
    pub fn with_topic(mut self, field: impl Into<String>, topic: impl Into<String>) -> Self {
        self.topics.push((field.into(), topic.into()));
        self
    }

    fn wants(&self, change: &Change) -> bool {
        match change {
            Change::Tools => self.tools,
            Change::Prompts => self.prompts,
            Change::Resources => self.resources,
            // Not compared: a part of what was subscribed to may be named instead (schema,
            // ResourceUpdatedNotification).
            Change::Resource(_) => !self.uris.is_empty(),
        }
    }
}

/// Names a subscription of one session. Never used again for another.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(u32);

/// A subscription that was granted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Subscribed {
    /// For [`Session::unsubscribe`].
    pub id: SubscriptionId,
    /// What the server will tell of what was asked for. It may be nothing.
    pub granted: SubscriptionFilter,
}

#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    last: u32,
    list: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    id: SubscriptionId,
    wanted: Subscription,
    stage: Stage,
    /// The caller's wait for the first grant.
    joining: Option<CallId>,
    /// The call whose topic this is for.
    follower: Option<CallId>,
    granted: Option<SubscriptionFilter>,
    delay: Duration,
}

#[derive(Debug)]
enum Stage {
    /// The revision is not known yet.
    Waiting,
    /// So many of its resources are not answered for yet (until 2025-11-25).
    Watching(usize),
    /// This call is its stream (since 2026-07-28).
    Listening(CallId),
    /// Its stream has ended; the next one is opened then.
    Pausing(Instant),
}

/// How long to wait before a stream is opened again, at first and at most.
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(60);

impl Subscriptions {
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let due = |entry: &Entry| match entry.stage {
            Stage::Pausing(until) => Some(until),
            _ => None,
        };
        self.list.iter().filter_map(due).min()
    }

    pub(crate) fn take_due(&mut self, now: Instant) -> Option<SubscriptionId> {
        let due = |entry: &&Entry| matches!(entry.stage, Stage::Pausing(until) if until <= now);
        self.list.iter().find(due).map(|entry| entry.id)
    }

    fn add(
        &mut self,
        wanted: Subscription,
        joining: Option<CallId>,
        follower: Option<CallId>,
    ) -> SubscriptionId {
        self.last += 1;
        let id = SubscriptionId(self.last);
        self.list.push(Entry {
            id,
            wanted,
            stage: Stage::Waiting,
            joining,
            follower,
            granted: None,
            delay: FIRST_DELAY,
        });
        id
    }

    fn get(&mut self, id: SubscriptionId) -> Option<&mut Entry> {
        self.list.iter_mut().find(|entry| entry.id == id)
    }

    fn remove(&mut self, id: SubscriptionId) -> Option<Entry> {
        let at = self.list.iter().position(|entry| entry.id == id)?;
        Some(self.list.remove(at))
    }

    fn watches(&self, uri: &str) -> bool {
        self.list
            .iter()
            .any(|entry| entry.wanted.uris.iter().any(|wanted| wanted == uri))
    }

    #[cfg(feature = "http")]
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn want(&self, change: &Change) -> bool {
        self.list.iter().any(|entry| entry.wanted.wants(change))
    }
}

impl Session {
    /// Subscribes to changes, which come as [`Event::Changed`].
    ///
    /// On 2026-07-28 this is a stream of its own; where it breaks off it is opened again, and as
    /// everything may have changed meanwhile, every change subscribed to is reported once. Until
    /// 2025-11-25 only resources have to be subscribed to; changes that were not subscribed to are
    /// not reported there either.
    ///
    /// # Errors
    /// Where the connection has ended, or there are too many subscriptions, URIs or calls.
    pub fn subscribe(
        &mut self,
        wanted: Subscription,
        options: &CallOptions,
        now: Instant,
    ) -> Result<Pending<Subscribed>, Misuse> {
        let limits = &self.config.limits;
        if self.subscriptions.list.len() >= limits.listens {
            return Err(Misuse::TooManySubscriptions(limits.listens));
        }
        let uris: usize = self
            .subscriptions
            .list
            .iter()
            .map(|entry| entry.wanted.uris.len())
            .sum();
        if uris + wanted.uris.len() > limits.subscribed_uris {
            return Err(Misuse::TooManyUris(limits.subscribed_uris));
        }
        let topics = self.subscriptions.list.iter();
        let topics: usize = topics.map(|entry| entry.wanted.topics.len()).sum();
        if topics + wanted.topics.len() > limits.subscribed_topics {
            return Err(Misuse::TooManyTopics(limits.subscribed_topics));
        }
        let joining = self.open(Cow::Borrowed(Method::Listen.name()), None, options, now)?;
        let id = self.subscriptions.add(wanted, Some(joining), None);
        if let Some(call) = self.calls.get_mut(joining) {
            call.state = State::Joining(id);
        }
        if self.server.is_some() {
            self.open_subscription(id);
        }
        Ok(Pending::new(joining, pending::subscribed))
    }

    /// Opens a stream for a topic that this call follows, if there is room for one.
    pub(crate) fn listen_for(
        &mut self,
        follower: CallId,
        field: String,
        topic: String,
    ) -> Option<SubscriptionId> {
        if self.subscriptions.list.len() >= self.config.limits.listens {
            return None;
        }
        let wanted = Subscription::default().with_topic(field, topic);
        let id = self.subscriptions.add(wanted, None, Some(follower));
        self.open_subscription(id);
        Some(id)
    }

    /// Ends a subscription; the server is told.
    pub fn unsubscribe(&mut self, id: SubscriptionId, now: Instant) {
        self.now = now;
        let Some(entry) = self.subscriptions.remove(id) else {
            return;
        };
        if let Stage::Listening(call) = entry.stage {
            self.stop_listening(call);
        } else if matches!(entry.stage, Stage::Watching(_)) {
            for uri in entry.wanted.uris {
                self.unwatch(uri);
            }
        }
        if let Some(joining) = entry.joining {
            self.finish(joining, Err(CallError::Cancelled));
        }
    }

    /// Opens what was subscribed to before the revision was known.
    pub(crate) fn open_subscriptions(&mut self) {
        let ids: Vec<_> = self
            .subscriptions
            .list
            .iter()
            .map(|entry| entry.id)
            .collect();
        for id in ids {
            self.open_subscription(id);
        }
    }

    pub(crate) fn open_subscription(&mut self, id: SubscriptionId) {
        let Some(server) = self.server.clone() else {
            return;
        };
        if self.is_stateless() {
            self.listen(id);
        } else {
            self.watch(id, &server.capabilities);
        }
    }

    // ── Since 2026-07-28 ─────────────────────────────────────────────────────────────────────

    fn listen(&mut self, id: SubscriptionId) {
        let (Some(version), Some(entry)) = (self.version(), self.subscriptions.get(id)) else {
            return;
        };
        let params = Listen::new(entry.wanted.filter(), entry.wanted.topics.clone());
        // The deadline is for the acknowledgement; the stream itself has none.
        let timing = Timing::new(&CallOptions::default(), &self.config.limits, self.now);
        let call = Call::new(Owner::Listen(id), Method::Listen, timing);
        let call = self.calls.insert(call, timing.deadline(self.now));
        entry.stage = Stage::Listening(call);
        self.write_request(call, &params, &CallOptions::default(), version);
    }

    /// The server acknowledges the stream that this request opened.
    ///
    /// `text` is the JSON text of what it says.
    pub(crate) fn acknowledged(
        &mut self,
        wire: i64,
        granted: SubscriptionFilter,
        text: &str,
    ) -> bool {
        let Some(call) = self.wires.get(wire) else {
            return false;
        };
        let Some(Owner::Listen(id)) = self.calls.get(call).map(|call| call.owner.clone()) else {
            return false;
        };
        self.calls.set_deadline(call, Instant::MAX);
        self.granted(id, granted);
        self.topics_granted(id, text);
        true
    }

    /// The server says on its own that nothing more will come on a stream.
    pub(crate) fn listen_cancelled(&mut self, wire: i64) {
        let Some(call) = self.wires.get(wire) else {
            return;
        };
        if matches!(
            self.calls.get(call).map(|call| &call.owner),
            Some(Owner::Listen(_))
        ) {
            self.finish(call, Err(CallError::Cancelled));
        }
    }

    /// A stream has ended.
    fn listen_done(&mut self, id: SubscriptionId, outcome: Result<Reply, CallError>) {
        let now = self.now;
        let closed = self.closed.is_some();
        let Some(entry) = self.subscriptions.get(id) else {
            return;
        };
        let follower = entry.follower;
        let empty = SubscriptionFilter::default();
        let over = match &outcome {
            // An end that the server announces is final where it grants nothing.
            Ok(_) => entry
                .granted
                .as_ref()
                .is_none_or(|granted| *granted == empty),
            Err(CallError::Rpc(error)) => entry.granted.is_none() || is_final(error),
            #[cfg(feature = "http")]
            Err(CallError::Http(failure)) => entry.granted.is_none() && failure.is_refusal(),
            Err(_) => closed,
        };
        if !over {
            entry.stage = Stage::Pausing(now.saturating_add(entry.delay));
            entry.delay = (entry.delay * 2).min(LONGEST_DELAY);
            return self.topic_lost(follower);
        }
        let joining = entry.joining.take();
        self.subscriptions.remove(id);
        if let Some(joining) = joining {
            let outcome = outcome.map(|_| Reply::Subscribed(Subscribed { id, granted: empty }));
            self.finish(joining, outcome);
        }
        match follower {
            Some(_) => self.topic_lost(follower),
            None => self.events.push_back(Event::Unsubscribed(id)),
        }
    }

    // Whoever follows a topic is told how it is now.
    fn topics_granted(&mut self, id: SubscriptionId, text: &str) {
        let Some(entry) = self.subscriptions.get(id) else {
            return;
        };
        let (Some(follower), Some((field, topic))) = (entry.follower, entry.wanted.topics.first())
        else {
            return;
        };
        let tells = listed(text, field).is_some_and(|topics| topics.contains(topic));
        self.stream_tells(follower, tells);
    }

    fn topic_lost(&mut self, follower: Option<CallId>) {
        if let Some(follower) = follower {
            self.stream_tells(follower, false);
        }
    }

    fn stop_listening(&mut self, call: CallId) {
        if let Some(State::Sent(wire)) = self.calls.get(call).map(|call| &call.state) {
            let wire = *wire;
            self.write_cancellation(wire, None);
        }
        self.drop_call(call);
    }

    // ── Until 2025-11-25 ─────────────────────────────────────────────────────────────────────

    fn watch(&mut self, id: SubscriptionId, capabilities: &ServerCapabilities) {
        let Some(entry) = self.subscriptions.get(id) else {
            return;
        };
        let resources = capabilities.resources.as_ref();
        let mut granted = SubscriptionFilter::default();
        let changes = |declared: Option<bool>| declared.unwrap_or_default();
        granted.tools_list_changed = entry.wanted.tools
            && changes(capabilities.tools.as_ref().map(|tools| tools.list_changed));
        granted.prompts_list_changed = entry.wanted.prompts
            && changes(
                capabilities
                    .prompts
                    .as_ref()
                    .map(|prompts| prompts.list_changed),
            );
        granted.resources_list_changed =
            entry.wanted.resources && changes(resources.map(|resources| resources.list_changed));
        entry.granted = Some(granted.clone());
        let uris = match resources {
            Some(resources) if resources.subscribe => entry.wanted.uris.clone(),
            _ => Vec::new(),
        };
        entry.stage = Stage::Watching(uris.len());
        if uris.is_empty() {
            return self.granted(id, granted);
        }
        for uri in uris {
            let params = SubscribeParams::new(uri.clone());
            self.send_internal(Owner::Watch(id, uri), Method::Subscribe, &params);
        }
    }

    fn watch_done(&mut self, id: SubscriptionId, uri: String, outcome: &Result<Reply, CallError>) {
        let Some(entry) = self.subscriptions.get(id) else {
            return;
        };
        let Some(granted) = &mut entry.granted else {
            return;
        };
        if outcome.is_ok() {
            granted.resource_subscriptions.push(uri);
        }
        if let Stage::Watching(open) = &mut entry.stage {
            *open -= 1;
            if *open == 0 {
                let granted = granted.clone();
                self.granted(id, granted);
            }
        }
    }

    fn unwatch(&mut self, uri: String) {
        // Another subscription may want it still: the server knows each resource only once.
        if !self.subscriptions.watches(&uri) && self.closed.is_none() {
            self.send_internal(
                Owner::Nobody,
                Method::Unsubscribe,
                &UnsubscribeParams::new(uri),
            );
        }
    }

    /// The server has forgotten what was subscribed to: tells it again.
    #[cfg(feature = "http")]
    pub(crate) fn watch_again(&mut self) {
        let settled = |entry: &&Entry| matches!(entry.stage, Stage::Watching(0));
        let ids: Vec<_> = self
            .subscriptions
            .list
            .iter()
            .filter(settled)
            .map(|entry| entry.id)
            .collect();
        for id in ids {
            self.open_subscription(id);
        }
    }

    fn send_internal(
        &mut self,
        owner: Owner,
        method: Method,
        params: &dyn mcp_proto::encode::EncodeFields,
    ) {
        let Some(version) = self.version() else {
            return;
        };
        let timing = Timing::new(&CallOptions::default(), &self.config.limits, self.now);
        let id = self
            .calls
            .insert(Call::new(owner, method, timing), timing.deadline(self.now));
        self.write_request(id, params, &CallOptions::default(), version);
    }

    // ── Both ─────────────────────────────────────────────────────────────────────────────────

    fn granted(&mut self, id: SubscriptionId, granted: SubscriptionFilter) {
        let Some(entry) = self.subscriptions.get(id) else {
            return;
        };
        entry.delay = FIRST_DELAY;
        let joining = entry.joining.take();
        let again = joining.is_none();
        entry.granted = Some(granted.clone());
        if entry.follower.is_some() {
            return;
        }
        self.events
            .push_back(Event::Subscribed(id, granted.clone()));
        if again {
            self.events.extend(changes_of(&granted).map(Event::Changed));
        }
        if let Some(joining) = joining {
            self.finish(joining, Ok(Reply::Subscribed(Subscribed { id, granted })));
        }
    }

    /// Whoever waited for a subscription to be granted does not any longer.
    pub(crate) fn left(&mut self, id: SubscriptionId) {
        if let Some(entry) = self.subscriptions.get(id) {
            if entry.joining.take().is_some() {
                self.unsubscribe(id, self.now);
            }
        }
    }

    /// A call of a subscription's own has ended.
    pub(crate) fn internal_done(&mut self, owner: Owner, outcome: Result<Reply, CallError>) {
        match owner {
            Owner::Listen(id) => self.listen_done(id, outcome),
            Owner::Watch(id, uri) => self.watch_done(id, uri, &outcome),
            Owner::User | Owner::Probe | Owner::Handshake | Owner::Nobody => {}
        }
    }

    /// Something has changed; tells it to whoever subscribed.
    pub(crate) fn changed(&mut self, change: Change) {
        if self.subscriptions.want(&change) {
            self.events.push_back(Event::Changed(change));
        }
    }
}

impl Subscription {
    fn filter(&self) -> SubscriptionFilter {
        let mut filter = SubscriptionFilter::default();
        filter.tools_list_changed = self.tools;
        filter.prompts_list_changed = self.prompts;
        filter.resources_list_changed = self.resources;
        filter.resource_subscriptions.clone_from(&self.uris);
        filter
    }
}

/// Errors that will not be different the next time.
fn is_final(error: &RpcError) -> bool {
    matches!(
        error.code,
        codes::METHOD_NOT_FOUND
            | codes::INVALID_PARAMS
            | codes::INVALID_REQUEST
            | codes::MISSING_CLIENT_CAPABILITY
            | codes::UNSUPPORTED_PROTOCOL_VERSION
    )
}
