//! Heads of HTTP/1 requests, and where their bodies end.
//!
//! Strict where two readers of the same bytes could disagree about the end of a request (RFC 9112
//! §11.2): such a request is refused and its connection closed.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version, header,
    request::Parts,
};
use httparse::Status;
use mcp_server_core::http::bounds::{HEAD_BYTES, HEADERS};

use super::body::BodyDecoder;

/// A request as far as its head tells.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) parts: Parts,
    pub(super) body: BodyDecoder,
    /// The client wants to send another request on this connection.
    pub(super) keep_alive: bool,
    /// The client waits for our word before it sends the body.
    pub(super) expects_continue: bool,
}

/// Why a request cannot be read; the connection cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) status: StatusCode,
    pub(super) message: &'static str,
}

impl Malformed {
    pub(super) const fn new(message: &'static str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message,
        }
    }

    const fn with(status: StatusCode, message: &'static str) -> Self {
        Self { status, message }
    }
}

/// Whether a head that is not complete may have more bytes.
pub(super) fn may_go_on(input: &[u8]) -> bool {
    input.len() < HEAD_BYTES
}

/// Reads a head and tells how long it is; `None` while it is incomplete.
pub(super) fn parse(input: &[u8]) -> Result<Option<(usize, Head)>, Malformed> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS];
    let mut request = httparse::Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(input, &mut headers) {
        Ok(Status::Complete(length)) if length <= HEAD_BYTES => length,
        Ok(Status::Partial) if may_go_on(input) => return Ok(None),
        Ok(_) => return Err(too_large("the head is too long")),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(too_large("there are too many headers"));
        }
        Err(httparse::Error::Version) => return Err(unknown_version()),
        Err(_) => return Err(Malformed::new("this is no HTTP request")),
    };
    // One copy of the head, which all of its values share.
    let copy = Bytes::copy_from_slice(&input[..length]);
    let mut parts = Request::new(()).into_parts().0;
    parts.version = match request.version {
        Some(1) => Version::HTTP_11,
        Some(0) => Version::HTTP_10,
        _ => return Err(unknown_version()),
    };
    parts.method = request
        .method
        .and_then(|method| Method::from_bytes(method.as_bytes()).ok())
        .ok_or(Malformed::new("the method is none"))?;
    parts.uri = request
        .path
        .and_then(|path| Uri::from_maybe_shared(share(&copy, input, path.as_bytes())).ok())
        .ok_or(Malformed::new("the request's target is no URI"))?;
    parts.headers.reserve(request.headers.len());
    for field in request.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let value = HeaderValue::from_maybe_shared(share(&copy, input, field.value));
        match (name, value) {
            (Ok(name), Ok(value)) => parts.headers.append(name, value),
            _ => return Err(Malformed::new("a header cannot be read")),
        };
    }
    finish(parts).map(|head| Some((length, head)))
}

// The part of the copy that stands where `part` stands in the original.
fn share(copy: &Bytes, original: &[u8], part: &[u8]) -> Bytes {
    let at = part.as_ptr() as usize - original.as_ptr() as usize;
    copy.slice(at..at + part.len())
}

fn finish(parts: Parts) -> Result<Head, Malformed> {
    let headers = &parts.headers;
    let http11 = parts.version == Version::HTTP_11;
    // RFC 9112 §3.2: MUST be 400.
    let hosts = headers.get_all(header::HOST).iter().count();
    if hosts > 1 || (http11 && hosts == 0) {
        return Err(Malformed::new("there must be one host header"));
    }
    let body = framing(headers, http11)?;
    let keep_alive = if http11 {
        !names(headers, &header::CONNECTION, "close")
    } else {
        names(headers, &header::CONNECTION, "keep-alive")
    };
    let expects_continue = http11 && names(headers, &header::EXPECT, "100-continue");
    Ok(Head {
        parts,
        body,
        keep_alive,
        expects_continue,
    })
}

// RFC 9112 §6.3, without its leniencies.
fn framing(headers: &HeaderMap, http11: bool) -> Result<BodyDecoder, Malformed> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    match (codings.next(), lengths.next()) {
        (None, None) => Ok(BodyDecoder::sized(0)),
        (None, Some(length)) if lengths.next().is_none() => decimal(length.as_bytes())
            .map(BodyDecoder::sized)
            .ok_or(Malformed::new("the content length is no number")),
        (None, Some(_)) => Err(Malformed::new("there is more than one content length")),
        (Some(_), Some(_)) => Err(Malformed::new("the body's end is told in two ways")),
        (Some(_), None) if !http11 => Err(Malformed::new("HTTP/1.0 has no transfer encodings")),
        (Some(coding), None)
            if coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none() =>
        {
            Ok(BodyDecoder::chunked())
        }
        (Some(_), None) => Err(Malformed::with(
            StatusCode::NOT_IMPLEMENTED,
            "the only transfer encoding here is chunked",
        )),
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    // Digits only: what is lenient here is read otherwise by others.
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text)
        .ok()
        .filter(|_| digits)?
        .parse()
        .ok()
}

