//! Buffers of calls that have ended, for the next ones.

use alloc::{string::String, vec::Vec};

use mcp_proto::json::{Json, Raw};

use crate::session::pending::Reply;

/// Larger ones are given back.
const KEPT_BYTES: usize = 8 * 1024;

/// One of each kind: where calls are made one after the other, none needs a new one.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    text: String,
    params: Vec<u8>,
}

impl Spare {
    /// A copy of a result.
    pub(crate) fn text(&mut self, raw: Raw<'_>) -> Option<Json> {
        let mut text = core::mem::take(&mut self.text);
        text.push_str(raw.get());
        let whole = 0..text.len();
        Json::slice_of(text, whole)
    }

    /// The buffer of a result that was read.
    pub(crate) fn keep_text(&mut self, reply: Reply) {
        let Reply::Text(json) = reply else { return };
        // What is short is alone in its buffer, or at worst copied out of a larger one.
        if json.as_str().len() <= KEPT_BYTES {
            let mut text = json.into_string();
            if text.capacity() <= KEPT_BYTES {
                text.clear();
                self.text = text;
            }
        }
    }

    /// A copy of parameters.
    pub(crate) fn params(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut params = core::mem::take(&mut self.params);
        params.extend_from_slice(bytes);
        params
    }

    /// The buffer of parameters that are not needed any more.
    pub(crate) fn keep_params(&mut self, params: Option<Vec<u8>>) {
        if let Some(mut params) = params.filter(|params| params.capacity() <= KEPT_BYTES) {
            params.clear();
            self.params = params;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(length: usize, capacity: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.resize(length, b'1');
        assert_eq!(bytes.capacity(), capacity);
        bytes
    }

    #[test]
    fn buffers_are_kept_for_the_next_call_unless_they_are_large() {
        for (length, capacity, kept) in [
            (8192, 8192, true),
            (1, 8192, true),
            (8193, 8193, false),
            (1, 8193, false),
        ] {
            let mut spare = Spare::default();
            let text = String::from_utf8(buffer(length, capacity)).unwrap();
            let json = Json::slice_of(text, 0..length).unwrap();
            spare.keep_text(Reply::Text(json));
            spare.keep_params(Some(buffer(length, capacity)));
            let expected = if kept { capacity } else { 0 };
            let room = (spare.text.capacity(), spare.params.capacity());
            assert_eq!(room, (expected, expected), "{length} in {capacity}");
            assert!(spare.text.is_empty() && spare.params.is_empty());
            // What is kept is used.
            let params = spare.params(b"{}");
            assert_eq!(
                (params.as_slice(), spare.params.capacity()),
                (&b"{}"[..], 0)
            );
            assert!(!kept || params.capacity() == capacity);
        }
    }
}
