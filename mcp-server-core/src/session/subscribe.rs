//! `server/discover` and `subscriptions/listen` (2026-07-28), and what both eras are told of
//! changes.

use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::mem;
use mcp_proto::{
    encode::{Encode, EncodeFields, Object},
    meta::keys,
    method::Method,
    rpc::{self, Member, Params, RequestId, RpcError, codes},
    time::Instant,
    types::{DiscoverResult, SubscriptionFilter},
    version::ProtocolVersion,
};

use super::{
    Session,
    offers::Offers,
    open::{Address, Request, State, mark},
    outbox::{Sent, SentKind},
    watch::{Due, Lists, Watch},
};
use crate::{
    call::{Change, Peer},
    extension::TopicChange,
};

impl Session {
    pub(super) fn discover(
        &mut self,
        address: &Address,
        version: ProtocolVersion,
        offers: &dyn Offers,
    ) {
        // 2026-07-28, server/discover: every revision that is served, those with a handshake too.
        let mut result = DiscoverResult::new(ProtocolVersion::ALL, offers.capabilities(version));
        result.instructions = offers.instructions().map(ToString::to_string);
        result.cache = offers.list_cache();
        self.answer_result(address, version, offers, &result);
    }

    /// Opens a stream, which stays open until the client cancels the request.
    pub(super) fn listen(
        &mut self,
        address: &Address,
        params: &Params<'_>,
        peer: Arc<Peer>,
        offers: &dyn Offers,
    ) -> Result<(), RpcError> {
        let version = peer.version;
        params.object(Member::Notifications)?;
        let filter: SubscriptionFilter = params.read_from(Member::Notifications)?;
        let most = self.limits.listens;
        if self.listens.len() >= most {
            let message = format!("no more than {most} subscription streams can be open");
            return Err(RpcError::new(codes::BUSY, message));
        }
        let declared = offers.capabilities(version);
        let lists = Lists::declared(&declared).asked(&filter);
        let watches = declared
            .resources
            .is_some_and(|resources| resources.subscribe);
        let uris = if watches {
            filter.resource_subscriptions
        } else {
            Vec::new()
        };
        let mut watch = self.watch_of(lists, &uris)?;
        let topics = self.follow_topics(&mut watch, params, &peer, offers)?;
        // The acknowledgement is written before anything else can be (2026-07-28, basic/patterns/
        // subscriptions: it MUST be the first message of its subscription).
        self.acknowledge(address, lists, uris, &topics);
        let request = Request {
            address: address.clone(),
            peer,
            state: State::Listening(watch.into()),
        };
        let call = self.open.insert(request, Instant::MAX);
        self.ids.insert(mark(&address.id), call);
        self.listens.push(call);
        Ok(())
    }

    fn watch_of(&self, lists: Lists, uris: &[String]) -> Result<Watch, RpcError> {
        let (most, longest) = (self.limits.subscribed_uris, self.limits.name_bytes);
        let mut watch = Watch::new(lists);
        for uri in uris {
            if uri.len() > longest {
                let problem = format!("holds a URI longer than {longest} bytes");
                return Err(RpcError::invalid_params(format!(
                    "params.notifications.resourceSubscriptions {problem}"
                )));
            }
            if !watch.add(uri, most) {
                let message = format!("no more than {most} resources can be subscribed to at once");
                return Err(RpcError::new(codes::BUSY, message));
            }
        }
        Ok(watch)
    }

