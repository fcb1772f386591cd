//! Changes that several processes share.

use alloc::{
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mcp_proto::{json::Json, types::Map};
use serde::{Deserialize, Serialize};

use crate::{
    call::Change,
    extension::{TopicChange, TopicNotice},
};

/// Takes a change in. Tells whether it is still interested.
pub type Deliver = Arc<dyn Fn(&Change) -> bool + Send + Sync>;

/// Carries changes from one server to all others that serve the same clients, in this process or
/// another: Redis, NATS, a database's notifications, a pipe.
///
/// A client listens to one of them, and is to hear of what happens at any. What gets lost on the way
/// is not repaired: a change says no more than that something is different, and clients look again
/// from time to time. [`Change::to_json`] and [`Change::from_json`] write it down.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use mcp_server_core::{Change, Deliver, EventBus, Server};
///
/// /// Something that carries texts to other processes and back: a client of Redis, say.
/// trait Channel: Send + Sync + std::fmt::Debug {
///     fn send(&self, text: &str);
///     fn on_text(&self, call: Box<dyn Fn(&str) + Send>);
/// }
///
/// #[derive(Debug)]
/// struct SharedChanges<C>(C);
///
/// impl<C: Channel> EventBus for SharedChanges<C> {
///     fn subscribe(&self, deliver: Deliver) -> u64 {
///         self.0.on_text(Box::new(move |text| {
///             // What cannot be read is of another version, or nobody's.
///             if let Some(change) = Change::from_json(text) {
///                 deliver(&change);
///             }
///         }));
///         0 // one server on it in this process, so that nobody need be told apart
///     }
///
///     fn publish(&self, _from: u64, change: &Change) {
///         self.0.send(&change.to_json());
///     }
/// }
///
/// # #[derive(Debug, Default)]
/// # struct Wire(Mutex<Vec<String>>);
/// # impl Channel for Wire {
/// #     fn send(&self, text: &str) { self.0.lock().unwrap().push(text.into()); }
/// #     fn on_text(&self, _: Box<dyn Fn(&str) + Send>) {}
/// # }
/// let bus = Arc::new(SharedChanges(Wire::default()));
/// let server = Server::builder("demo", "1.0.0").event_bus(bus.clone()).build().unwrap();
/// server.handle().resource_updated("file:///a");
/// # assert_eq!(bus.0.0.lock().unwrap()[0], r#"{"change":"resource","uri":"file:///a"}"#);
/// ```
///
/// If the channel gives a process its own texts back, no harm is done: its clients are told of a
/// change twice at worst. A change is told to clients of this process before `publish` is called,
/// whatever becomes of the bus. The example `several_processes` of `bind-blocking` is a whole program.
pub trait EventBus: Send + Sync + fmt::Debug {
    /// Has `deliver` called with every change that anybody else publishes, until it answers
    /// `false`. Gives the subscriber a number.
    fn subscribe(&self, deliver: Deliver) -> u64;

    /// Passes a change on to everybody but the subscriber that it is from. Must not block for long:
    /// it is called where the change is made.
    fn publish(&self, from: u64, change: &Change);
}

/// A bus within one process: several servers that serve the same clients.
#[derive(Default)]
pub struct LocalBus {
    state: Mutex<Subscribers>,
}

#[derive(Default)]
struct Subscribers {
    known: Vec<(u64, Deliver)>,
    last: u64,
}

impl LocalBus {
    /// A bus that nobody is on.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Subscribers> {
        // Consistent even after a panic: nothing below runs foreign code while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LocalBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalBus").finish_non_exhaustive()
    }
}

impl EventBus for LocalBus {
    fn subscribe(&self, deliver: Deliver) -> u64 {
        let mut subscribers = self.lock();
        subscribers.last += 1;
        let number = subscribers.last;
        subscribers.known.push((number, deliver));
        number
    }

    fn publish(&self, from: u64, change: &Change) {
        let others: Vec<(u64, Deliver)> = self
            .lock()
            .known
            .iter()
            .filter(|(number, _)| *number != from)
            .cloned()
            .collect();
        for (number, deliver) in others {
            if !deliver(change) {
                self.lock().known.retain(|(known, _)| *known != number);
            }
        }
    }
}

// ── written down ────────────────────────────────────────────────────────────────────────────────

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "change")]
enum Written {
    Tools,
    Prompts,
    Resources,
    Resource {
        uri: String,
    },
    ElicitationComplete {
        id: String,
    },
    Topic {
        extension: String,
        topic: String,
        subject: Option<String>,
        stateless: Option<WrittenNotice>,
        handshake: Option<WrittenNotice>,
        last: bool,
    },
}

