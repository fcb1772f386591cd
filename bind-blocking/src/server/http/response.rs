//! Responses as HTTP/1 has them on the wire.

use std::{io::Write, time::SystemTime};

use http::{Response, StatusCode, header};

use super::head::Malformed;

/// How the client sees where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// By its length, or by there being none.
    Sized,
    /// By its last chunk.
    Chunked,
    /// By the connection's end: HTTP/1.0 has nothing else for a stream.
    UntilClose,
}

/// What is known of the connection when a head is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) http10: bool,
    pub(super) keep_alive: bool,
}

/// Appends a response's head.
pub(super) fn write_head(out: &mut Vec<u8>, head: &Response<()>, terms: Terms) -> Shape {
    let status = head.status();
    let sized = head.headers().contains_key(header::CONTENT_LENGTH)
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED;
    let shape = match (sized, terms.http10) {
        (true, _) => Shape::Sized,
        (false, false) => Shape::Chunked,
        (false, true) => Shape::UntilClose,
    };
    write_start(out, status);
    for (name, value) in head.headers() {
        write_field(out, name.as_str(), value.as_bytes());
    }
    if shape == Shape::Chunked {
        write_field(out, "transfer-encoding", b"chunked");
    }
    match (terms.keep_alive && shape != Shape::UntilClose, terms.http10) {
        (false, _) => write_field(out, "connection", b"close"),
        (true, true) => write_field(out, "connection", b"keep-alive"),
        (true, false) => {}
    }
    out.extend_from_slice(b"\r\n");
    shape
}

/// Appends the response to what cannot be read.
pub(super) fn write_malformed(out: &mut Vec<u8>, malformed: Malformed) {
    write_start(out, malformed.status);
    write_field(out, "content-type", b"text/plain; charset=utf-8");
    write_field(
        out,
        "content-length",
        malformed.message.len().to_string().as_bytes(),
    );
    write_field(out, "connection", b"close");
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(malformed.message.as_bytes());
}

/// The word that a client with `Expect: 100-continue` waits for.
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Appends a part of a body.
pub(super) fn write_data(out: &mut Vec<u8>, shape: Shape, data: &[u8]) {
    if data.is_empty() {
        // An empty chunk would be the last one.
        return;
    }
    let chunked = shape == Shape::Chunked;
    if chunked {
        // Writing to memory does not fail.
        let _ = write!(out, "{:x}\r\n", data.len());
    }
    out.extend_from_slice(data);
    if chunked {
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends the end of a body.
pub(super) fn write_end(out: &mut Vec<u8>, shape: Shape) {
    if shape == Shape::Chunked {
        out.extend_from_slice(b"0\r\n\r\n");
    }
}

fn write_start(out: &mut Vec<u8>, status: StatusCode) {
    let reason = status.canonical_reason().unwrap_or_default();
    // We are always of 1.1, whatever the client is (RFC 9112 §2.3). Writing to memory cannot fail.
    let _ = write!(out, "HTTP/1.1 {} {reason}\r\n", status.as_str());
    let _ = write!(
        out,
        "date: {}\r\n",
        httpdate::HttpDate::from(SystemTime::now())
    );
}

fn write_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(response: &Response<()>, http10: bool, keep_alive: bool) -> (String, Shape) {
        let mut out = Vec::new();
        let shape = write_head(&mut out, response, Terms { http10, keep_alive });
        let text = String::from_utf8(out).unwrap();
        let (start, rest) = text.split_once("\r\ndate: ").unwrap();
        let (date, rest) = rest.split_once("\r\n").unwrap();
        assert!(httpdate::parse_http_date(date).is_ok(), "{date}");
        (format!("{start}\n{}", rest.replace("\r\n", "\n")), shape)
    }

    #[test]
    fn the_head_tells_where_the_body_ends() {
        let sized = || {
            Response::builder()
                .status(404)
                .header("content-length", "2")
                .body(())
                .unwrap()
        };
        let stream = || {
            Response::builder()
                .header("content-type", "text/event-stream")
                .body(())
                .unwrap()
        };
        let empty = Response::builder().status(204).body(()).unwrap();
        let cases = [
            (
                sized(),
                false,
                true,
                "404 Not Found\ncontent-length: 2\n",
                Shape::Sized,
            ),
            (
                sized(),
                false,
                false,
                "404 Not Found\ncontent-length: 2\nconnection: close\n",
                Shape::Sized,
            ),
            (
                sized(),
                true,
                true,
                "404 Not Found\ncontent-length: 2\nconnection: keep-alive\n",
                Shape::Sized,
            ),
            (
                stream(),
                false,
                true,
                "200 OK\ncontent-type: text/event-stream\ntransfer-encoding: chunked\n",
                Shape::Chunked,
            ),
            (
                stream(),
                true,
                true,
                "200 OK\ncontent-type: text/event-stream\nconnection: close\n",
                Shape::UntilClose,
            ),
            (empty, false, true, "204 No Content\n", Shape::Sized),
        ];
        for (response, http10, keep_alive, expected, shape) in cases {
            let (text, told) = written(&response, http10, keep_alive);
            assert_eq!((text, told), (format!("HTTP/1.1 {expected}\n"), shape));
        }
    }

    #[test]
    fn bodies_are_framed() {
        let mut out = Vec::new();
        write_data(&mut out, Shape::Chunked, &[b'x'; 17]);
        write_data(&mut out, Shape::Chunked, b"");
        write_end(&mut out, Shape::Chunked);
        assert_eq!(out, b"11\r\nxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n");
        out.clear();
        write_data(&mut out, Shape::Sized, b"x");
        write_end(&mut out, Shape::UntilClose);
        assert_eq!(out, b"x");
    }

    #[test]
    fn what_cannot_be_read_is_told_why() {
        let mut out = Vec::new();
        write_malformed(&mut out, Malformed::new("no"));
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
        assert!(
            text.ends_with("content-length: 2\r\nconnection: close\r\n\r\nno"),
            "{text}"
        );
    }
}
