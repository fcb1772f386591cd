//! Results that may be used again (2026-07-28, server/utilities/caching).

use alloc::{borrow::Cow, boxed::Box, collections::BTreeMap, string::String};
use core::time::Duration;

use mcp_proto::{
    json::Json,
    limits::Limits,
    method::Method,
    rpc::{Member, Params},
    time::Instant,
    types::Map,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::Change;

/// What a result was asked with: the method, and all parameters that can make a difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    method: Method,
    params: Box<str>,
}

impl Key {
    /// The key of a request; `None` where its result must not be kept.
    ///
    /// What the protocol itself says in `_meta` is the same in all requests of a client, or of no
    /// consequence, such as a trace's id. What others say there may be of any.
    pub(super) fn of(method: Method, params: &Params<'_>) -> Option<Self> {
        if !method.info().cacheable {
            return None;
        }
        params.check().ok()?;
        if params.meta().ok()?.is_some_and(|meta| meta.has_others()) {
            return None;
        }
        let mut members: Map<Json> = match params.raw() {
            Some(params) => params.to().ok()?,
            None => Map::new(),
        };
        members.remove(Member::Meta.name());
        let params = Json::new(&members).ok()?.into_string().into();
        Some(Self { method, params })
    }

    // The resource that was read.
    fn uri(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Read {
            uri: String,
        }
        serde_json::from_str::<Read>(&self.params)
            .ok()
            .map(|read| read.uri)
    }
}

#[derive(Debug)]
struct Entry {
    result: Box<str>,
    fresh_until: Instant,
    private: bool,
    // Grows from one entry to the next.
    age: u64,
}

/// The results of one server, for one authorization at a time.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: BTreeMap<Key, Entry>,
    bytes: usize,
    ages: u64,
    epoch: u64,
}

/// What a result says about its keeping.
#[derive(Deserialize)]
struct Hints<'a> {
    #[serde(rename = "ttlMs", borrow)]
    ttl: Option<&'a RawValue>,
    #[serde(rename = "cacheScope", borrow)]
    scope: Option<Cow<'a, str>>,
    #[serde(rename = "resultType", borrow)]
    kind: Option<Cow<'a, str>>,
}

impl Cache {
    /// Changes with everything that makes results stale: what was asked for before is not kept.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// A result that is still fresh.
    pub(super) fn get(&self, key: &Key, now: Instant) -> Option<&str> {
        let entry = self.entries.get(key)?;
        (now < entry.fresh_until).then_some(&*entry.result)
    }

    /// Keeps a complete result for as long as it says.
    pub(super) fn put(&mut self, key: &Key, result: &str, limits: &Limits, now: Instant) {
        self.remove(key);
        let Some((time, private)) = hints(result) else {
            return;
        };
        let size = key.params.len() + result.len();
        if size > limits.cache_bytes {
            return;
        }
        self.retain(|_, entry| now < entry.fresh_until);
        while self.bytes + size > limits.cache_bytes || self.entries.len() >= limits.cache_entries {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.age);
            // None is left where not even one may be kept.
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            self.remove(&oldest);
        }
        self.ages += 1;
        self.bytes += size;
        let entry = Entry {
            result: result.into(),
            fresh_until: now.saturating_add(time),
            private,
            age: self.ages,
        };
        self.entries.insert(key.clone(), entry);
    }

    /// Something has changed, so that what was kept of it is stale at once ("Interaction with
    /// Notifications").
    pub(super) fn changed(&mut self, change: &Change) {
        self.epoch += 1;
        match change {
            Change::Tools => self.forget(&[Method::ListTools]),
            Change::Prompts => self.forget(&[Method::ListPrompts]),
            // A resource that is no longer listed may well be gone.
            Change::Resources => self.forget(&[
                Method::ListResources,
                Method::ListResourceTemplates,
                Method::ReadResource,
            ]),
            // What has changed may be a part of what was read, or the other way round.
            Change::Resource(changed) => self.retain(|key, _| {
                key.method != Method::ReadResource
                    || key.uri().is_some_and(|uri| {
                        !uri.starts_with(&**changed) && !changed.starts_with(&*uri)
                    })
            }),
        }
    }

    /// Drops everything that these methods gave.
    pub(super) fn forget(&mut self, methods: &[Method]) {
        self.epoch += 1;
        self.retain(|key, _| !methods.contains(&key.method));
    }

    /// Drops what the next authorization must not see.
    pub(super) fn forget_private(&mut self) {
        self.epoch += 1;
        self.retain(|_, entry| !entry.private);
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= key.params.len() + entry.result.len();
        }
    }

    fn retain(&mut self, keep: impl Fn(&Key, &Entry) -> bool) {
        let bytes = &mut self.bytes;
        self.entries.retain(|key, entry| {
            let keeps = keep(key, entry);
            if !keeps {
                *bytes -= key.params.len() + entry.result.len();
            }
            keeps
        });
    }
}

