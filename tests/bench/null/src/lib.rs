//! What both null servers share: the least that an answer can cost.
//!
//! Fields are found by searching for their names and are not unescaped, nothing is validated, and
//! only the shapes that the load generator and ordinary clients write are understood.

use memchr::{memchr, memmem::Finder};

/// Knows what to look for.
#[derive(Debug)]
pub struct Null {
    id: Finder<'static>,
    message: Finder<'static>,
    method: Finder<'static>,
}

/// What the few methods other than a call are answered with.
const OTHERS: [(&[u8], &[u8]); 3] = [
    (
        b"initialize\"",
        br#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"null","version":"1"}}"#,
    ),
    (
        b"server/discover\"",
        br#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"}"#,
    ),
    (
        b"tools/list\"",
        br#"{"resultType":"complete","tools":[{"name":"echo","inputSchema":{"type":"object"}}],"ttlMs":0,"cacheScope":"private"}"#,
    ),
];

impl Default for Null {
    fn default() -> Self {
        Self {
            id: Finder::new(br#""id":"#),
            message: Finder::new(br#""message":""#),
            method: Finder::new(br#""method":""#),
        }
    }
}

impl Null {
    /// Appends the answer to one message, if it is a request, without a line end.
    pub fn answer(&self, message: &[u8], out: &mut Vec<u8>) {
        let Some(id) = self.id(message) else { return };
        out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        out.extend_from_slice(id);
        out.extend_from_slice(br#","result":"#);
        if let Some(text) = self.text(message) {
            out.extend_from_slice(
                br#"{"resultType":"complete","content":[{"type":"text","text":""#,
            );
            out.extend_from_slice(text);
            out.extend_from_slice(br#""}]}"#);
        } else {
            out.extend_from_slice(self.other(message));
        }
        out.push(b'}');
    }

    fn other(&self, message: &[u8]) -> &'static [u8] {
        let method = self.method.find(message).map_or(0, |at| at + 10);
        let known = |(name, _): &&(&[u8], &[u8])| message[method..].starts_with(name);
        OTHERS
            .iter()
            .find(known)
            .map_or(b"{}", |(_, result)| result)
    }

    /// The request's id as text; a message without one is a notification.
    fn id<'a>(&self, message: &'a [u8]) -> Option<&'a [u8]> {
        let at = self.id.find(message)? + 5;
        let rest = &message[at..];
        let end = rest.iter().position(|byte| matches!(byte, b',' | b'}'))?;
        Some(&rest[..end])
    }

    fn text<'a>(&self, message: &'a [u8]) -> Option<&'a [u8]> {
        let at = self.message.find(message)? + 11;
        let rest = &message[at..];
        Some(&rest[..memchr(b'"', rest)?])
    }
}
