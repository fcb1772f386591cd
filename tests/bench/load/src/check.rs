//! Is a response the right one? The first is read as JSON; those that follow are compared byte by
//! byte with it, and read as JSON only where they differ in more than the id.

use memchr::memmem;
use serde_json::Value;

use crate::wire::{Call, FIRST_ID, ID_DIGITS};

/// Knows what the answer to one kind of call looks like.
#[derive(Debug)]
pub(crate) struct Checker {
    call: Call,
    text: String,
    /// A response that was read, and where its id is.
    known: Option<(Vec<u8>, usize)>,
}

impl Checker {
    pub(crate) fn new(call: Call) -> Self {
        Self {
            call,
            text: call.text(),
            known: None,
        }
    }

    /// The id of a response that is in order.
    pub(crate) fn check(&mut self, body: &[u8]) -> Result<u64, Wrong> {
        if let Some((known, at)) = &self.known {
            let behind = at + ID_DIGITS;
            if body.len() == known.len()
                && body[..*at] == known[..*at]
                && body[behind..] == known[behind..]
                && let Some(id) = digits(&body[*at..behind])
            {
                return Ok(id);
            }
        }
        let id = self.read(body).map_err(|why| Wrong {
            id: id_of(body),
            why: format!("{why}: {}", excerpt(body)),
        })?;
        let text = id.to_string();
        let mut places = memmem::find_iter(body, text.as_bytes());
        if let (Some(at), None) = (places.next(), places.next()) {
            self.known = Some((body.to_vec(), at));
        }
        Ok(id)
    }

    fn read(&self, body: &[u8]) -> Result<u64, &'static str> {
        let message: Value = serde_json::from_slice(body).map_err(|_| "no JSON")?;
        if message["jsonrpc"] != "2.0" {
            return Err("no JSON-RPC");
        }
        let id = message["id"].as_u64().ok_or("no id")?;
        if id < FIRST_ID {
            return Err("an id of nobody");
        }
        let result = &message["result"];
        if result["isError"] == true || !result.is_object() {
            return Err("not a result");
        }
        if let Call::List(count) = self.call {
            let tools = result["tools"].as_array().ok_or("no tools")?;
            return if tools.len() == count {
                Ok(id)
            } else {
                Err("not all tools")
            };
        }
        let content = result["content"].as_array().ok_or("no content")?;
        let [block] = &content[..] else {
            return Err("not one block");
        };
        let text = block["text"].as_str().ok_or("no text")?;
        let right = match self.call {
            Call::Add => text.trim().parse() == Ok(3.0),
            _ => text == self.text,
        };
        if right { Ok(id) } else { Err("a wrong text") }
    }
}

/// A response that is not the right one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Whom it answers, where that can be read.
    pub(crate) id: Option<u64>,
    pub(crate) why: String,
}

fn id_of(body: &[u8]) -> Option<u64> {
    let message: Value = serde_json::from_slice(body).ok()?;
    message["id"].as_u64().filter(|id| *id >= FIRST_ID)
}

fn digits(text: &[u8]) -> Option<u64> {
    let mut number = 0;
    for byte in text {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number = number * 10 + u64::from(digit);
    }
    Some(number)
}

pub(crate) fn excerpt(body: &[u8]) -> String {
    let start = &body[..body.len().min(300)];
    String::from_utf8_lossy(start).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(id: u64, text: &str) -> Vec<u8> {
        let content = serde_json::json!([{"type": "text", "text": text}]);
        let message =
            serde_json::json!({"jsonrpc": "2.0", "id": id, "result": {"content": content}});
        message.to_string().into_bytes()
    }

    #[test]
    fn right_answers_pass_and_their_ids_are_read() {
        let mut checker = Checker::new(Call::Echo(9));
        let text = Call::Echo(9).text();
        for id in [FIRST_ID, FIRST_ID + 7, FIRST_ID + 123_456] {
            assert_eq!(checker.check(&answer(id, &text)), Ok(id));
        }
        assert!(checker.known.is_some());
    }

    #[test]
    fn wrong_answers_fail_first_and_later() {
        let mut checker = Checker::new(Call::Echo(9));
        let wrong: [&[u8]; 4] = [
            b"",
            b"{}",
            br#"{"jsonrpc":"2.0","id":1000000000,"error":{"code":-32603,"message":"busy"}}"#,
            &answer(FIRST_ID, "another"),
        ];
        for body in wrong {
            assert!(checker.check(body).is_err());
        }
        let text = Call::Echo(9).text();
        checker
            .check(&answer(FIRST_ID, &text))
            .expect("it is right");
        for body in wrong {
            assert!(checker.check(body).is_err());
        }
        assert!(checker.check(&answer(5, &text)).is_err());
    }
}