/// How long a result may be kept, and whether for its caller alone; `None` for not at all.
fn hints(result: &str) -> Option<(Duration, bool)> {
    let hints: Hints<'_> = serde_json::from_str(result).ok()?;
    // Interim results are no results ("Cacheable Results").
    if hints.kind.is_some_and(|kind| kind != "complete") {
        return None;
    }
    // Absent and negative mean zero ("Time-to-Live (TTL) Field").
    let millis: f64 = serde_json::from_str(hints.ttl?.get()).ok()?;
    if millis < 1.0 {
        return None;
    }
    let time = Duration::from_millis(millis as u64);
    let private = hints.scope.is_none_or(|scope| scope != "public");
    Some((time, private))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec::Vec};
    use mcp_proto::json::Raw;

    fn key(method: Method, params: &str) -> Option<Key> {
        Key::of(method, &Params::scan(Raw::parse(params).unwrap()))
    }

    fn at(millis: u64) -> Instant {
        Instant::ZERO.saturating_add(Duration::from_millis(millis))
    }

    const TEN: &str = r#"{"ttlMs":10,"cacheScope":"public"}"#;

    #[test]
    fn the_key_is_the_method_and_what_the_caller_asks() {
        let list = key(Method::ListTools, "{}").unwrap();
        for (method, params, same) in [
            (Method::ListTools, r#"{"_meta":{"progressToken":1}}"#, true),
            (
                Method::ListTools,
                r#"{"_meta":{"traceparent":"00-1"}}"#,
                true,
            ),
            (
                Method::ListTools,
                r#"{"_meta":{"io.modelcontextprotocol/logLevel":"info"}}"#,
                true,
            ),
            (Method::ListTools, r#"{"cursor":""}"#, false),
            (Method::ListPrompts, "{}", false),
        ] {
            assert_eq!(key(method, params).unwrap() == list, same, "{params}");
        }
        assert_eq!(Key::of(Method::ListTools, &Params::default()), Some(list));
        for (method, params) in [
            (Method::CallTool, "{}"),
            (Method::GetPrompt, "{}"),
            (Method::ListTools, r#"{"_meta":{"example.com/tenant":1}}"#),
            (Method::ListTools, r#"{"_meta":3}"#),
        ] {
            assert_eq!(key(method, params), None, "{params}");
        }
    }

    #[test]
    fn a_result_says_how_long_it_may_be_kept() {
        for (result, expected) in [
            (TEN, Some((10, false))),
            (
                r#"{"ttlMs":10.0,"cacheScope":"private","resultType":"complete"}"#,
                Some((10, true)),
            ),
            (r#"{"ttlMs":10}"#, Some((10, true))),
            (r#"{"ttlMs":10,"cacheScope":"other"}"#, Some((10, true))),
            (r#"{"ttlMs":1}"#, Some((1, true))),
            (r#"{"ttlMs":0.9}"#, None),
            (r#"{"ttlMs":0,"cacheScope":"public"}"#, None),
            (r#"{"ttlMs":-5}"#, None),
            (r#"{"ttlMs":"10"}"#, None),
            (r#"{"ttlMs":null}"#, None),
            (r#"{"tools":[]}"#, None),
            (r#"{"ttlMs":10,"resultType":"input_required"}"#, None),
            (r#"{"ttlMs":10,"resultType":"task"}"#, None),
        ] {
            let hints = hints(result).map(|(time, private)| (time.as_millis(), private));
            assert_eq!(hints, expected, "{result}");
        }
    }

    #[test]
    fn a_result_is_used_until_its_time_has_passed() {
        let (mut cache, limits) = (Cache::default(), Limits::default());
        let list = key(Method::ListTools, "{}").unwrap();
        cache.put(&list, TEN, &limits, at(0));
        assert_eq!(cache.get(&list, at(9)), Some(TEN));
        assert_eq!(cache.get(&list, at(10)), None);
        // A later result without a time takes the place of the earlier one.
        cache.put(&list, TEN, &limits, at(20));
        cache.put(&list, "{}", &limits, at(21));
        assert_eq!((cache.get(&list, at(21)), cache.bytes), (None, 0));
    }

    #[test]
    fn what_has_changed_is_stale_at_once() {
        let limits = Limits::default();
        let uri = |uri: &str| key(Method::ReadResource, &format!(r#"{{"uri":"{uri}"}}"#)).unwrap();
        let keys = [
            key(Method::ListTools, r#"{"cursor":"2"}"#).unwrap(),
            key(Method::ListPrompts, "{}").unwrap(),
            key(Method::ListResources, "{}").unwrap(),
            key(Method::ListResourceTemplates, "{}").unwrap(),
            uri("file:///a"),
            uri("file:///a/b"),
            uri("file:///c"),
            key(Method::Discover, "{}").unwrap(),
        ];
        for (change, gone) in [
            (Change::Tools, &[0][..]),
            (Change::Prompts, &[1]),
            (Change::Resources, &[2, 3, 4, 5, 6]),
            (Change::Resource("file:///a".into()), &[4, 5]),
            (Change::Resource("file:///a/b".into()), &[4, 5]),
            (Change::Resource("file:///c/d".into()), &[6]),
        ] {
            let mut cache = Cache::default();
            for key in &keys {
                cache.put(key, TEN, &limits, at(0));
            }
            let before = cache.epoch();
            cache.changed(&change);
            assert!(cache.epoch() > before);
            let stale = |place: &usize| cache.get(&keys[*place], at(0)).is_none();
            let stale: Vec<_> = (0..keys.len()).filter(stale).collect();
            assert_eq!(stale, gone, "{change:?}");
        }
    }

    #[test]
    fn another_authorization_sees_only_what_is_public() {
        let (mut cache, limits) = (Cache::default(), Limits::default());
        let (one, other) = (
            key(Method::ListTools, "{}").unwrap(),
            key(Method::ListPrompts, "{}").unwrap(),
        );
        cache.put(&one, TEN, &limits, at(0));
        cache.put(
            &other,
            r#"{"ttlMs":10,"cacheScope":"private"}"#,
            &limits,
            at(0),
        );
        // What is under way may be as private as what is kept.
        let before = cache.epoch();
        cache.forget_private();
        assert!(cache.epoch() > before);
        assert!(cache.get(&one, at(0)).is_some() && cache.get(&other, at(0)).is_none());
        assert_eq!(cache.bytes, one.params.len() + TEN.len());
        let before = cache.epoch();
        cache.forget(&[Method::ListTools]);
        assert!(cache.epoch() > before && cache.entries.is_empty());
        assert_eq!(cache.bytes, 0);
    }

    #[test]
    fn what_is_no_longer_fresh_takes_no_place() {
        let mut limits = Limits::default();
        limits.cache_entries = 2;
        let mut cache = Cache::default();
        let [first, second, third] = [
            Method::ListTools,
            Method::ListPrompts,
            Method::ListResources,
        ]
        .map(|method| key(method, "{}").unwrap());
        cache.put(
            &first,
            r#"{"ttlMs":20,"cacheScope":"public"}"#,
            &limits,
            at(0),
        );
        cache.put(&second, TEN, &limits, at(0));
        cache.put(&third, TEN, &limits, at(10));
        let there = [first, second, third].map(|key| cache.get(&key, at(10)).is_some());
        assert_eq!(there, [true, false, true]);
    }

    #[test]
    fn the_oldest_results_make_room() {
        let mut limits = Limits::default();
        limits.cache_entries = 2;
        let mut cache = Cache::default();
        let keys: Vec<_> = (0..3)
            .map(|page| key(Method::ListTools, &format!(r#"{{"cursor":"{page}"}}"#)).unwrap())
            .collect();
        for key in &keys {
            cache.put(key, TEN, &limits, at(0));
        }
        let kept: Vec<_> = keys
            .iter()
            .map(|key| cache.get(key, at(0)).is_some())
            .collect();
        assert_eq!(kept, [false, true, true]);
        // The oldest one, wherever it stands.
        let mut turned = Cache::default();
        for key in keys.iter().rev() {
            turned.put(key, TEN, &limits, at(0));
        }
        assert!(turned.get(&keys[2], at(0)).is_none() && turned.get(&keys[0], at(0)).is_some());
        let entry = keys[0].params.len() + TEN.len();
        assert_eq!(cache.bytes, 2 * entry);
        for (most, kept) in [(2 * entry, 2), (2 * entry - 1, 1)] {
            limits.cache_bytes = most;
            let mut cache = Cache::default();
            cache.put(&keys[0], TEN, &limits, at(0));
            cache.put(&keys[1], TEN, &limits, at(0));
            assert_eq!(cache.entries.len(), kept, "{most}");
        }
        limits.cache_entries = 1;
        cache.put(&keys[0], TEN, &limits, at(0));
        assert_eq!(cache.entries.len(), 1);
        limits.cache_entries = 0;
        cache.put(&keys[1], TEN, &limits, at(0));
        assert_eq!(cache.entries.len(), 0);
        limits.cache_entries = 2;
        limits.cache_bytes = entry;
        cache.put(&keys[0], TEN, &limits, at(0));
        assert_eq!((cache.bytes, cache.entries.len()), (entry, 1));
        // What never fits takes nobody's place.
        let long = format!("{TEN} ");
        cache.put(&keys[1], &long, &limits, at(0));
        assert!(cache.get(&keys[0], at(0)).is_some());
        limits.cache_bytes = entry - 1;
        cache.put(&keys[0], TEN, &limits, at(0));
        assert_eq!((cache.bytes, cache.entries.len()), (0, 0));
    }
}
