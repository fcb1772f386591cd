//! The members of a request's `_meta` that the protocol reserves, encoded once and written often.

use alloc::{string::String, vec::Vec};

use mcp_proto::{
    encode::{Encode, Object},
    meta::keys,
    version::{Era, ProtocolVersion},
};

use crate::options::Config;

/// What every request of 2026-07-28 carries in its `_meta`, as JSON text.
#[derive(Debug)]
pub(crate) struct Envelope {
    version: String,
    info: String,
    capabilities: String,
    // All of them, as an object.
    text: String,
}

/// The reserved members of one request, as pairs of a key and JSON text.
pub(crate) struct Reserved<'a> {
    pairs: [(&'a str, &'a str); 5],
    length: usize,
    text: &'a str,
}

impl Envelope {
    pub(crate) fn new(config: &Config) -> Self {
        let mut envelope = Self {
            version: json_of(&ProtocolVersion::LATEST),
            info: json_of(&config.info),
            capabilities: json_of(&config.capabilities),
            text: String::new(),
        };
        let mut text = Vec::new();
        let mut object = Object::new(&mut text, ProtocolVersion::LATEST);
        for (key, value) in envelope.reserved(ProtocolVersion::LATEST, "", "").members() {
            object.raw(key, value);
        }
        object.end();
        envelope.text = text_of(text);
        envelope
    }

    /// The members for one request; `token` and `level` are left out where empty.
    pub(crate) fn reserved<'a>(
        &'a self,
        version: ProtocolVersion,
        token: &'a str,
        level: &'a str,
    ) -> Reserved<'a> {
        let mut reserved = Reserved {
            pairs: [("", ""); 5],
            length: 0,
            text: "",
        };
        reserved.add(keys::PROGRESS_TOKEN, token);
        // 2026-07-28, basic, `_meta`: on every request, and never inferred from an earlier one.
        if version.era() == Era::Stateless {
            reserved.add(keys::PROTOCOL_VERSION, &self.version);
            reserved.add(keys::CLIENT_INFO, &self.info);
            reserved.add(keys::CLIENT_CAPABILITIES, &self.capabilities);
            reserved.add(keys::LOG_LEVEL, level);
            if token.is_empty() && level.is_empty() {
                reserved.text = &self.text;
            }
        }
        reserved
    }
}

impl<'a> Reserved<'a> {
    fn add(&mut self, key: &'static str, text: &'a str) {
        if !text.is_empty() {
            self.pairs[self.length] = (key, text);
            self.length += 1;
        }
    }

    pub(crate) fn members(&self) -> &[(&'a str, &'a str)] {
        &self.pairs[..self.length]
    }

    /// The members as an object's text, where that was written before.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// With other members, which cannot replace the protocol's own; of several under one key the
    /// first one counts.
    pub(crate) fn with(
        &self,
        own: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Vec<(&'a str, &'a str)> {
        let mut all = self.members().to_vec();
        for (key, value) in own {
            if !all.iter().any(|(name, _)| *name == key) {
                all.push((key, value));
            }
        }
        all
    }
}

/// A value's JSON text, as the newest revision writes it.
pub(crate) fn json_of(value: &impl Encode) -> String {
    let mut out = Vec::new();
    value.encode(&mut out, ProtocolVersion::LATEST);
    text_of(out)
}

// What is encoded is JSON, which is UTF-8.
fn text_of(json: Vec<u8>) -> String {
    String::from_utf8(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_proto::types::Implementation;

    #[test]
    fn what_every_request_says_is_written_once() {
        let envelope = Envelope::new(&Config::new(Implementation::new("c", "1")));
        let latest = ProtocolVersion::LATEST;
        assert_eq!(
            envelope.reserved(latest, "", "").text(),
            concat!(
                r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
                r#""io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"#,
                r#""io.modelcontextprotocol/clientCapabilities":{}}"#
            )
        );
        let handshake = ProtocolVersion::LATEST_HANDSHAKE;
        for (version, token, level, members) in [
            (latest, "1", "", 4),
            (latest, "", "\"info\"", 4),
            (handshake, "1", "\"info\"", 1),
            (handshake, "", "", 0),
        ] {
            let reserved = envelope.reserved(version, token, level);
            assert_eq!((reserved.text(), reserved.members().len()), ("", members));
        }
    }
}
