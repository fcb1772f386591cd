//! The headers that repeat a request's body: `MCP-Protocol-Version`, `Mcp-Method`, `Mcp-Name`
//! (2026-07-28, basic/transports/streamable-http, "Request Metadata").

use alloc::{borrow::Cow, format};
use core::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    names,
    value::{self, Undecodable},
};
use crate::{method::Method, rpc::Member};

/// What a request's headers must repeat of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mirrored<'a> {
    /// The revision in `_meta`.
    pub version: &'a str,
    /// The method.
    pub method: &'a str,
    /// The value of the member that [`name_member`] names; `None` where the method has none, or
    /// the body lacks it, which is an error of the body and not of the headers.
    pub name: Option<&'a str>,
}

/// The member of a request's params that `Mcp-Name` repeats.
///
/// The tasks extension adds its own methods to the specification's table.
///
/// ```
/// use mcp_proto::{http::mirror, rpc::Member};
///
/// assert_eq!(mirror::name_member("resources/read"), Some(Member::Uri));
/// assert_eq!(mirror::name_member("tools/list"), None);
/// ```
#[must_use]
pub fn name_member(method: &str) -> Option<Member> {
    match Method::parse(method)? {
        Method::CallTool | Method::GetPrompt => Some(Member::Name),
        Method::ReadResource => Some(Member::Uri),
        Method::GetTask | Method::UpdateTask | Method::CancelTask => Some(Member::TaskId),
        _ => None,
    }
}

impl Mirrored<'_> {
    /// Sets the headers: the client's half.
    pub fn write(&self, headers: &mut HeaderMap) {
        headers.insert(names::PROTOCOL_VERSION, value::header(self.version));
        headers.insert(names::METHOD, plain_header(self.method));
        if let Some(name) = self.name {
            headers.insert(names::NAME, value::header(name));
        }
    }

    /// Compares the headers: the server's half.
    ///
    /// Values are case-sensitive. Only `Mcp-Name` may be base64, and only where the method is an
    /// extension's may it be absent: such clients there are, and nobody can take that for another
    /// name. The extension obliges clients to send it, and no server to refuse them.
    ///
    /// # Errors
    /// What to answer with -32020 and status 400: the first header that is missing, there twice,
    /// not to be read, or different from the body.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Mismatch> {
        compare(headers, &names::PROTOCOL_VERSION, self.version, plain)?;
        compare(headers, &names::METHOD, self.method, plain)?;
        match self.name {
            Some(_) if !names_itself(self.method) && !headers.contains_key(&names::NAME) => Ok(()),
            Some(name) => compare(headers, &names::NAME, name, value::decode),
            None => Ok(()),
        }
    }
}

// 2026-07-28, basic/transports/streamable-http, Standard Headers: of these `Mcp-Name` is required.
fn names_itself(method: &str) -> bool {
    use Method::{CallTool, GetPrompt, ReadResource};
    matches!(
        Method::parse(method),
        Some(CallTool | GetPrompt | ReadResource)
    )
}

fn plain(value: &[u8]) -> Result<Cow<'_, str>, Undecodable> {
    value::plain(value).map(Cow::Borrowed)
}

type Read = fn(&[u8]) -> Result<Cow<'_, str>, Undecodable>;

fn compare(headers: &HeaderMap, name: &HeaderName, body: &str, read: Read) -> Result<(), Mismatch> {
    let header = single(headers, name)?.ok_or_else(|| Mismatch::new(name, "is missing"))?;
    let text = read(header.as_bytes()).map_err(|_| Mismatch::new(name, UNREADABLE))?;
    if text == body {
        return Ok(());
    }
    Err(Mismatch::new(
        name,
        format!("is {text:?} where the body has {body:?}"),
    ))
}

pub(super) const UNREADABLE: &str = "has invalid characters or invalid base64";

/// The header's only value; `None` where it is absent.
///
/// # Errors
/// Where it is there more than once: readers would disagree on which one counts.
pub fn single<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h HeaderValue>, Mismatch> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (first, None) => Ok(first),
        _ => Err(Mismatch::new(name, "is there more than once")),
    }
}

// Method names are visible ASCII; another one is sent in the form that cannot be taken for it.
fn plain_header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| value::header(text))
}

/// Headers that do not repeat the body: -32020 with status 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    header: HeaderName,
    problem: Cow<'static, str>,
}

impl Mismatch {
    pub(super) fn new(header: &HeaderName, problem: impl Into<Cow<'static, str>>) -> Self {
        Self {
            header: header.clone(),
            problem: problem.into(),
        }
    }

    /// The header at fault.
    #[must_use]
    pub fn header(&self) -> &HeaderName {
        &self.header
    }

    /// The error to answer with.
    #[must_use]
    pub fn to_error(&self) -> crate::rpc::RpcError {
        crate::rpc::RpcError::new(crate::rpc::codes::HEADER_MISMATCH, format!("{self}"))
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "header mismatch: {} {}", self.header, self.problem)
    }
}

