//! What the server's tools say about headers (2026-07-28, basic/transports/streamable-http,
//! "Custom Headers from Tool Parameters").

use alloc::{
    borrow::{Cow, ToOwned},
    boxed::Box,
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use http::HeaderMap;
use mcp_proto::{
    http::param::{self, ParamHeader},
    json::{Json, Raw},
    limits::Limits,
    types::Map,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Fault;

/// The tools some of whose arguments travel in headers as well.
#[derive(Debug, Default)]
pub(super) struct Tools {
    known: BTreeMap<Box<str>, Known>,
    // What all of them take together.
    bytes: usize,
    // Which listing of the tools is being read; what the last one did not have is forgotten.
    listing: u32,
}

#[derive(Debug)]
struct Known {
    listing: u32,
    params: Vec<ParamHeader>,
    bytes: usize,
}

/// What became of a page.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    /// The page without the tools that break the rules; `None` where there are none.
    pub(super) page: Option<String>,
    pub(super) faults: Vec<Fault>,
    pub(super) next: Option<String>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
    #[serde(rename = "nextCursor")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(rename = "inputSchema", borrow)]
    schema: Option<&'a RawValue>,
}

impl Tools {
    /// Whether arguments of this tool travel in headers.
    pub(super) fn has(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    /// Sets the headers that repeat a call's arguments.
    pub(super) fn write(&self, name: &str, arguments: Option<Raw<'_>>, headers: &mut HeaderMap) {
        for param in self.known.get(name).map_or(&[][..], |known| &known.params) {
            param.write(arguments, headers);
        }
    }

    /// Reads a page of the list of tools, whose bad tools are left out ("Schema Extension": MUST).
    ///
    /// A page that cannot be read is left as it is, for whoever asked for it to judge.
    pub(super) fn learn(&mut self, page: &str, first: bool, limits: &Limits) -> Learnt {
        let Ok(Page { tools, next }) = serde_json::from_str(page) else {
            return Learnt::default();
        };
        self.listing = self.listing.wrapping_add(u32::from(first));
        let mut learnt = Learnt::default();
        let mut good = Vec::with_capacity(tools.len());
        for raw in tools {
            match self.learn_tool(raw, limits) {
                Ok(()) => good.push(raw),
                Err(fault) => learnt.faults.push(fault),
            }
        }
        if next.is_none() {
            let listing = self.listing;
            self.known.retain(|_, known| known.listing == listing);
            self.bytes = self.known.values().map(|known| known.bytes).sum();
        }
        if !learnt.faults.is_empty() {
            learnt.page = with_tools(page, &good);
        }
        learnt.next = next;
        learnt
    }

    fn learn_tool(&mut self, raw: &RawValue, limits: &Limits) -> Result<(), Fault> {
        let Ok(Tool {
            name,
            schema: Some(schema),
        }) = serde_json::from_str(raw.get())
        else {
            return Ok(());
        };
        let params = param::scan(schema.get()).map_err(|bad| Fault::Tool {
            name: name.clone().into_owned(),
            reason: bad.to_string(),
        });
        // What was known of it is out of date, whatever comes of this.
        let was_known = self.forget(&name);
        let params = params?;
        let bytes = name.len() + params.iter().map(size).sum::<usize>();
        let has_room = was_known || self.known.len() < limits.annotated_tools;
        // All of them may take as much as one message.
        if !params.is_empty() && has_room && self.bytes + bytes <= limits.message_bytes {
            self.bytes += bytes;
            let listing = self.listing;
            let known = Known {
                listing,
                params,
                bytes,
            };
            self.known.insert((*name).to_owned().into(), known);
        }
        Ok(())
    }

    // Whether it was known.
    fn forget(&mut self, name: &str) -> bool {
        let known = self.known.remove(name);
        self.bytes -= known.as_ref().map_or(0, |known| known.bytes);
        known.is_some()
    }
}

fn size(param: &ParamHeader) -> usize {
    let path = param.path().map(|name| name.len() + size_of::<Box<str>>());
    size_of::<ParamHeader>() + param.name().as_str().len() + path.sum::<usize>()
}

fn with_tools(page: &str, tools: &[&RawValue]) -> Option<String> {
    let mut members: Map<Json> = serde_json::from_str(page).ok()?;
    members.insert("tools", Json::new(tools).ok()?);
    Some(Json::new(&members).ok()?.into_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use http::HeaderValue;

    fn up_to(tools: usize) -> Limits {
        let mut limits = Limits::default();
        limits.annotated_tools = tools;
        limits
    }

    fn tool(name: &str, annotation: &str) -> String {
        format!(
            r#"{{"name":"{name}","inputSchema":{{"type":"object","properties":{{"a":{{"type":"string"{annotation}}}}}}}}}"#
        )
    }

    fn page(tools: &[String], rest: &str) -> String {
        format!(r#"{{"x":1,"tools":[{}]{rest}}}"#, tools.join(","))
    }

    fn header(tools: &Tools, name: &str) -> Option<HeaderValue> {
        let mut headers = HeaderMap::new();
        let arguments = Raw::parse(r#"{"a":"v"}"#).unwrap();
        tools.write(name, Some(arguments), &mut headers);
        headers.get("mcp-param-a").cloned()
    }

    const GOOD: &str = r#","x-mcp-header":"A""#;
    const BAD: &str = r#","x-mcp-header":"A B""#;

    #[test]
    fn a_bad_tool_is_left_out_and_the_others_stay() {
        let mut tools = Tools::default();
        let (plain, good, bad) = (tool("p", ""), tool("g", GOOD), tool("b", BAD));
        let all = [plain.clone(), bad, good.clone()];
        let learnt = tools.learn(&page(&all, r#","nextCursor":"n""#), true, &up_to(9));
        assert_eq!(learnt.next.as_deref(), Some("n"));
        assert_eq!(
            learnt.page,
            Some(page(&[plain.clone(), good], r#","nextCursor":"n""#))
        );
        assert!(
            matches!(&learnt.faults[..], [Fault::Tool { name, reason }] if name == "b" && reason.contains("A B")),
            "{learnt:?}"
        );
        assert_eq!(header(&tools, "g").unwrap(), "v");
        assert!(!tools.has("p") && !tools.has("b"));
        // Nothing wrong: the page stays as it is.
        let learnt = tools.learn(&page(&[plain], ""), false, &up_to(9));
        assert!(learnt.page.is_none() && learnt.faults.is_empty() && learnt.next.is_none());
        assert!(tools.has("g"));
    }

    #[test]
    fn the_last_listing_counts() {
        let mut tools = Tools::default();
        tools.learn(
            &page(&[tool("a", GOOD), tool("b", GOOD), tool("c", GOOD)], ""),
            true,
            &up_to(9),
        );
        // While another one is read, what the earlier one said still holds.
        tools.learn(
            &page(&[tool("a", ""), tool("b", GOOD)], r#","nextCursor":"2""#),
            true,
            &up_to(9),
        );
        assert!(!tools.has("a") && tools.has("b") && tools.has("c"));
        tools.learn(&page(&[tool("d", BAD)], ""), false, &up_to(9));
        assert!(tools.has("b") && !tools.has("c") && !tools.has("d"));
    }

    #[test]
    fn what_is_no_page_is_passed_on_and_no_more_than_the_limit_is_remembered() {
        let mut tools = Tools::default();
        for text in [
            "null",
            "[]",
            r#"{"tools":7}"#,
            r#"{"tools":[{"name":7},8]}"#,
        ] {
            let learnt = tools.learn(text, true, &up_to(9));
            assert!(learnt.page.is_none() && learnt.faults.is_empty(), "{text}");
        }
        tools.learn(
            &page(&[tool("a", GOOD), tool("b", GOOD)], ""),
            true,
            &up_to(1),
        );
        assert!(tools.has("a") && !tools.has("b"));
    }

    #[test]
    fn what_is_remembered_takes_no_more_than_one_message() {
        let mut tools = Tools::default();
        let three = ["a", "b", "c"].map(|name| tool(name, GOOD));
        tools.learn(&page(&three, ""), true, &up_to(9));
        let mut limits = up_to(9);
        limits.message_bytes = tools.bytes;
        let known = |limits: &Limits| {
            let mut tools = Tools::default();
            // Twice: what is said anew replaces what was known.
            for _ in 0..2 {
                tools.learn(&page(&three, ""), true, limits);
            }
            ["a", "b", "c"].map(|name| tools.has(name))
        };
        assert_eq!(known(&limits), [true; 3]);
        limits.message_bytes -= 1;
        assert_eq!(known(&limits), [true, true, false]);
        // What is not offered any more takes nothing.
        let all = tools.bytes;
        tools.learn(&page(&three[..1], ""), true, &up_to(9));
        assert_eq!(tools.bytes, all / 3);
    }
}
