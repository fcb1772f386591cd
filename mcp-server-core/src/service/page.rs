//! Pages of lists: each list is encoded once for each revision, and pages are cut out of that.

use alloc::{
    borrow::Cow,
    string::{String, ToString},
    vec::Vec,
};
use core::ops::Range;
use mcp_proto::{
    encode::{EncodeFields, Object},
    page::{Cursor, Fingerprint},
    rpc::RpcError,
    types::CacheHints,
    version::ProtocolVersion,
};

use super::{
    Service,
    component::{ComponentKind, Definition},
    table::Table,
};

/// One page of a list, as the members of its result; written by
/// [`write_with_meta`](mcp_proto::encode::write_with_meta) and its kind.
#[derive(Debug)]
pub struct Page<'s> {
    member: &'static str,
    list: Cow<'s, Encoded>,
    items: Range<usize>,
    next_cursor: Option<String>,
    cache: CacheHints,
}

impl Page<'_> {
    /// Where the next page begins; `None` on the last one.
    #[must_use]
    pub fn next_cursor(&self) -> Option<&str> {
        self.next_cursor.as_deref()
    }
}

impl EncodeFields for Page<'_> {
    fn encode_fields(&self, object: &mut Object<'_>) {
        let stateless = object.version() >= ProtocolVersion::V2026_07_28;
        if stateless {
            object.field("resultType", "complete");
        }
        let (out, _) = object.key(self.member);
        let items = self.list.bytes_of(self.items.clone());
        out.reserve(items.len() + 2);
        out.push(b'[');
        out.extend_from_slice(items);
        out.push(b']');
        object.optional("nextCursor", &self.next_cursor);
        if stateless {
            object.field("ttlMs", &self.cache.ttl_ms);
            object.field("cacheScope", &self.cache.scope);
        }
    }
}

/// A whole list, encoded for one revision.
#[derive(Debug, Clone)]
pub(super) struct Encoded {
    bytes: Vec<u8>,
    // Where each item ends in `bytes`; the next begins behind a comma.
    ends: Vec<usize>,
}

impl Encoded {
    fn new<D: Definition, H>(table: &Table<D, H>, version: ProtocolVersion) -> Self {
        let mut encoded = Self {
            bytes: Vec::new(),
            ends: Vec::new(),
        };
        for entry in table.enabled() {
            if !encoded.ends.is_empty() {
                encoded.bytes.push(b',');
            }
            entry.definition().encode(&mut encoded.bytes, version);
            encoded.ends.push(encoded.bytes.len());
        }
        encoded
    }

    /// These items, as far as there are so many, with commas between them.
    fn bytes_of(&self, items: Range<usize>) -> &[u8] {
        let (start, end) = (
            items.start.min(self.ends.len()),
            items.end.min(self.ends.len()),
        );
        if start >= end {
            return &[];
        }
        let begin = if start == 0 {
            0
        } else {
            self.ends[start - 1] + 1
        };
        &self.bytes[begin..self.ends[end - 1]]
    }
}

#[cfg(feature = "std")]
const REVISIONS: usize = ProtocolVersion::ALL.len();

/// The encoded lists of one service, each made when it is first asked for. A service's successor
/// begins with none.
#[derive(Debug, Default)]
pub(super) struct Pages {
    #[cfg(feature = "std")]
    lists: [[std::sync::OnceLock<Encoded>; REVISIONS]; ComponentKind::ALL.len()],
}

impl Pages {
    #[cfg(feature = "std")]
    fn get(
        &self,
        kind: ComponentKind,
        version: ProtocolVersion,
        encode: impl FnOnce() -> Encoded,
    ) -> Cow<'_, Encoded> {
        Cow::Borrowed(self.lists[kind as usize][version as usize].get_or_init(encode))
    }

    // Without std there is no cell to keep them in that a shared service could fill.
    #[cfg(not(feature = "std"))]
    fn get(
        &self,
        _: ComponentKind,
        _: ProtocolVersion,
        encode: impl FnOnce() -> Encoded,
    ) -> Cow<'_, Encoded> {
        Cow::Owned(encode())
    }
}