// Whether a list of tokens contains this one.
fn names(headers: &HeaderMap, list: &HeaderName, token: &str) -> bool {
    headers
        .get_all(list)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

const fn too_large(message: &'static str) -> Malformed {
    Malformed::with(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, message)
}

const fn unknown_version() -> Malformed {
    Malformed::with(
        StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        "only HTTP/1.0 and HTTP/1.1 are spoken here",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Option<(usize, Head)>, Malformed> {
        parse(text.replace('\n', "\r\n").as_bytes())
    }

    fn read(text: &str) -> Head {
        head(text).unwrap().expect("it is complete").1
    }

    fn refused(text: &str) -> u16 {
        head(text).expect_err(text).status.as_u16()
    }

    #[test]
    fn a_head_is_read_once_it_is_complete() {
        let text = "POST /mcp?x=1 HTTP/1.1\nHost: a\nMCP-Method: tools/call\nX: \u{e9}\n\n";
        let bytes = text.replace('\n', "\r\n").into_bytes();
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).unwrap().is_none(), "{end}");
        }
        let with_more = [bytes.as_slice(), b"{}"].concat();
        let (length, head) = parse(&with_more).unwrap().unwrap();
        assert_eq!(length, bytes.len());
        assert_eq!(head.parts.method, Method::POST);
        assert_eq!(head.parts.uri, "/mcp?x=1");
        assert_eq!(head.parts.headers["mcp-method"], "tools/call");
        assert_eq!(head.parts.headers["x"].as_bytes(), "\u{e9}".as_bytes());
        assert!(head.keep_alive && !head.expects_continue && head.body.is_done());
    }

    #[test]
    fn connections_go_on_as_their_version_has_it() {
        for (text, keep_alive) in [
            ("GET / HTTP/1.1\nHost: a\n\n", true),
            ("GET / HTTP/1.1\nHost: a\nConnection: Close\n\n", false),
            ("GET / HTTP/1.1\nHost: a\nConnection: te, close\n\n", false),
            ("GET / HTTP/1.0\n\n", false),
            ("GET / HTTP/1.0\nConnection: Keep-Alive\n\n", true),
        ] {
            assert_eq!(read(text).keep_alive, keep_alive, "{text}");
        }
        assert!(read("POST / HTTP/1.1\nHost: a\nExpect: 100-Continue\n\n").expects_continue);
        assert!(!read("POST / HTTP/1.0\nExpect: 100-continue\n\n").expects_continue);
    }

    #[test]
    fn requests_that_can_be_read_in_two_ways_are_refused() {
        for fields in [
            "",
            "Host: a\nHost: a\n",
            "Host: a\nContent-Length: 1\nContent-Length: 1\n",
            "Host: a\nContent-Length: 1, 1\n",
            "Host: a\nContent-Length: +1\n",
            "Host: a\nContent-Length: -1\n",
            "Host: a\nContent-Length: 0x1\n",
            "Host: a\nContent-Length:\n",
            "Host: a\nContent-Length: 99999999999999999999999\n",
            "Host: a\nContent-Length: 1\nTransfer-Encoding: chunked\n",
            "Host : a\n",
            "Host: a\n folded\n",
            "Host: a\nBad Name: 1\n",
            "Host: a\nX: \u{0}\n",
        ] {
            assert_eq!(
                refused(&format!("POST / HTTP/1.1\n{fields}\n")),
                400,
                "{fields:?}"
            );
        }
        assert_eq!(
            refused("POST / HTTP/1.0\nTransfer-Encoding: chunked\n\n"),
            400
        );
        for coding in ["gzip", "gzip, chunked", "chunked, chunked", "identity", ""] {
            let text = format!("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: {coding}\n\n");
            assert_eq!(refused(&text), 501, "{coding}");
        }
        let twice = "Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n";
        assert_eq!(
            refused(&format!("POST / HTTP/1.1\nHost: a\n{twice}\n")),
            501
        );
    }

    #[test]
    fn what_is_no_request_is_refused_at_once() {
        for (text, status) in [
            ("\u{16}\u{3}\u{1}\u{2}", 400),
            ("GET / HTTP/2.0\n\n", 505),
            ("GET / HTTP/1.2\nHost: a\n\n", 505),
            ("GET  / HTTP/1.1\nHost: a\n\n", 400),
            ("GET http://[ HTTP/1.1\nHost: a\n\n", 400),
        ] {
            assert_eq!(refused(text), status, "{text:?}");
        }
    }

    #[test]
    fn heads_have_a_limit() {
        let with = |count: usize| {
            let more = "X: 1\n".repeat(count - 1);
            format!("GET / HTTP/1.1\nHost: a\n{more}\n")
        };
        assert_eq!(read(&with(HEADERS)).parts.headers.len(), HEADERS);
        assert_eq!(refused(&with(HEADERS + 1)), 431);
        let long = |bytes: usize| {
            let rest = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
            let fill = "x".repeat(bytes - rest);
            format!("GET / HTTP/1.1\nHost: a\nX: {fill}\n\n")
        };
        assert_eq!(read(&long(HEAD_BYTES)).parts.headers.len(), 2);
        assert_eq!(refused(&long(HEAD_BYTES + 1)), 431);
        // While it is coming: one more byte could be the last one.
        let coming = |bytes: usize| long(2 * HEAD_BYTES).replace('\n', "\r\n")[..bytes].to_owned();
        assert_eq!(
            parse(coming(HEAD_BYTES - 1).as_bytes()).map(|head| head.is_none()),
            Ok(true)
        );
        let refused = parse(coming(HEAD_BYTES).as_bytes()).expect_err("it is too long");
        assert_eq!(refused.status, 431);
    }
}