    /// What is asked for of the extensions that the client declares. Whether a topic exists, and
    /// whose it is, shows in what is sent and not here: nobody learns of topics that are not theirs.
    fn follow_topics<'a>(
        &self,
        watch: &mut Watch,
        params: &Params<'_>,
        peer: &'a Peer,
        offers: &'a dyn Offers,
    ) -> Result<Followed<'a>, RpcError> {
        let (most, longest) = (self.limits.subscribed_topics, self.limits.name_bytes);
        let mut followed = Vec::new();
        let index = offers.extensions();
        if index.is_empty() {
            return Ok(followed);
        }
        let Some(asked) = params.get(Member::Notifications) else {
            return Ok(followed);
        };
        for (field, extension) in index.topics(&peer.capabilities) {
            let Some((_, topics)) = asked.members().find(|(name, _)| name == field) else {
                continue;
            };
            let wrong = |problem: &dyn core::fmt::Display| {
                RpcError::invalid_params(format!("params.notifications.{field} {problem}"))
            };
            let topics: Vec<Arc<str>> = topics
                .read::<Vec<String>>()
                .map_err(|_| wrong(&"must be a list of strings"))?
                .into_iter()
                .map(Arc::from)
                .collect();
            for topic in &topics {
                if topic.len() > longest {
                    let problem = format!("holds something longer than {longest} bytes");
                    return Err(wrong(&problem));
                }
                if !watch.follow(extension, Arc::clone(topic), most) {
                    let message = format!("no more than {most} topics can be followed at once");
                    return Err(RpcError::new(codes::BUSY, message));
                }
            }
            followed.push((field, topics));
        }
        Ok(followed)
    }

    /// Tells what the stream will carry: what was asked for, as far as it is declared.
    fn acknowledge(
        &mut self,
        address: &Address,
        lists: Lists,
        uris: Vec<String>,
        topics: &[(&str, Vec<Arc<str>>)],
    ) {
        let mut granted = SubscriptionFilter::default();
        granted.tools_list_changed = lists.tools;
        granted.prompts_list_changed = lists.prompts;
        granted.resources_list_changed = lists.resources;
        granted.resource_subscriptions = uris;
        self.notify(Some(address.origin), |out| {
            rpc::write_notification(out, Method::Acknowledged.name(), |out| {
                let mut params = Object::new(out, ProtocolVersion::LATEST);
                params.field("notifications", &Granted(&granted, topics));
                write_subscription_id(&mut params, &address.id);
                params.end();
            });
        });
    }

    /// Ends every stream with its result (2026-07-28, basic/patterns/subscriptions: the graceful
    /// end).
    pub(super) fn end_listens(&mut self) {
        for call in mem::take(&mut self.listens) {
            self.ids.remove(call);
            let Some(Request { address, .. }) = self.open.remove(call) else {
                continue;
            };
            self.answer(&address, None, |out| {
                rpc::write_result(out, &address.id, |out| {
                    let mut result = Object::new(out, ProtocolVersion::LATEST);
                    result.field("resultType", "complete");
                    write_subscription_id(&mut result, &address.id);
                    result.end();
                });
            });
        }
    }

    /// What its streams are about, beside lists.
    #[cfg(feature = "http")]
    pub(crate) fn interest(&self) -> crate::interest::Interest {
        let watches = self
            .listens
            .iter()
            .filter_map(|call| match &self.open.get(*call)?.state {
                State::Listening(watch) => Some(watch),
                _ => None,
            });
        crate::interest::Interest {
            things: watches.flat_map(|watch| watch.things()).collect(),
        }
    }

    /// Whether something that has changed is to be told.
    #[cfg(feature = "http")]
    pub(crate) fn has_news(&self) -> bool {
        self.due
    }

    pub(super) fn note_change(&mut self, change: &Change) {
        let (mut to_session, mut to_streams) = (true, true);
        if let Change::Topic(topic) = change {
            if topic.subject != self.subject {
                return;
            }
            (to_session, to_streams) = (topic.handshake.is_some(), topic.stateless.is_some());
        }
        if let Some(opened) = self.handshake.as_mut().filter(|_| to_session) {
            self.due |= opened.watch.note(change) && opened.ready;
        }
        for call in self.listens.iter().filter(|_| to_streams) {
            if let Some(Request {
                state: State::Listening(watch),
                ..
            }) = self.open.get_mut(*call)
            {
                self.due |= watch.note(change);
            }
        }
    }

    /// Writes what is due, until the outbox is crowded: the rest stays due.
    pub(super) fn announce(&mut self) {
        if !self.due {
            return;
        }
        self.release_reports();
        let now = self.now;
        let out = &mut self.out;
        if let Some(opened) = self.handshake.as_deref_mut().filter(|opened| opened.ready) {
            let version = opened.version();
            while !out.is_crowded() {
                let Some(due) = opened.watch.next_due() else {
                    break;
                };
                let sent = Sent {
                    origin: None,
                    kind: SentKind::Notice,
                };
                out.put(sent, now, |out| write_due(out, version, &due, None));
            }
        }
        for call in &self.listens {
            let Some(Request {
                address,
                state: State::Listening(watch),
                ..
            }) = self.open.get_mut(*call)
            else {
                continue;
            };
            while !out.is_crowded() {
                let Some(due) = watch.next_due() else { break };
                let sent = Sent {
                    origin: Some(address.origin),
                    kind: SentKind::Notice,
                };
                out.put(sent, now, |out| {
                    write_due(out, ProtocolVersion::LATEST, &due, Some(&address.id));
                });
            }
        }
        self.due = self.is_due();
    }

    fn is_due(&self) -> bool {
        let session = self
            .handshake
            .as_ref()
            .is_some_and(|opened| opened.ready && opened.watch.is_due());
        let is_due = |request: &Request| match &request.state {
            State::Listening(watch) => watch.is_due(),
            State::Running(running) => running.holds_report(),
            _ => false,
        };
        session || self.open.iter().any(|(_, request)| is_due(request))
    }
}

