//! What clients over HTTP keep of results, and until when they may show it.
//!
//! There are versions of two things: of a resource, and of the list of tools. Each result says which
//! one it shows, and the resource's for whom it was made.

use std::time::Duration;

use mcp_proto::{
    time::Instant,
    types::{CacheHints, CacheScope, ReadResourceResult, ResourceContents},
};
use mcp_server_core::Outcome;
use serde_json::Value;

/// The resource of which there are versions.
pub(crate) const URI: &str = "kept:///it";

/// The tool whose description is the version of the list.
pub(crate) const COUNTER: &str = "quick";

/// What there are versions of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    Resource,
    Tools,
}

impl Thing {
    pub(crate) const ALL: [Self; 2] = [Self::Resource, Self::Tools];

    /// What a request asks for.
    pub(crate) fn of_request(text: &str) -> Option<Self> {
        if text.contains("\"method\":\"tools/list\"") {
            Some(Self::Tools)
        } else if text.contains("\"method\":\"resources/read\"") && text.contains(URI) {
            Some(Self::Resource)
        } else {
            None
        }
    }

    /// What a notification says has changed.
    pub(crate) fn of_change(text: &str) -> Option<Self> {
        if text.contains("\"method\":\"notifications/tools/list_changed\"") {
            Some(Self::Tools)
        } else if text.contains("\"method\":\"notifications/resources/updated\"")
            && text.contains(URI)
        {
            Some(Self::Resource)
        } else {
            None
        }
    }
}

/// The numbers of versions, by [`Thing`].
pub(crate) type Versions = [u32; 2];

/// All versions there were, and how long a result may be kept.
#[derive(Debug)]
pub(crate) struct History {
    /// Since when each version has been the newest.
    since: [Vec<Instant>; 2],
    hints: CacheHints,
}

impl History {
    pub(crate) fn new(kind: u8, now: Instant) -> Self {
        let ttl = [2_000, 20_000][usize::from(kind % 2)];
        let scope = match kind / 2 % 2 {
            0 => CacheScope::Private,
            _ => CacheScope::Public,
        };
        Self {
            since: [vec![now], vec![now]],
            hints: CacheHints::new(ttl, scope),
        }
    }

    pub(crate) fn hints(&self) -> CacheHints {
        self.hints
    }

    /// There is a new version.
    pub(crate) fn change(&mut self, thing: Thing, now: Instant) {
        self.since[thing as usize].push(now);
    }

    pub(crate) fn newest(&self) -> Versions {
        let number = |thing: Thing| self.since[thing as usize].len() - 1;
        Thing::ALL.map(|thing| u32::try_from(number(thing)).expect("a scenario is short"))
    }

    /// What a handler answers that is asked for the resource by this subject.
    pub(crate) fn outcome(&self, subject: Option<&str>) -> Outcome {
        let [version, _] = self.newest();
        let text = format!("{version} {}", subject.unwrap_or_default());
        let mut result = ReadResourceResult::new(vec![ResourceContents::text(URI, text)]);
        result.cache = self.hints;
        Outcome::Resource(result)
    }

    /// Whether this version was the newest at some moment since then.
    fn was(&self, thing: Thing, version: u32, then: Instant) -> bool {
        let since = &self.since[thing as usize];
        let next = since.get(version as usize + 1);
        since.len() > version as usize && next.is_none_or(|next| *next >= then)
    }
}

/// A result that has arrived, whatever became of the call that asked for it: one that lists in pages
/// may fail for the next page, and the first one is kept.
#[derive(Clone, Debug, PartialEq)]
struct Received {
    thing: Thing,
    /// The version, and for whom it was made.
    shows: String,
    at: Instant,
}

