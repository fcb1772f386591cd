//! What only a service with something else than tools does: resources, templates, prompts,
//! completions.
//!
//! A table of functions which is there once the first such component is added. Most servers have
//! tools only; a program that never adds anything else does not carry the code for it.

use alloc::sync::Arc;
use core::fmt;
use mcp_proto::{
    rpc::{Member, Params, RpcError},
    types::{CompleteParams, CompletionReference},
    uri::Variables,
    version::ProtocolVersion,
};

use super::{
    Service, Tables,
    component::{ComponentKind, Definition},
    page::Page,
    table::Table,
};
use crate::session::{Found, FoundCompletion, Place};

type PageOf<H> = for<'s> fn(
    &'s Service<H>,
    ComponentKind,
    ProtocolVersion,
    Option<&str>,
) -> Result<Page<'s>, RpcError>;

type FindResource<H> = fn(&Service<H>, &str) -> Option<(Found, Variables)>;

/// The functions.
pub(super) struct Others<H> {
    page: PageOf<H>,
    find_prompt: fn(&Service<H>, &str) -> Option<Found>,
    find_resource: FindResource<H>,
    find_completion: fn(&Service<H>, &CompletionReference) -> FoundCompletion,
    read_completion: fn(&Params<'_>) -> Result<CompleteParams, RpcError>,
    mime_type_at: for<'s> fn(&'s Service<H>, &str) -> Option<Option<&'s str>>,
    lists_differ: fn(&Tables<H>, &Tables<H>) -> (bool, bool),
}

impl<H> Clone for Others<H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Others<H> {}

impl<H> fmt::Debug for Others<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Others")
    }
}

impl<H> Others<H> {
    pub(super) fn all() -> Self {
        Self {
            page: Service::page,
            find_prompt,
            find_resource,
            find_completion,
            read_completion,
            mime_type_at,
            lists_differ,
        }
    }

    pub(super) fn page<'s>(
        self,
        service: &'s Service<H>,
        kind: ComponentKind,
        version: ProtocolVersion,
        cursor: Option<&str>,
    ) -> Result<Page<'s>, RpcError> {
        (self.page)(service, kind, version, cursor)
    }

    pub(super) fn find_prompt(self, service: &Service<H>, name: &str) -> Option<Found> {
        (self.find_prompt)(service, name)
    }

    pub(super) fn find_resource(
        self,
        service: &Service<H>,
        uri: &str,
    ) -> Option<(Found, Variables)> {
        (self.find_resource)(service, uri)
    }

    pub(super) fn find_completion(
        self,
        service: &Service<H>,
        of: &CompletionReference,
    ) -> FoundCompletion {
        (self.find_completion)(service, of)
    }

    pub(super) fn read_completion(self, params: &Params<'_>) -> Result<CompleteParams, RpcError> {
        (self.read_completion)(params)
    }

    pub(super) fn mime_type_at<'s>(
        self,
        service: &'s Service<H>,
        uri: &str,
    ) -> Option<Option<&'s str>> {
        (self.mime_type_at)(service, uri)
    }

    /// Whether the prompts differ, and whether the resources and templates do.
    pub(super) fn lists_differ(self, new: &Tables<H>, old: &Tables<H>) -> (bool, bool) {
        (self.lists_differ)(new, old)
    }
}

fn find<D: Definition, H>(
    table: &Table<D, H>,
    key: &str,
    place: fn(u32) -> Place,
) -> Option<Found> {
    let at = table.position(key)?;
    let entry = table.at(at)?;
    Some(Found {
        place: place(at),
        name: Arc::clone(entry.key()),
        timeout: entry.timeout(),
    })
}

fn find_prompt<H>(service: &Service<H>, name: &str) -> Option<Found> {
    find(&service.tables.prompts, name, Place::Prompt)
}

fn find_resource<H>(service: &Service<H>, uri: &str) -> Option<(Found, Variables)> {
    let tables = &service.tables;
    // A disabled resource hides what templates would have found, as `Service::resource` says.
    if tables.resources.contains(uri) {
        return Some((
            find(&tables.resources, uri, Place::Resource)?,
            Variables::default(),
        ));
    }
    tables.templates.places().find_map(|(at, entry)| {
        let variables = entry.pattern.as_ref()?.matches(uri)?;
        let found = Found {
            place: Place::Template(at),
            name: Arc::clone(entry.key()),
            timeout: entry.timeout(),
        };
        Some((found, variables))
    })
}

fn find_completion<H>(service: &Service<H>, of: &CompletionReference) -> FoundCompletion {
    let tables = &service.tables;
    let own_or_all = |own: Option<Place>| match own {
        Some(own) => FoundCompletion::At(own),
        None if service.completion.is_some() => FoundCompletion::At(Place::Completion),
        None => FoundCompletion::Nothing,
    };
    let own = |place: Place| service.handler_at(place).map(|_| place);
    match of {
        CompletionReference::Prompt(prompt) => match tables.prompts.position(&prompt.name) {
            Some(at) => own_or_all(own(Place::PromptCompletion(at))),
            None => FoundCompletion::Unknown,
        },
        CompletionReference::Resource(resource) => {
            match tables.templates.position(&resource.uri) {
                Some(at) => own_or_all(own(Place::TemplateCompletion(at))),
                // A resource's own URI is allowed as well; there is nothing in it to complete.
                None if tables.resources.position(&resource.uri).is_some() => own_or_all(None),
                None => FoundCompletion::Unknown,
            }
        }
        _ => FoundCompletion::Unknown,
    }
}

fn read_completion(params: &Params<'_>) -> Result<CompleteParams, RpcError> {
    let mut wanted = CompleteParams::new(
        params.typed(Member::Reference)?,
        params.typed(Member::Argument)?,
    );
    wanted.context = params.optional(Member::Context)?;
    Ok(wanted)
}

fn mime_type_at<'s, H>(service: &'s Service<H>, uri: &str) -> Option<Option<&'s str>> {
    let mut resources = service.tables.resources.all();
    let fixed = resources.find(|entry| entry.component.definition.uri == uri);
    if let Some(entry) = fixed {
        return Some(entry.component.definition.mime_type.as_deref());
    }
    let mut templates = service.tables.templates.all();
    let entry = templates
        .find(|entry| matches!(&entry.pattern, Some(pattern) if pattern.matches(uri).is_some()))?;
    Some(entry.component.definition.mime_type.as_deref())
}

fn lists_differ<H>(new: &Tables<H>, old: &Tables<H>) -> (bool, bool) {
    let resources =
        new.resources.lists_differ(&old.resources) || new.templates.lists_differ(&old.templates);
    (new.prompts.lists_differ(&old.prompts), resources)
}
