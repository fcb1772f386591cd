//! The message that a client gets most often, read without what others need.

use crate::{
    json::{Raw, Scanner},
    limits::Limits,
};

/// The id and the result of a response that is spelled as most peers do: a number for an id, and
/// the members in the usual order without white space between them. `None` for anything else, which
/// [`parse_text`](super::parse_text) is to read.
///
/// ```
/// use mcp_proto::{limits::Limits, rpc::usual_result};
///
/// let limits = Limits::default();
/// let (id, result) = usual_result(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#, &limits).unwrap();
/// assert_eq!((id, result.get()), (7, "{}"));
/// assert_eq!(usual_result(r#"{"jsonrpc":"2.0","id":"7","result":{}}"#, &limits), None);
/// assert_eq!(usual_result(r#"{"jsonrpc":"2.0","id":7,"result":{]}"#, &limits), None);
/// ```
#[must_use]
pub fn usual_result<'a>(text: &'a str, limits: &Limits) -> Option<(i64, Raw<'a>)> {
    // More digits than any number of requests has, and fewer than do not fit.
    const DIGITS: usize = 18;
    if text.len() > Scanner::MAX_LEN {
        return None;
    }
    let rest = text.strip_prefix("{\"jsonrpc\":\"2.0\",\"id\":")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = rest.split_at(digits);
    if digits == 0 || digits > DIGITS || number.len() > 1 && number.starts_with('0') {
        return None;
    }
    let add = |sum: i64, digit: u8| sum * 10 + i64::from(digit - b'0');
    let id = number.bytes().fold(0, add);
    let rest = rest.strip_prefix(",\"result\":")?;
    let mut scanner = Scanner::new(rest, limits.json_depth.checked_sub(1)?);
    let result = scanner.value().ok()?.of(rest)?;
    (scanner.rest() == "}").then_some((id, result))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::{Incoming, Message, RequestId, parse_text};
    use alloc::{format, string::String};

    #[test]
    fn what_is_read_in_short_is_what_is_read_at_length() {
        let limits = Limits {
            json_depth: 3,
            ..Limits::default()
        };
        let spelled = [
            r#"{"jsonrpc":"2.0","id":7,"result":{"a":[1]}}"#,
            r#"{"jsonrpc":"2.0","id":7,"result":{"a":[[1]]}}"#,
            r#"{"jsonrpc":"2.0","id":0,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":01,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":-1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1.0,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":999999999999999999,"result":null}"#,
            r#"{"jsonrpc":"2.0","id":9999999999999999999,"result":null}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":"x" }"#,
            r#"{"jsonrpc":"2.0","id":1,"result": 5}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":5} "#,
            r#"{"jsonrpc":"2.0","id":1,"result":5}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":5,"result":6}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":5,"error":{"code":1,"message":""}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":5,"more":6}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"a":1,}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}"#,
            r#"{"jsonrpc":"2.0","id":1,"#,
        ];
        let mut short = 0;
        for text in spelled {
            let at_length = match parse_text(text, &limits) {
                Ok(Incoming::Single(Message::Response {
                    id: Some(RequestId::Number(id)),
                    outcome: Ok(result),
                })) => Some((id, result)),
                _ => None,
            };
            if let Some(read) = usual_result(text, &limits) {
                assert_eq!(Some(read), at_length, "{text}");
                short += 1;
            }
        }
        assert_eq!(short, 4);
        let deep = format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{}}}"#,
            String::from("[").repeat(9)
        );
        assert_eq!(usual_result(&deep, &limits), None);
    }
}