impl Received {
    fn of(text: &str, at: Instant) -> Option<Self> {
        // Few messages are read twice.
        if !text.contains("\"tools\":[") && !text.contains("\"contents\":[") {
            return None;
        }
        let message: Value = serde_json::from_str(text).ok()?;
        let result = &message["result"];
        let named = |list: &Value, key: &str, name: &str| {
            let mut all = list.as_array()?.iter();
            all.find(|one| one[key] == name).cloned()
        };
        let (thing, shows) = match named(&result["tools"], "name", COUNTER) {
            Some(tool) => (Thing::Tools, tool["description"].clone()),
            None => {
                let resource = named(&result["contents"], "uri", URI)?;
                (Thing::Resource, resource["text"].clone())
            }
        };
        let shows = shows.as_str()?.to_owned();
        Some(Self { thing, shows, at })
    }
}

/// What a call for one of the things began with.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Before {
    asked: Versions,
    told: Versions,
    /// How many subjects it had acted for before this one.
    subject: usize,
}

/// What one client may have kept.
#[derive(Debug)]
pub(crate) struct Memory {
    /// Over streams nothing is kept.
    keeps: bool,
    /// How many requests for each thing have left.
    asked: Versions,
    received: Vec<Received>,
    /// The newest version that a notification was about which has arrived.
    pub(crate) arrived: Versions,
    /// The newest version whose notification the program was told.
    told: Versions,
    /// On whose behalf it has asked, the last one at the end.
    subjects: Vec<String>,
    /// Headers were taken away from it, and it asks of its own accord.
    pub(crate) blind: bool,
}

impl Memory {
    pub(crate) fn new(keeps: bool) -> Self {
        Self {
            keeps,
            asked: [0; 2],
            received: Vec::new(),
            arrived: [0; 2],
            told: [0; 2],
            subjects: Vec::new(),
            blind: false,
        }
    }

    pub(crate) fn before(&self) -> Before {
        Before {
            asked: self.asked,
            told: self.told,
            subject: self.subjects.len().saturating_sub(1),
        }
    }

    /// From now on it asks on this one's behalf.
    pub(crate) fn acts_for(&mut self, subject: String) {
        self.subjects.push(subject);
    }

    /// A request leaves.
    pub(crate) fn asks(&mut self, text: &str) {
        if let Some(thing) = Thing::of_request(text) {
            self.asked[thing as usize] += 1;
        }
    }

    /// A message arrives.
    pub(crate) fn receives(&mut self, text: &str, now: Instant) {
        self.received.extend(Received::of(text, now));
    }

    /// The program was told of a change.
    pub(crate) fn hears(&mut self, thing: Thing) {
        let newest = self.arrived[thing as usize];
        let told = &mut self.told[thing as usize];
        *told = newest.max(*told);
    }

    /// Judges a result that a call has come to which was made then. Tells whether it was kept.
    pub(crate) fn judge(
        &mut self,
        thing: Thing,
        text: &str,
        (made, before): (Instant, Before),
        history: &History,
    ) -> bool {
        if self.blind {
            return false;
        }
        let (version, whose) = text.split_once(' ').unwrap_or((text, ""));
        let version = version.parse().expect("a version's number");
        let at = thing as usize;
        // Otherwise it cannot but be what was kept.
        let asked = !self.keeps || self.asked[at] > before.asked[at];
        let is_new = asked && history.was(thing, version, made);
        let ttl = Duration::from_millis(history.hints.ttl_ms);
        let is_fresh = |known: &Received| {
            (known.thing, &*known.shows) == (thing, text) && known.at.saturating_add(ttl) > made
        };
        assert!(
            is_new || self.received.iter().any(is_fresh),
            "C1: {thing:?} {text} is older than it may be: {:?}",
            self.received
        );
        assert!(
            version >= before.told[at],
            "C2: {thing:?} {text}, but it was told of version {}",
            before.told[at]
        );
        if thing == Thing::Resource && history.hints.scope == CacheScope::Private {
            // It may have been asked for on behalf of whoever came after the call was made.
            let since = &self.subjects[before.subject.min(self.subjects.len())..];
            let known = since.iter().any(|subject| subject == whose);
            assert!(
                known || (since.is_empty() && whose.is_empty()),
                "C3: what was made for {whose} is shown to {since:?}"
            );
        }
        !asked
    }
}
