//! Requests of either era that have been understood: what each method does.

use alloc::{borrow::Cow, boxed::Box, format, string::String};
use core::ops::Range;
use mcp_proto::{
    json::{Json, Raw},
    method::{Capability, Method},
    rpc::{Member, Params, RpcError},
    types::{CompleteResult, EmptyResult},
    version::{Era, ProtocolVersion},
};

use super::{
    Session,
    calls::NewCall,
    extension::task_call,
    offers::{FoundCompletion, Offers, Place},
    open::{Address, Asked},
    receive::Arrival,
};
use crate::{call::Work, error::resource_not_found, service::ComponentKind};

/// Where arguments were taken from.
pub(super) struct Arguments {
    /// A copy, unless they are lent.
    pub(super) copied: Option<Json>,
    pub(super) lent: Option<Range<usize>>,
}

impl Session {
    /// Serves a request whose era, revision and client are known.
    pub(super) fn serve(
        &mut self,
        address: &Address,
        method: Method,
        params: &Params<'_>,
        asked: Asked,
        arrival: &Arrival<'_>,
    ) -> Result<Option<NewCall>, RpcError> {
        let (offers, version) = (arrival.offers, asked.peer.version);
        // Every revision, 2026-07-28 basic/index: what it has removed is as unknown as what it
        // never had.
        if !method.exists_in(version) {
            return Err(RpcError::method_not_found(method.name()));
        }
        match method {
            Method::CallTool => return self.call_tool(params, asked, arrival).map(Some),
            Method::GetPrompt => return self.get_prompt(params, asked, arrival).map(Some),
            Method::ReadResource => return self.read_resource(params, asked, offers).map(Some),
            Method::Complete => return self.complete(address, params, asked, offers),
            Method::ListTools => {
                self.list(ComponentKind::Tool, address, params, version, offers)?;
            }
            Method::ListPrompts => {
                self.list(ComponentKind::Prompt, address, params, version, offers)?;
            }
            Method::ListResources => {
                self.list(ComponentKind::Resource, address, params, version, offers)?;
            }
            Method::ListResourceTemplates => {
                self.list(ComponentKind::Template, address, params, version, offers)?;
            }
            Method::Discover => self.discover(address, version, offers),
            Method::Listen => self.listen(address, params, asked.peer, offers)?,
            Method::SetLevel => self.set_level(address, params, offers)?,
            Method::Subscribe => self.subscribe(address, params, offers)?,
            Method::Unsubscribe => self.unsubscribe(address, params, offers)?,
            // What is left are an extension's.
            _ => return Err(RpcError::method_not_found(method.name())),
        }
        Ok(None)
    }

    pub(super) fn answer_empty(
        &mut self,
        to: &Address,
        version: ProtocolVersion,
        offers: &dyn Offers,
    ) {
        self.answer_result(to, version, offers, &EmptyResult::default());
    }

    fn call_tool(
        &mut self,
        params: &Params<'_>,
        asked: Asked,
        arrival: &Arrival<'_>,
    ) -> Result<NewCall, RpcError> {
        let name = params.text(Member::Name)?;
        let Some((found, policy)) = arrival.offers.find_tool(&name) else {
            return Err(not_found(
                Method::CallTool,
                "tool",
                name,
                &asked,
                arrival.offers,
            ));
        };
        let starter = self.becomes_task(policy.support, params, &asked.peer, arrival.offers)?;
        // Until 2025-11-25 the client has asked for a task, and gets one at once.
        let detachable =
            starter.is_some() && policy.detaches && asked.peer.version.era() == Era::Stateless;
        let (peer, offers) = (&*asked.peer, arrival.offers);
        let resumed = self.resumed(params, peer, Method::CallTool, &name, offers)?;
        if let Some(starter) = starter.filter(|_| !detachable) {
            let place = Place::Extension(starter);
            return task_call(found, place, params, asked, resumed, arrival);
        }
        let Arguments { copied, lent } = arguments(params, arrival)?;
        let work = Work::Tool {
            name: found.name,
            arguments: copied,
        };
        Ok(NewCall {
            asked,
            work,
            place: found.place,
            timeout: found.timeout,
            lent,
            resumed,
            detachable,
        })
    }