/// The members of a subscription that extensions have added, with the topics in each.
type Followed<'a> = Vec<(&'a str, Vec<Arc<str>>)>;

/// What a subscription is granted, with the members that extensions have added.
struct Granted<'a>(&'a SubscriptionFilter, &'a [(&'a str, Vec<Arc<str>>)]);

impl Encode for Granted<'_> {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        let mut object = Object::new(out, version);
        self.0.encode_fields(&mut object);
        for (field, topics) in self.1 {
            object.field(field, topics);
        }
        object.end();
    }
}

fn write_due(out: &mut Vec<u8>, version: ProtocolVersion, due: &Due, stream: Option<&RequestId>) {
    let (method, said) = match due {
        Due::List(method) => (*method, None),
        Due::Resource(uri) => (Method::ResourceUpdated, Some(("uri", uri))),
        Due::Complete(id) => (Method::ElicitComplete, Some(("elicitationId", id))),
        Due::Topic(change) => return write_topic(out, version, change, stream),
    };
    rpc::write_notification(out, method.name(), |out| {
        if said.is_none() && stream.is_none() {
            return;
        }
        let mut params = Object::new(out, version);
        if let Some((name, value)) = said {
            params.field(name, value);
        }
        if let Some(id) = stream {
            write_subscription_id(&mut params, id);
        }
        params.end();
    });
}

fn write_topic(
    out: &mut Vec<u8>,
    version: ProtocolVersion,
    change: &TopicChange,
    stream: Option<&RequestId>,
) {
    let notice = match stream {
        Some(_) => &change.stateless,
        None => &change.handshake,
    };
    // One that has nothing for this era is never noted down for it.
    let Some(notice) = notice else { return };
    rpc::write_notification(out, &notice.method, |out| {
        let mut params = Object::new(out, version);
        for (key, value) in notice.params.iter().filter(|(key, _)| *key != "_meta") {
            params.field(key, value);
        }
        match (stream, notice.params.get("_meta")) {
            (Some(id), _) => write_subscription_id(&mut params, id),
            (None, Some(meta)) => params.field("_meta", meta),
            (None, None) => {}
        }
        params.end();
    });
}

// 2026-07-28, basic/patterns/subscriptions: every message of a stream carries the id of the request
// that opened it, of the same JSON type.
fn write_subscription_id(object: &mut Object<'_>, id: &RequestId) {
    let (out, version) = object.key("_meta");
    let mut meta = Object::new(out, version);
    id.write_to(meta.key(keys::SUBSCRIPTION_ID).0);
    meta.end();
}
