//! What the scan owes to serde_json: the same judgement of every text, and the same parts.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::fmt;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Raw;

/// Law: a text is JSON for both or for neither, and both see the same members in it.
pub(crate) fn agrees_with_serde_json(text: &str) {
    let theirs = serde_json::from_str::<&RawValue>(text).ok();
    let ours = Raw::parse(text);
    assert_eq!(ours.map(Raw::get), theirs.map(RawValue::get), "{text:?}");
    let Some(raw) = ours else { return };
    let string = serde_json::from_str::<String>(text).ok();
    assert_eq!(raw.text().as_deref(), string.as_deref(), "{text:?}");
    // It rejects objects with a key that is no text, which are left to whoever wants that key.
    if let Ok(Pairs(theirs)) = serde_json::from_str(text) {
        let ours: Vec<_> = raw.members().collect();
        let ours: Vec<_> = ours
            .iter()
            .map(|(key, value)| (&**key, value.get()))
            .collect();
        let theirs: Vec<_> = theirs
            .iter()
            .map(|(key, value)| (&**key, value.get()))
            .collect();
        assert_eq!(ours, theirs, "{text:?}");
    }
}

struct Pairs<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry::<String, &RawValue>()? {
                    pairs.push((Cow::Owned(pair.0), pair.1));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::agrees_with_serde_json;
    use alloc::{format, string::String};
    use proptest::prelude::*;

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just(String::from("null")),
            Just(String::from("true")),
            "-?(0|[1-9][0-9]{0,4})([.][0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
            r#""([ -~&&[^"\\]]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}|é|😀){0,80}""#,
        ];
        leaf.prop_recursive(6, 40, 5, |inner| {
            let key = r#""([a-z]{0,12}|\\u00[0-9a-f]{2}|\\ud83d\\ude00)""#;
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5)
                    .prop_map(|items| format!("[{}]", items.join(" ,"))),
                prop::collection::vec((key, "[ \\n\\t\\r]{0,2}", inner), 0..5).prop_map(
                    |members| {
                        let members = members
                            .iter()
                            .map(|(key, space, value)| format!("{key}{space}:{value}"));
                        format!(
                            "{{{}}}",
                            members.collect::<alloc::vec::Vec<_>>().join(",\n")
                        )
                    }
                ),
            ]
        })
    }

    proptest! {
        #[test]
        fn valid_text_is_read_alike(text in json()) {
            prop_assert!(super::Raw::parse(&text).is_some(), "{text}");
            agrees_with_serde_json(&text);
        }

        #[test]
        fn so_is_what_almost_is_valid(text in json(), at in any::<prop::sample::Index>(), byte in "[\\[\\]{},:\"\\\\u0-9a-f.eE+\\- \u{0}-\u{1f}x]?") {
            let mut broken = text;
            let places: alloc::vec::Vec<usize> = broken.char_indices().map(|(at, _)| at).collect();
            if !places.is_empty() {
                let at = places[at.index(places.len())];
                broken.remove(at);
                broken.insert_str(at, &byte);
            }
            agrees_with_serde_json(&broken);
        }

        #[test]
        fn so_is_any_row_of_tokens(text in r#"([\[\]{},:"\\]|[ \n0-9.eE+-]|true|null|"a"|\\u[0-9a-f]{4}){0,24}"#) {
            agrees_with_serde_json(&text);
        }
    }
}
