//! `Accept` and `Content-Type`.

use http::{HeaderMap, header};

/// What nearly every client says, word for word: it need not be read.
const USUAL: &str = "application/json, text/event-stream";

/// What a client takes as an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepts {
    /// `application/json`
    pub json: bool,
    /// `text/event-stream`
    pub event_stream: bool,
}

impl Accepts {
    /// Reads `Accept` (RFC 9110 §12.5.1): ranges count, `q=0` excludes, and the most specific of
    /// the ranges that fit decides. Without the header anything is taken.
    ///
    /// ```
    /// use http::{HeaderMap, HeaderValue, header};
    /// use mcp_proto::http::negotiate::Accepts;
    ///
    /// let mut headers = HeaderMap::new();
    /// headers.insert(header::ACCEPT, HeaderValue::from_static("text/html, application/*;q=0.5"));
    /// assert_eq!(Accepts::of(&headers), Accepts { json: true, event_stream: false });
    /// ```
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(header::ACCEPT).iter();
        if let (Some(value), None) = (values.next(), values.next()) {
            if value == USUAL {
                return Self {
                    json: true,
                    event_stream: true,
                };
            }
        }
        Self {
            json: accepts(headers, "application", "json"),
            event_stream: accepts(headers, "text", "event-stream"),
        }
    }

    /// Whether both forms of an answer are taken, as a client MUST list them (2025-03-26 on,
    /// basic/transports, "Sending Messages").
    #[must_use]
    pub fn both(self) -> bool {
        self.json && self.event_stream
    }
}

/// Whether a client takes HTML, which a program that speaks MCP does not ask for by name.
#[must_use]
pub fn wants_html(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ACCEPT) && accepts(headers, "text", "html")
}

fn accepts(headers: &HeaderMap, kind: &str, subtype: &str) -> bool {
    // How specific the best range so far is, and whether it takes the type.
    let mut best = (0, !headers.contains_key(header::ACCEPT));
    for value in headers.get_all(header::ACCEPT) {
        // A value that is no text names nothing.
        let Ok(value) = value.to_str() else { continue };
        for range in value.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let specific = match parts.next().and_then(|range| range.split_once('/')) {
                Some((k, s)) if k.eq_ignore_ascii_case(kind) && s.eq_ignore_ascii_case(subtype) => {
                    3
                }
                Some((k, "*")) if k.eq_ignore_ascii_case(kind) => 2,
                Some(("*", "*")) => 1,
                _ => continue,
            };
            if specific > best.0 {
                best = (specific, !parts.any(refuses));
            }
        }
    }
    best.1
}

// Whether a parameter is a weight of zero: `q=0`, `q=0.000`.
fn refuses(parameter: &str) -> bool {
    let Some((name, weight)) = parameter.split_once('=') else {
        return false;
    };
    name.trim().eq_ignore_ascii_case("q")
        && weight
            .trim()
            .parse::<f32>()
            .is_ok_and(|weight| weight <= 0.0)
}

/// What a body is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentType {
    /// `application/json`, whatever its parameters.
    Json,
    /// `text/event-stream`, whatever its parameters.
    EventStream,
    /// Nothing is said.
    Absent,
    /// Something else, or two things.
    Other,
}

impl ContentType {
    /// Reads `Content-Type`.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(header::CONTENT_TYPE).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Self::Absent,
            (Some(value), None) => value,
            _ => return Self::Other,
        };
        if value == super::JSON {
            return Self::Json;
        }
        let essence = value
            .to_str()
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        if essence.eq_ignore_ascii_case(super::JSON) {
            Self::Json
        } else if essence.eq_ignore_ascii_case(super::EVENT_STREAM) {
            Self::EventStream
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn ranges_weights_and_absence() {
        for (values, json, event_stream) in [
            (&[][..], true, true),
            (&["application/json, text/event-stream"], true, true),
            (&["application/json", "text/event-stream"], true, true),
            (
                &["APPLICATION/JSON;charset=utf-8,text/Event-Stream ; q=0.1"],
                true,
                true,
            ),
            (&["*/*"], true, true),
            (&["application/*, text/*"], true, true),
            (&["application/json"], true, false),
            (&["text/event-stream"], false, true),
            (&["text/html"], false, false),
            (&[""], false, false),
            (&["application/jsonx, text/event"], false, false),
            (&["*/*, application/json;q=0"], false, true),
            (&["text/*;q=0, */*"], true, false),
            (&["application/json;q=0.001"], true, false),
            (
                &[
                    "application/json, text/event-stream",
                    "application/json;q=0",
                ],
                true,
                true,
            ),
            (&["*/json"], false, false),
            (&["json"], false, false),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::ACCEPT, HeaderValue::from_static(value));
            }
            assert_eq!(
                Accepts::of(&headers),
                Accepts { json, event_stream },
                "{values:?}"
            );
        }
    }

    #[test]
    fn only_who_asks_for_html_gets_it() {
        for (value, html) in [
            (None, false),
            (Some("text/html,*/*;q=0.8"), true),
            (Some("application/json"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(value.map(|value| (header::ACCEPT, HeaderValue::from_static(value))));
            assert_eq!(wants_html(&headers), html);
        }
    }

    #[test]
    fn a_content_type_is_its_essence() {
        for (values, kind) in [
            (&[][..], ContentType::Absent),
            (&["application/json"], ContentType::Json),
            (&["Application/JSON ; charset=UTF-8"], ContentType::Json),
            (
                &["text/event-stream;charset=utf-8"],
                ContentType::EventStream,
            ),
            (&["text/plain"], ContentType::Other),
            (&["application/json-rpc"], ContentType::Other),
            (
                &["application/json", "application/json"],
                ContentType::Other,
            ),
            (&[""], ContentType::Other),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_TYPE, HeaderValue::from_static(value));
            }
            assert_eq!(ContentType::of(&headers), kind, "{values:?}");
        }
    }
}