    fn get_prompt(
        &mut self,
        params: &Params<'_>,
        asked: Asked,
        arrival: &Arrival<'_>,
    ) -> Result<NewCall, RpcError> {
        let name = params.text(Member::Name)?;
        let Some(found) = arrival.offers.find_prompt(&name) else {
            return Err(not_found(
                Method::GetPrompt,
                "prompt",
                name,
                &asked,
                arrival.offers,
            ));
        };
        let (peer, offers) = (&*asked.peer, arrival.offers);
        let resumed = self.resumed(params, peer, Method::GetPrompt, &name, offers)?;
        let Arguments { copied, lent } = arguments(params, arrival)?;
        let work = Work::Prompt {
            name: found.name,
            arguments: copied,
        };
        Ok(NewCall {
            asked,
            work,
            place: found.place,
            timeout: found.timeout,
            lent,
            resumed,
            detachable: false,
        })
    }

    fn read_resource(
        &mut self,
        params: &Params<'_>,
        asked: Asked,
        offers: &dyn Offers,
    ) -> Result<NewCall, RpcError> {
        let uri = params.text(Member::Uri)?;
        let version = asked.peer.version;
        // Matching against templates is worth no more than this.
        let fits = uri.len() <= self.limits.name_bytes;
        let Some((found, variables)) = offers.find_resource(&uri).filter(|_| fits) else {
            require(Method::ReadResource, version, offers)?;
            return Err(super::finish::fit(resource_not_found(&uri), version));
        };
        let method = Method::ReadResource;
        let resumed = self.resumed(params, &asked.peer, method, &uri, offers)?;
        let work = Work::Resource {
            uri: uri.into_owned(),
            variables,
        };
        Ok(NewCall {
            asked,
            work,
            place: found.place,
            timeout: found.timeout,
            lent: None,
            resumed,
            detachable: false,
        })
    }

    fn complete(
        &mut self,
        address: &Address,
        params: &Params<'_>,
        asked: Asked,
        offers: &dyn Offers,
    ) -> Result<Option<NewCall>, RpcError> {
        let version = asked.peer.version;
        // 2024-11-05 has the method without the capability.
        if version > ProtocolVersion::V2024_11_05 {
            require(Method::Complete, version, offers)?;
        }
        for member in [Member::Reference, Member::Argument, Member::Context] {
            params.object(member)?;
        }
        let leads_nowhere = || RpcError::invalid_params("params.ref leads to nothing");
        let wanted = offers.read_completion(params)?.ok_or_else(leads_nowhere)?;
        match offers.find_completion(&wanted.reference) {
            FoundCompletion::At(place) => {
                let work = Work::Complete(Box::new(wanted));
                Ok(Some(NewCall {
                    asked,
                    work,
                    place,
                    timeout: None,
                    lent: None,
                    resumed: None,
                    detachable: false,
                }))
            }
            FoundCompletion::Nothing => {
                self.answer_result(address, version, offers, &CompleteResult::default());
                Ok(None)
            }
            FoundCompletion::Unknown => Err(leads_nowhere()),
        }
    }

    fn list(
        &mut self,
        kind: ComponentKind,
        address: &Address,
        params: &Params<'_>,
        version: ProtocolVersion,
        offers: &dyn Offers,
    ) -> Result<(), RpcError> {
        let method = match kind {
            ComponentKind::Tool => Method::ListTools,
            ComponentKind::Prompt => Method::ListPrompts,
            ComponentKind::Resource | ComponentKind::Template => Method::ListResources,
        };
        require(method, version, offers)?;
        let cursor = params.optional_text(Member::Cursor)?;
        let page = offers.page(kind, version, cursor.as_deref())?;
        self.answer_result(address, version, offers, &page);
        Ok(())
    }
}

