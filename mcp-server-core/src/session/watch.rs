//! Changes that clients want to be told about, coalesced until they can be sent.

use alloc::{collections::VecDeque, sync::Arc};
use mcp_proto::{
    method::Method,
    types::{ServerCapabilities, SubscriptionFilter},
};

use crate::{call::Change, extension::TopicChange, sorted::Sorted};

/// The kinds of list changes.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lists {
    pub(super) tools: bool,
    pub(super) prompts: bool,
    pub(super) resources: bool,
}

impl Lists {
    /// The lists whose changes are declared to be announced.
    pub(super) fn declared(capabilities: &ServerCapabilities) -> Self {
        Self {
            tools: capabilities
                .tools
                .as_ref()
                .is_some_and(|tools| tools.list_changed),
            prompts: capabilities
                .prompts
                .as_ref()
                .is_some_and(|prompts| prompts.list_changed),
            resources: capabilities
                .resources
                .as_ref()
                .is_some_and(|resources| resources.list_changed),
        }
    }

    /// Those that are also asked for.
    pub(super) fn asked(self, filter: &SubscriptionFilter) -> Self {
        Self {
            tools: self.tools && filter.tools_list_changed,
            prompts: self.prompts && filter.prompts_list_changed,
            resources: self.resources && filter.resources_list_changed,
        }
    }
}

/// What one session or one stream is to be told, and what of that it has not been told yet.
///
/// Changes say no more than that something is different now, so any number of them waits as one.
/// That bounds what a slow reader costs, and nothing is lost by it.
#[derive(Debug, Default)]
pub(super) struct Watch {
    wanted: Lists,
    pending: Lists,
    uris: Sorted<Arc<str>>,
    pending_uris: Sorted<Arc<str>>,
    // By extension and topic.
    topics: Sorted<(Arc<str>, Arc<str>)>,
    pending_topics: VecDeque<Arc<TopicChange>>,
    // Elicitations by page, under the numbers of their requests, oldest first.
    pages: VecDeque<(i64, Arc<str>)>,
    complete: VecDeque<Arc<str>>,
}

/// One notification that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// A list is different.
    List(Method),
    /// The resource at this URI is different.
    Resource(Arc<str>),
    /// A topic of an extension's is different.
    Topic(Arc<TopicChange>),
    /// The elicitation of this id is complete.
    Complete(Arc<str>),
}

impl Watch {
    pub(super) fn new(wanted: Lists) -> Self {
        Self {
            wanted,
            ..Self::default()
        }
    }

    /// Watches a resource as well, if there are fewer than `most` already. Tells whether it does.
    pub(super) fn add(&mut self, uri: &str, most: usize) -> bool {
        if self.uris.contains(uri) {
            return true;
        }
        let fits = self.uris.len() < most;
        if fits {
            self.uris.insert(uri.into());
        }
        fits
    }

    /// No longer watches a resource.
    pub(super) fn remove(&mut self, uri: &str) {
        self.uris.remove(uri);
        self.pending_uris.remove(uri);
    }

    /// Takes note of a change. Tells whether it concerns this watch.
    pub(super) fn note(&mut self, change: &Change) -> bool {
        let (wanted, pending) = match change {
            Change::Tools => (self.wanted.tools, &mut self.pending.tools),
            Change::Prompts => (self.wanted.prompts, &mut self.pending.prompts),
            Change::Resources => (self.wanted.resources, &mut self.pending.resources),
            Change::Resource(uri) => {
                // The very text that the client gave: both revisions compare nothing else.
                // It is kept once, and not with the change as well.
                let wanted = self.uris.get(&**uri);
                if let Some(wanted) = wanted {
                    self.pending_uris.insert(Arc::clone(wanted));
                }
                return wanted.is_some();
            }
            Change::Topic(change) => return self.note_topic(change),
            Change::ElicitationComplete(id) => return self.note_complete(id),
        };
        *pending |= wanted;
        wanted
    }

    fn note_topic(&mut self, change: &Arc<TopicChange>) -> bool {
        let key = (Arc::clone(&change.extension), Arc::clone(&change.topic));
        if !self.topics.contains(&key) {
            return false;
        }
        if change.last {
            self.topics.remove(&key);
        }
        // At most one for each topic, each in the place of the one it outdates.
        let outdated = |old: &&mut Arc<TopicChange>| {
            old.extension == change.extension && old.topic == change.topic
        };
        match self.pending_topics.iter_mut().find(outdated) {
            Some(old) => *old = Arc::clone(change),
            None => self.pending_topics.push_back(Arc::clone(change)),
        }
        true
    }

    // 2025-11-25, client/elicitation: told to the client that was asked, and to no other.
    fn note_complete(&mut self, id: &Arc<str>) -> bool {
        let Some(at) = self.pages.iter().position(|(_, known)| known == id) else {
            return false;
        };
        self.pages.remove(at);
        self.complete.push_back(Arc::clone(id));
        true
    }

    /// Remembers that the client was sent to a page. Of more than `most` the oldest are forgotten.
    pub(super) fn sent_to_page(&mut self, request: i64, id: Arc<str>, most: usize) {
        while self.pages.len() + self.complete.len() >= most.max(1) {
            if self.pages.pop_front().is_none() {
                return;
            }
        }
        self.pages.push_back((request, id));
    }

    /// Forgets a page that the client does not go to.
    pub(super) fn forget_page(&mut self, request: i64) {
        self.pages.retain(|(known, _)| *known != request);
    }