impl core::error::Error for Mismatch {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    const CALL: Mirrored<'_> = Mirrored {
        version: "2026-07-28",
        method: "tools/call",
        name: Some("add"),
    };

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn what_the_client_writes_the_server_accepts() {
        for name in ["add", "", "naïve", " a ", "=?base64?x?=", "file:///a%20b"] {
            let mirrored = Mirrored {
                name: Some(name),
                ..CALL
            };
            let mut headers = HeaderMap::new();
            mirrored.write(&mut headers);
            assert_eq!(mirrored.check(&headers), Ok(()), "{name}");
        }
        let list = Mirrored {
            version: "2026-07-28",
            method: "tools/list",
            name: None,
        };
        let mut headers = HeaderMap::new();
        list.write(&mut headers);
        assert_eq!(headers.len(), 2);
        assert_eq!(list.check(&headers), Ok(()));
    }

    #[test]
    fn every_disagreement_is_told() {
        const VERSION: (&str, &[u8]) = ("mcp-protocol-version", b"2026-07-28");
        const METHOD: (&str, &[u8]) = ("mcp-method", b"tools/call");
        let name = |value: &'static [u8]| ("mcp-name", value);
        type Row<'a> = (&'a [(&'static str, &'a [u8])], Option<&'a str>);
        let table: &[Row<'_>] = &[
            (&[VERSION, METHOD, name(b"add")], None),
            (&[VERSION, METHOD, name(b"\t add ")], None),
            (&[VERSION, METHOD, name(b"=?base64?YWRk?=")], None),
            (
                &[
                    ("mcp-protocol-version", b" 2026-07-28"),
                    METHOD,
                    name(b"add"),
                ],
                None,
            ),
            (
                &[METHOD, name(b"add")],
                Some("mcp-protocol-version is missing"),
            ),
            (
                &[VERSION, VERSION, METHOD, name(b"add")],
                Some("mcp-protocol-version is there more than once"),
            ),
            (
                &[
                    ("mcp-protocol-version", b"2025-11-25"),
                    METHOD,
                    name(b"add"),
                ],
                Some("mcp-protocol-version is \"2025-11-25\" where the body has \"2026-07-28\""),
            ),
            (&[VERSION, name(b"add")], Some("mcp-method is missing")),
            (
                &[VERSION, ("mcp-method", b"TOOLS/CALL"), name(b"add")],
                Some("mcp-method is \"TOOLS/CALL\" where the body has \"tools/call\""),
            ),
            // Only names may be base64.
            (
                &[
                    VERSION,
                    ("mcp-method", b"=?base64?dG9vbHMvY2FsbA==?="),
                    name(b"add"),
                ],
                Some(
                    "mcp-method is \"=?base64?dG9vbHMvY2FsbA==?=\" where the body has \"tools/call\"",
                ),
            ),
            (&[VERSION, METHOD], Some("mcp-name is missing")),
            (
                &[VERSION, METHOD, name(b"")],
                Some("mcp-name is \"\" where the body has \"add\""),
            ),
            (
                &[VERSION, METHOD, name(b"Add")],
                Some("mcp-name is \"Add\" where the body has \"add\""),
            ),
            (
                &[VERSION, METHOD, name(b"add"), name(b"add")],
                Some("mcp-name is there more than once"),
            ),
            (
                &[VERSION, METHOD, name(b"\xFF")],
                Some("mcp-name has invalid characters or invalid base64"),
            ),
            (
                &[VERSION, METHOD, name(b"=?base64?YWR?=")],
                Some("mcp-name has invalid characters or invalid base64"),
            ),
        ];
        for (pairs, problem) in table {
            let expected = problem.map_or(Ok(()), |problem| {
                Err(alloc::format!("header mismatch: {problem}"))
            });
            let found = CALL
                .check(&headers(pairs))
                .map_err(|mismatch| mismatch.to_string());
            assert_eq!(found, expected, "{pairs:?}");
        }
    }

    #[test]
    fn of_an_extension_s_methods_the_name_may_be_absent_but_not_another() {
        const METHOD: (&str, &[u8]) = ("mcp-method", b"tasks/get");
        let get = Mirrored {
            version: "2026-07-28",
            method: "tasks/get",
            name: Some("t1"),
        };
        let version = ("mcp-protocol-version", &b"2026-07-28"[..]);
        let fine = |name: Option<&'static [u8]>| {
            let name = name.map(|name| ("mcp-name", name));
            let pairs: alloc::vec::Vec<_> = [version, METHOD].into_iter().chain(name).collect();
            get.check(&headers(&pairs)).is_ok()
        };
        assert!(fine(None) && fine(Some(b"t1")) && fine(Some(b"=?base64?dDE=?=")));
        assert!(!fine(Some(b"t2")) && !fine(Some(b"")) && !fine(Some(b"=?base64?dDE?=")));
    }
}