#[derive(Serialize, Deserialize)]
struct WrittenNotice {
    method: String,
    // As text: what is within is nobody's business on the way.
    params: String,
}

impl Change {
    /// As text for an [`EventBus`] between processes.
    #[must_use]
    pub fn to_json(&self) -> String {
        let notice = |notice: &TopicNotice| WrittenNotice {
            method: notice.method.to_string(),
            params: Json::new(&notice.params).map_or_else(|_| "{}".into(), Json::into_string),
        };
        let written = match self {
            Self::Tools => Written::Tools,
            Self::Prompts => Written::Prompts,
            Self::Resources => Written::Resources,
            Self::Resource(uri) => Written::Resource {
                uri: uri.to_string(),
            },
            Self::ElicitationComplete(id) => Written::ElicitationComplete { id: id.to_string() },
            Self::Topic(change) => Written::Topic {
                extension: change.extension.to_string(),
                topic: change.topic.to_string(),
                subject: change.subject.as_deref().map(String::from),
                stateless: change.stateless.as_ref().map(notice),
                handshake: change.handshake.as_ref().map(notice),
                last: change.last,
            },
        };
        // Strings and flags can always be written.
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// Reads what [`to_json`](Self::to_json) has written; `None` for anything else.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        let notice = |written: WrittenNotice| {
            let params = Json::parse(written.params).ok()?;
            params.to::<Map<Json>>().ok()?;
            Some(TopicNotice::new(written.method, &params))
        };
        Some(match serde_json::from_str(text).ok()? {
            Written::Tools => Self::Tools,
            Written::Prompts => Self::Prompts,
            Written::Resources => Self::Resources,
            Written::Resource { uri } => Self::Resource(uri.into()),
            Written::ElicitationComplete { id } => Self::ElicitationComplete(id.into()),
            Written::Topic {
                extension,
                topic,
                subject,
                stateless,
                handshake,
                last,
            } => {
                let mut change = TopicChange::new(extension, topic);
                change.subject = subject.map(Arc::from);
                change.stateless = stateless.and_then(notice);
                change.handshake = handshake.and_then(notice);
                change.last = last;
                change.into()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Server, Watch};

    fn watched(bus: &Arc<LocalBus>) -> (Server, Watch) {
        let bus = Arc::clone(bus) as Arc<dyn EventBus>;
        let server = Server::builder("t", "1").event_bus(bus).build().unwrap();
        let watch = server.watch(Arc::new(|| {}));
        (server, watch)
    }

    fn topic() -> Change {
        let mut change = TopicChange::new("com.example/x", "a");
        change.subject = Some("ann".into());
        let params = Json::parse(r#"{"b":[1,"é"]}"#).unwrap();
        change.stateless = Some(TopicNotice::new("notifications/x", &params));
        change.last = true;
        change.into()
    }

    #[test]
    fn what_changes_at_one_server_is_told_by_all_of_them_once() {
        let bus = Arc::new(LocalBus::new());
        let ((one, own), (_two, other)) = (watched(&bus), watched(&bus));
        let changes = [Change::Tools, Change::Resource("file:///a".into()), topic()];
        for change in &changes {
            one.handle().changed(change.clone());
        }
        for watch in [&own, &other] {
            assert_eq!(watch.take().unwrap().changes, changes);
            assert!(watch.take().is_none(), "and not again");
        }
    }

    #[test]
    fn a_server_that_is_gone_is_forgotten() {
        let bus = Arc::new(LocalBus::new());
        let (one, _own) = watched(&bus);
        let (two, other) = watched(&bus);
        drop((two, other));
        one.handle().changed(Change::Tools);
        assert_eq!(bus.lock().known.len(), 1);
    }

    #[test]
    fn a_change_is_the_same_after_it_was_written_down() {
        for change in [
            Change::Tools,
            Change::Prompts,
            Change::Resources,
            Change::Resource("file:///\"".into()),
            Change::ElicitationComplete("é-1".into()),
            topic(),
        ] {
            assert_eq!(Change::from_json(&change.to_json()), Some(change));
        }
        for wrong in [
            "",
            "{}",
            r#"{"change":"nothing"}"#,
            r#"{"change":"resource"}"#,
        ] {
            assert_eq!(Change::from_json(wrong), None);
        }
    }
}