/// The arguments' object. Where they are most of a long text that can be handed over, they are
/// lent instead of copied.
pub(super) fn arguments(params: &Params<'_>, arrival: &Arrival<'_>) -> Result<Arguments, RpcError> {
    let raw = params.object(Member::Arguments)?;
    let lent = raw.and_then(|raw| range_within(raw, arrival.whole?));
    let copied = if lent.is_some() {
        None
    } else {
        raw.map(Json::from_raw)
    };
    Ok(Arguments { copied, lent })
}

fn range_within(raw: Raw<'_>, whole: &str) -> Option<Range<usize>> {
    let part = raw.get();
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let range = start..start.checked_add(part.len())?;
    (part.len() > whole.len() / 2 && whole.get(range.clone()) == Some(part)).then_some(range)
}

fn not_found(
    method: Method,
    kind: &str,
    name: Cow<'_, str>,
    asked: &Asked,
    offers: &dyn Offers,
) -> RpcError {
    if let Err(error) = require(method, asked.peer.version, offers) {
        return error;
    }
    // Every revision, server/tools and server/prompts, Error Handling.
    RpcError::invalid_params(format!("unknown {kind}: {}", shortened(name)))
}

/// A name from a client is repeated to it, but not at any length.
const SHOWN_CHARS: usize = 200;

fn shortened(name: Cow<'_, str>) -> Cow<'_, str> {
    match name.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => Cow::Owned(String::from(&name[..end]) + "…"),
        None => name,
    }
}

/// Checks that what a method needs is declared.
///
/// # Errors
/// -32601: without its capability a method does not exist (every revision, basic/lifecycle,
/// Capability Negotiation).
pub(super) fn require(
    method: Method,
    version: ProtocolVersion,
    offers: &dyn Offers,
) -> Result<(), RpcError> {
    let declared = offers.capabilities(version);
    let fulfilled = match method.info().capability {
        Capability::None => true,
        Capability::Tools => declared.tools.is_some(),
        Capability::Prompts => declared.prompts.is_some(),
        Capability::Resources => declared.resources.is_some(),
        Capability::Subscribe => declared
            .resources
            .is_some_and(|resources| resources.subscribe),
        Capability::Completions => declared.completions.is_some(),
        Capability::Logging => declared.logging.is_some(),
        _ => false,
    };
    if fulfilled {
        Ok(())
    } else {
        Err(RpcError::method_not_found(method.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_lent_where_they_are_more_than_half_of_the_text() {
        let within = |whole: &str, part: Range<usize>| {
            let raw = Raw::parse(&whole[part]).unwrap();
            range_within(raw, whole)
        };
        // Of seven, ten, eleven and twelve bytes.
        assert_eq!(within(r#"ab"cd"e"#, 2..6), Some(2..6));
        assert_eq!(within(r#"abcd"ef"gh"#, 4..8), None);
        assert_eq!(within(r#"abc"def"ghij"#, 3..8), None);
        assert_eq!(within(r#"abc"defg"hi"#, 3..9), Some(3..9));
        assert_eq!(within(r#"ab"cdefg"hij"#, 2..9), Some(2..9));
        assert_eq!(within(r#"abc"defg"hij"#, 3..9), None, "just half of it");
        // The same text elsewhere is no part of it.
        let elsewhere = alloc::string::String::from(r#""abcdef""#);
        let raw = Raw::parse(&elsewhere).unwrap();
        assert_eq!(range_within(raw, r#""abcdef""#), None);
    }

    #[test]
    fn an_unknown_name_is_repeated_up_to_a_length() {
        let fits = "é".repeat(SHOWN_CHARS);
        assert_eq!(shortened(Cow::Borrowed(&fits)), fits);
        assert_eq!(
            shortened(Cow::Owned(format!("{fits}é"))),
            format!("{fits}…")
        );
    }
}