    /// Follows a topic as well, if there are fewer than `most` already. Tells whether it does.
    pub(super) fn follow(&mut self, extension: &Arc<str>, topic: Arc<str>, most: usize) -> bool {
        // What is over still counts while it has not been told.
        let fits = self.topics.len() + self.pending_topics.len() < most;
        let key = (Arc::clone(extension), topic);
        if fits {
            self.topics.insert(key);
            return true;
        }
        self.topics.contains(&key)
    }

    /// What it is about, beside lists and pages.
    #[cfg(feature = "http")]
    pub(super) fn things(&self) -> impl Iterator<Item = crate::interest::Thing> {
        use crate::interest::Thing;
        let uris = self.uris.iter().cloned().map(Thing::Resource);
        let topics = self.topics.iter().map(|(_, topic)| Arc::clone(topic));
        uris.chain(topics.map(Thing::Topic))
    }

    /// Whether any notification is due.
    pub(super) fn is_due(&self) -> bool {
        self.pending != Lists::default()
            || !self.pending_uris.is_empty()
            || !self.pending_topics.is_empty()
            || !self.complete.is_empty()
    }

    /// The next notification that is due.
    pub(super) fn next_due(&mut self) -> Option<Due> {
        let lists = [
            (&mut self.pending.tools, Method::ToolsChanged),
            (&mut self.pending.prompts, Method::PromptsChanged),
            (&mut self.pending.resources, Method::ResourcesChanged),
        ];
        for (pending, method) in lists {
            if core::mem::take(pending) {
                return Some(Due::List(method));
            }
        }
        let resource = self.pending_uris.pop_first().map(Due::Resource);
        resource
            .or_else(|| self.complete.pop_front().map(Due::Complete))
            .or_else(|| self.pending_topics.pop_front().map(Due::Topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn any_number_of_changes_waits_as_one() {
        let mut watch = Watch::new(Lists {
            tools: true,
            prompts: false,
            resources: true,
        });
        assert!(
            watch.add("file:///b", 2) && watch.add("file:///a", 2) && watch.add("file:///b", 2)
        );
        assert!(!watch.add("file:///c", 2), "the third of two");
        for _ in 0..1000 {
            assert!(watch.note(&Change::Resources) && watch.note(&Change::Tools));
            assert!(watch.note(&Change::Resource("file:///b".into())));
            assert!(watch.note(&Change::Resource("file:///a".into())));
            assert!(
                !watch.note(&Change::Prompts) && !watch.note(&Change::Resource("file:///c".into()))
            );
        }
        let due: Vec<_> = core::iter::from_fn(|| watch.next_due()).collect();
        let expected = [
            Due::List(Method::ToolsChanged),
            Due::List(Method::ResourcesChanged),
            Due::Resource("file:///a".into()),
            Due::Resource("file:///b".into()),
        ];
        assert_eq!(due, expected);
        watch.note(&Change::Resource("file:///a".into()));
        watch.remove("file:///a");
        assert_eq!(watch.next_due(), None);
    }

    #[test]
    fn a_uri_is_kept_once_while_its_change_waits() {
        let mut watch = Watch::default();
        assert!(watch.add("file:///a", 1));
        let changed: Arc<str> = "file:///a".into();
        assert!(watch.note(&Change::Resource(Arc::clone(&changed))));
        assert_eq!(Arc::strong_count(&changed), 1);
        assert_eq!(watch.next_due(), Some(Due::Resource(changed)));
    }

    #[test]
    fn a_topic_that_is_over_makes_room_once_that_is_told() {
        let mut watch = Watch::default();
        let extension: Arc<str> = "com.example/x".into();
        let follow = |watch: &mut Watch, topic: &str| watch.follow(&extension, topic.into(), 2);
        assert!(follow(&mut watch, "a") && follow(&mut watch, "b") && follow(&mut watch, "a"));
        assert!(!follow(&mut watch, "c"), "the third of two");
        let mut last = TopicChange::new("com.example/x", "a");
        last.last = true;
        assert!(watch.note(&Change::Topic(last.into())));
        assert!(
            !follow(&mut watch, "c"),
            "one is followed, one is to be told"
        );
        assert!(follow(&mut watch, "b"), "it is followed already");
        assert!(matches!(watch.next_due(), Some(Due::Topic(_))));
        assert!(follow(&mut watch, "c"));
    }

    #[test]
    fn a_page_that_is_done_with_takes_room_until_that_is_told() {
        let mut watch = Watch::default();
        for (at, id) in ["a", "b"].into_iter().enumerate() {
            watch.sent_to_page(at as i64, id.into(), 2);
        }
        let complete = |id: &str| Change::ElicitationComplete(id.into());
        assert!(watch.note(&complete("a")));
        watch.sent_to_page(2, "c".into(), 2);
        assert!(!watch.note(&complete("b")), "the older one is forgotten");
        assert!(watch.note(&complete("c")));
        watch.sent_to_page(3, "d".into(), 2);
        assert!(!watch.note(&complete("d")), "two are to be told of");
    }

    #[test]
    fn each_kind_of_change_is_due_by_itself() {
        let watching = || {
            let mut watch = Watch::new(Lists {
                tools: true,
                prompts: true,
                resources: true,
            });
            assert!(watch.add("file:///a", 1));
            assert!(watch.follow(&"com.example/x".into(), "a".into(), 1));
            watch.sent_to_page(1, "page".into(), 1);
            watch
        };
        assert!(!watching().is_due());
        for change in [
            Change::Tools,
            Change::Prompts,
            Change::Resources,
            Change::Resource("file:///a".into()),
            Change::Topic(TopicChange::new("com.example/x", "a").into()),
            Change::ElicitationComplete("page".into()),
        ] {
            let mut watch = watching();
            assert!(watch.note(&change) && watch.is_due(), "{change:?}");
            assert!(watch.next_due().is_some() && !watch.is_due(), "{change:?}");
        }
    }
}