impl<H> Service<H> {
    /// The page of a list that begins at `cursor`, or the first one.
    ///
    /// The order is that of registration and the same for every connection (2026-07-28,
    /// server/tools, Listing Tools). A cursor names the last item before it, so that it holds
    /// when items are added or removed elsewhere meanwhile.
    ///
    /// # Errors
    /// -32602 for a cursor that is none of this list's (every revision, server/utilities/pagination).
    pub fn page(
        &self,
        kind: ComponentKind,
        version: ProtocolVersion,
        cursor: Option<&str>,
    ) -> Result<Page<'_>, RpcError> {
        match kind {
            ComponentKind::Tool => self.tool_page(version, cursor),
            ComponentKind::Resource => self.page_of(&self.tables.resources, version, cursor),
            ComponentKind::Template => self.page_of(&self.tables.templates, version, cursor),
            ComponentKind::Prompt => self.page_of(&self.tables.prompts, version, cursor),
        }
    }

    /// The page of a list that nothing was ever added to.
    pub(super) fn empty_page(
        &self,
        kind: ComponentKind,
        cursor: Option<&str>,
    ) -> Result<Page<'_>, RpcError> {
        if cursor.is_some() {
            return Err(unknown_cursor());
        }
        Ok(Page {
            member: member_of(kind),
            list: Cow::Owned(Encoded {
                bytes: Vec::new(),
                ends: Vec::new(),
            }),
            items: 0..0,
            next_cursor: None,
            cache: self.about.list_cache,
        })
    }

    /// The same of the tools alone.
    pub(super) fn tool_page(
        &self,
        version: ProtocolVersion,
        cursor: Option<&str>,
    ) -> Result<Page<'_>, RpcError> {
        self.page_of(&self.tables.tools, version, cursor)
    }

    fn page_of<'s, D: Definition>(
        &'s self,
        table: &Table<D, H>,
        version: ProtocolVersion,
        cursor: Option<&str>,
    ) -> Result<Page<'s>, RpcError> {
        let size = self.about.limits.page_items.max(1);
        let start = match cursor {
            None => 0,
            Some(cursor) => start_of(table, size, cursor)?,
        };
        let mut rest = table.enabled().skip(start);
        // The last item of the page, if there is one behind it.
        let last = rest.nth(size - 1).filter(|_| rest.next().is_some());
        let end = start.saturating_add(size);
        let list = self
            .pages
            .get(D::KIND, version, || Encoded::new(table, version));
        let next_cursor =
            last.map(|last| Cursor::new(end as u32, after(D::KIND, last.key())).to_string());
        Ok(Page {
            member: member_of(D::KIND),
            list,
            items: start..end,
            next_cursor,
            cache: self.about.list_cache,
        })
    }
}

/// How many items lie before the page that `cursor` names.
fn start_of<D: Definition, H>(
    table: &Table<D, H>,
    size: usize,
    cursor: &str,
) -> Result<usize, RpcError> {
    let keys = || table.enabled().map(|entry| &**entry.key()).enumerate();
    let behind = |(at, key): (usize, &str)| {
        Cursor::resume(cursor, after(D::KIND, key))
            .ok()
            .map(|_| at + 1)
    };
    // The last item of a page, unless the list has changed meanwhile.
    keys()
        .skip(size - 1)
        .step_by(size)
        .find_map(behind)
        .or_else(|| keys().find_map(behind))
        .ok_or_else(unknown_cursor)
}

fn unknown_cursor() -> RpcError {
    RpcError::invalid_params("unknown cursor: it is none of this list, so begin again without one")
}

/// The member of a list's result that holds the items.
const fn member_of(kind: ComponentKind) -> &'static str {
    match kind {
        ComponentKind::Tool => "tools",
        ComponentKind::Resource => "resources",
        ComponentKind::Template => "resourceTemplates",
        ComponentKind::Prompt => "prompts",
    }
}

/// What marks the place behind the item of that name.
fn after(kind: ComponentKind, key: &str) -> Fingerprint {
    Fingerprint::new(kind.as_str()).with(key)
}
