//! What a state belongs to.

use alloc::vec::Vec;
use mcp_proto::{encode, json::Raw, method::Method};

use crate::{call::Peer, sorted::sort_by_name};

/// All that must be the same when a state is brought back: on whose behalf, in which revision, and
/// to what call with which arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    bytes: Vec<u8>,
}

impl Bound {
    pub(crate) fn new(peer: &Peer, method: Method, name: &str, arguments: Option<&str>) -> Self {
        let mut bound = Self { bytes: Vec::new() };
        // No subject is another one than the empty one, and no arguments are others than `{}`.
        let subject = peer.subject.as_deref();
        bound.add(&[u8::from(subject.is_some()), u8::from(arguments.is_some())]);
        bound.add(subject.unwrap_or_default().as_bytes());
        bound.add(peer.version.as_str().as_bytes());
        bound.add(method.name().as_bytes());
        bound.add(name.as_bytes());
        let mut canonical = Vec::new();
        if let Some(arguments) = arguments {
            if write_canonical(arguments, &mut canonical).is_none() {
                canonical = Vec::from(arguments);
            }
        }
        bound.add(&canonical);
        bound
    }

    // With its length, so that what one part ends with is not what the next one begins with.
    fn add(&mut self, part: &[u8]) {
        self.bytes
            .extend_from_slice(&(part.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(part);
    }

    /// The same as bytes: equal where it is the same, and different where it is not.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Writes an object without blanks and with its members sorted, since a client may write the same
/// arguments in another order the second time. Values within them stay as they are written.
/// `None` where that cannot be told, because a member occurs twice.
fn write_canonical(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let members = Raw::parse(text)?.members();
    let mut members: Vec<_> = members.map(|(name, value)| (name, value.get())).collect();
    sort_by_name(&mut members);
    if members.windows(2).any(|two| two[0].0 == two[1].0) {
        return None;
    }
    for (name, value) in members {
        encode::write_str(out, &name);
        out.push(b':');
        write_packed(value, out);
        out.push(b',');
    }
    Some(())
}

/// Writes JSON without the blanks between its tokens.
fn write_packed(text: &str, out: &mut Vec<u8>) {
    let (mut in_text, mut escaped) = (false, false);
    for byte in text.bytes() {
        if in_text || !byte.is_ascii_whitespace() {
            out.push(byte);
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_proto::version::ProtocolVersion;

    fn bound(change: impl FnOnce(&mut Peer), method: Method, name: &str, with: &str) -> Bound {
        let mut peer = Peer::new(ProtocolVersion::LATEST);
        change(&mut peer);
        Bound::new(
            &peer,
            method,
            name,
            Some(with).filter(|with| !with.is_empty()),
        )
    }

    #[test]
    fn arguments_are_the_same_however_they_are_written() {
        let of = |with| bound(|_| {}, Method::CallTool, "add", with);
        let written = of(r#"{"a":1,"b":{"c":[1,2],"d":"x \" y"}}"#);
        assert_eq!(
            written,
            of("{ \"b\" : {\"c\": [1, 2],\"d\":\"x \\\" y\"},\n\"a\":1 }")
        );
        for other in [
            r#"{"a":1,"b":{"c":[1,2],"d":"x \"  y"}}"#,
            r#"{"a":1.0,"b":{"c":[1,2],"d":"x \" y"}}"#,
            r#"{"a":1,"b":{"c":[12],"d":"x \" y"}}"#,
            r#"{"a":1,"a":1,"b":{"c":[1,2],"d":"x \" y"}}"#,
            r#"{"a":1}"#,
            "{}",
            "",
        ] {
            assert_ne!(written, of(other), "{other}");
        }
        assert_ne!(of("{}"), of(""));
        assert_ne!(of(r#"{"a":1,"a":2}"#), of(r#"{"a":2,"a":1}"#));
    }

    #[test]
    fn everything_else_must_be_the_same_too() {
        let own = bound(|_| {}, Method::CallTool, "add", "{}");
        assert_ne!(own, bound(|_| {}, Method::GetPrompt, "add", "{}"));
        assert_ne!(own, bound(|_| {}, Method::CallTool, "sub", "{}"));
        assert_ne!(
            own,
            bound(
                |of| of.version = ProtocolVersion::V2025_11_25,
                Method::CallTool,
                "add",
                "{}"
            )
        );
        let of = |subject: &str| {
            let subject = Some(subject.into());
            bound(|of| of.subject = subject, Method::CallTool, "add", "{}")
        };
        assert_ne!(own, of(""));
        assert_ne!(of("ada"), of("alan"));
    }
}
