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
    types::Map,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Fault;

/// The tools some of whose arguments travel in headers as well.
#[derive(Debug, Default)]
pub(super) struct Tools {
    known: BTreeMap<Box<str>, (u32, Vec<ParamHeader>)>,
    // Which listing of the tools is being read; what the last one did not have is forgotten.
    listing: u32,
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
        for param in self.known.get(name).map_or(&[][..], |(_, params)| params) {
            param.write(arguments, headers);
        }
    }

    /// Reads a page of the list of tools, whose bad tools are left out ("Schema Extension": MUST).
    ///
    /// A page that cannot be read is left as it is, for whoever asked for it to judge.
    pub(super) fn learn(&mut self, page: &str, first: bool, most: usize) -> Learnt {
        let Ok(Page { tools, next }) = serde_json::from_str(page) else {
            return Learnt::default();
        };
        self.listing = self.listing.wrapping_add(u32::from(first));
        let mut learnt = Learnt::default();
        let mut good = Vec::with_capacity(tools.len());
        for raw in tools {
            match self.learn_tool(raw, most) {
                Ok(()) => good.push(raw),
                Err(fault) => learnt.faults.push(fault),
            }
        }
        if next.is_none() {
            let listing = self.listing;
            self.known.retain(|_, (seen, _)| *seen == listing);
        }
        if !learnt.faults.is_empty() {
            learnt.page = with_tools(page, &good);
        }
        learnt.next = next;
        learnt
    }

    fn learn_tool(&mut self, raw: &RawValue, most: usize) -> Result<(), Fault> {
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
        match params {
            Ok(params) if !params.is_empty() && (self.has(&name) || self.known.len() < most) => {
                self.known
                    .insert((*name).to_owned().into(), (self.listing, params));
                Ok(())
            }
            Ok(_) => {
                self.known.remove(&*name);
                Ok(())
            }
            Err(fault) => {
                self.known.remove(&*name);
                Err(fault)
            }
        }
    }
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
        let learnt = tools.learn(&page(&all, r#","nextCursor":"n""#), true, 9);
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
        let learnt = tools.learn(&page(&[plain], ""), false, 9);
        assert!(learnt.page.is_none() && learnt.faults.is_empty() && learnt.next.is_none());
        assert!(tools.has("g"));
    }

    #[test]
    fn the_last_listing_counts() {
        let mut tools = Tools::default();
        tools.learn(
            &page(&[tool("a", GOOD), tool("b", GOOD), tool("c", GOOD)], ""),
            true,
            9,
        );
        // While another one is read, what the earlier one said still holds.
        tools.learn(
            &page(&[tool("a", ""), tool("b", GOOD)], r#","nextCursor":"2""#),
            true,
            9,
        );
        assert!(!tools.has("a") && tools.has("b") && tools.has("c"));
        tools.learn(&page(&[tool("d", BAD)], ""), false, 9);
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
            let learnt = tools.learn(text, true, 9);
            assert!(learnt.page.is_none() && learnt.faults.is_empty(), "{text}");
        }
        tools.learn(&page(&[tool("a", GOOD), tool("b", GOOD)], ""), true, 1);
        assert!(tools.has("a") && !tools.has("b"));
    }
}
