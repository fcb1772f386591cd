//! What must hold for any input: the bodies of the fuzz targets, and of the test that replays
//! their corpora.
//!
//! Each function states its law first. They are public for the fuzz targets alone.
#![allow(missing_docs)]

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    encode::Encode,
    frame::{LineDecoder, SseDecoder, sse},
    json::{self, Json, Raw},
    limits::Limits,
    rpc::{self, Incoming, Message},
    types::{CallToolResult, ContentBlock},
    uri::UriTemplate,
    version::ProtocolVersion,
};

/// A small limit, so that short inputs reach it.
const LIMIT: usize = 64;

/// Law: however a stream is cut, it has the same lines, and no more than the limit is kept.
pub fn line(input: &[u8]) {
    let whole = lines(input, input.len().max(1));
    for piece in [1, 2, 7] {
        assert_eq!(lines(input, piece), whole, "cut into pieces of {piece}");
    }
}

fn lines(input: &[u8], piece: usize) -> Vec<String> {
    let mut decoder = LineDecoder::new(LIMIT);
    let mut seen = Vec::new();
    for bytes in input.chunks(piece) {
        decoder.store(bytes);
        while let Some(line) = decoder.next_line() {
            seen.push(line.map_or_else(
                |error| error.to_string(),
                |line| format!("{:?}", line.as_bytes()),
            ));
        }
        assert!(
            decoder.buffered() <= LIMIT + 1,
            "more is kept than a line may have"
        );
    }
    while let Some(line) = decoder.finish() {
        seen.push(line.map_or_else(
            |error| error.to_string(),
            |line| format!("{:?}", line.as_bytes()),
        ));
    }
    seen
}

/// Law: however an event stream is cut, it has the same events, and no more is kept than one of
/// them may have; and what is written as an event is read as it was, but for its line ends.
pub fn sse(input: &[u8]) {
    let whole = events(input, input.len().max(1));
    for piece in [1, 3] {
        assert_eq!(events(input, piece), whole, "cut into pieces of {piece}");
    }
    let id = String::from_utf8_lossy(&input[..input.len().min(8)]);
    let mut written = Vec::new();
    sse::write_event(&mut written, None, Some(&id), input);
    let mut decoder = SseDecoder::new(written.len());
    decoder.store(&written);
    let event = match decoder.next_event() {
        Some(Ok(event)) => event,
        other => panic!("{other:?} was written as an event"),
    };
    let id = id.replace(['\r', '\n', '\0'], "");
    let mut data = Vec::new();
    for (at, byte) in input.iter().enumerate() {
        match byte {
            b'\r' if input.get(at + 1) == Some(&b'\n') => {}
            b'\r' => data.push(b'\n'),
            byte => data.push(*byte),
        }
    }
    assert_eq!((event.id, event.data), (Some(&*id), &*data));
    assert!(decoder.next_event().is_none(), "one event was written");
}

fn events(input: &[u8], piece: usize) -> Vec<String> {
    let mut decoder = SseDecoder::new(LIMIT);
    let mut seen = Vec::new();
    for bytes in input.chunks(piece) {
        decoder.store(bytes);
        while let Some(event) = decoder.next_event() {
            seen.push(event.map_or_else(|error| error.to_string(), |event| format!("{event:?}")));
        }
        assert!(
            decoder.buffered() <= LIMIT + 1,
            "more is kept than an event may have"
        );
    }
    seen.push(format!(
        "{:?} {:?}",
        decoder.last_event_id(),
        decoder.retry()
    ));
    seen
}

/// Law: a text is JSON for serde_json and for the scan, or for neither, and has the same parts.
pub fn json(input: &[u8]) {
    if let Ok(text) = core::str::from_utf8(input) {
        json::law::agrees_with_serde_json(text);
    }
}

/// Law: what was read and is written again reads the same.
pub fn rpc(input: &[u8]) {
    let limits = Limits::default();
    let Ok(Incoming::Single(message)) = rpc::parse(input, &limits) else {
        return;
    };
    let mut written = Vec::new();
    write(&message, &mut written);
    let again = match rpc::parse(&written, &limits) {
        Ok(Incoming::Single(again)) => again,
        other => panic!("{:?} reads as {other:?}", String::from_utf8_lossy(&written)),
    };
    let mut rewritten = Vec::new();
    write(&again, &mut rewritten);
    assert_eq!(
        String::from_utf8_lossy(&written),
        String::from_utf8_lossy(&rewritten)
    );
}

fn write(message: &Message<'_>, out: &mut Vec<u8>) {
    let raw = |raw: Option<Raw<'_>>, out: &mut Vec<u8>| {
        if let Some(raw) = raw {
            Json::from_raw(raw).write_to(out);
        }
    };
    match message {
        Message::Request { id, method, params } => {
            rpc::write_request(out, id, method, |out| raw(params.raw(), out));
        }
        Message::Notification { method, params } => {
            rpc::write_notification(out, method, |out| raw(params.raw(), out));
        }
        Message::Response {
            id: Some(id),
            outcome: Ok(result),
        } => {
            rpc::write_result(out, id, |out| raw(Some(*result), out));
        }
        Message::Response {
            id,
            outcome: Err(error),
        } => rpc::write_error(out, id.as_ref(), error),
        Message::Response {
            id: None,
            outcome: Ok(_),
        } => unreachable!("a result without an id is no message"),
    }
}

/// Law: what a template matches, it was given variables for that give a URI it matches again, to
/// the same variables. The first line is the template, the rest the URI.
pub fn uri_template(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (template, uri) = text.split_once('\n').unwrap_or((&text, ""));
    let Ok(template) = UriTemplate::parse(template) else {
        return;
    };
    let Some(variables) = template.matches(uri) else {
        return;
    };
    let values: Vec<(&str, &str)> = variables
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name, value.as_str())))
        .collect();
    if let Ok(expanded) = template.expand(&values) {
        let again = template
            .matches(&expanded)
            .map(|variables| format!("{variables:?}"));
        assert_eq!(again, Some(format!("{variables:?}")), "{expanded}");
    }
}

/// Law: a result that was read can be written for every revision, on one line of valid JSON.
pub fn tool_result(input: &[u8]) {
    let Ok(result) = serde_json::from_slice::<CallToolResult>(input) else {
        return;
    };
    for version in ProtocolVersion::ALL {
        let mut out = Vec::new();
        result.encode(&mut out, version);
        assert!(!out.contains(&b'\n'), "a line break in a message");
        let text = String::from_utf8_lossy(&out).into_owned();
        let again: CallToolResult = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{version}: {error}: {text}"));
        let known = |block: &&ContentBlock| !matches!(block, ContentBlock::Unknown(_));
        assert!(
            again.content.iter().filter(known).count()
                >= result.content.iter().filter(known).count()
        );
    }
}

/// Law: a text comes back from a header's value as it was; and what a value is read as can be said
/// again in a value that reads the same.
#[cfg(feature = "http")]
pub fn header_value(input: &[u8]) {
    use crate::http::value;
    if let Ok(text) = core::str::from_utf8(input) {
        let header = value::header(text);
        assert_eq!(value::decode(header.as_bytes()).as_deref(), Ok(text));
    }
    if let Ok(text) = value::decode(input) {
        let again = value::header(&text);
        assert_eq!(value::decode(again.as_bytes()).as_deref(), Ok(&*text));
    }
    let _ = value::plain(input);
}
