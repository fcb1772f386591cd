//! The tables of all extensions of one client.

use alloc::{boxed::Box, string::String, vec::Vec};

use mcp_proto::{
    json::Json,
    method::Method,
    rpc::RpcError,
    types::{ClientCapabilities, Map},
    version::ProtocolVersion,
};

use super::{Extension, Follow, FollowUp};
use crate::{error::Malformed, session::ServerDetails};

/// The extensions of one client.
#[derive(Debug)]
pub(crate) struct Extensions(Vec<Extension>);

impl Extensions {
    /// Declares them all.
    pub(crate) fn new(extensions: &[Extension], capabilities: &mut ClientCapabilities) -> Self {
        for extension in extensions {
            extension.declare(capabilities);
        }
        Self(extensions.to_vec())
    }

    /// Whether the revision has this method, where it is one of theirs.
    pub(crate) fn has(&self, method: &str, version: ProtocolVersion) -> Option<bool> {
        let mut rows = self.methods(method).peekable();
        rows.peek()?;
        Some(rows.any(|row| row.since <= version && version <= row.until))
    }

    /// What the header `Mcp-Name` says for this request.
    #[cfg_attr(
        not(feature = "http"),
        expect(dead_code, reason = "only HTTP has headers")
    )]
    pub(crate) fn name(&self, method: &str, params: &str) -> Option<String> {
        let member = self
            .methods(method)
            .find_map(|row| row.name_member.as_ref())?;
        let params: Map<Json> = serde_json::from_str(params).ok()?;
        params.get(member)?.to().ok()
    }

    fn methods<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a super::ExtensionMethod> {
        let all = self.0.iter().flat_map(|extension| &extension.methods);
        all.filter(move |row| *row.name == *name)
    }

    /// Whether any of them understands results of another type in answers to this method.
    pub(crate) fn follow(&self, method: Method) -> bool {
        let mut results = self.0.iter().flat_map(|extension| &extension.results);
        results.any(|row| row.method == method)
    }

    /// The machine that a call goes on by; `None` where nobody understands its result.
    pub(crate) fn begin(
        &self,
        method: Method,
        result_type: &str,
        result: &Json,
        call: &Follow<'_>,
    ) -> Option<Result<Box<dyn FollowUp>, Malformed>> {
        let mut results = self.0.iter().flat_map(|extension| &extension.results);
        let row = results.find(|row| row.method == method && *row.name == *result_type)?;
        Some((row.begin.0)(result, call))
    }

    /// Whether a call of this method may be made once more where it is refused.
    pub(crate) fn may_repeat(&self, method: Method) -> bool {
        self.0
            .iter()
            .flat_map(|extension| &extension.again)
            .any(|(of, _)| *of == method)
    }

    /// The parameters with which to make a refused call once more.
    pub(crate) fn again(
        &self,
        method: Method,
        error: &RpcError,
        params: &Json,
        server: &ServerDetails,
    ) -> Option<Json> {
        let rows = self.0.iter().flat_map(|extension| &extension.again);
        let mut rows = rows.filter(|(of, _)| *of == method);
        rows.find_map(|(_, again)| (again.0)(error, params, server))
    }

    /// What a notification is about: topics, each after its extension.
    pub(crate) fn topics_of(&self, notification: &str, params: &Json) -> Vec<(&str, String)> {
        let all = self.0.iter().flat_map(|extension| {
            let notices = extension.notices.iter();
            notices.map(|(name, member)| (&*extension.id, name, member))
        });
        let all = all.filter(|(_, name, _)| ***name == *notification);
        let mut all = all.peekable();
        // Most are nobody's, and not read.
        let Some(Ok(params)) = all.peek().map(|_| params.to::<Map<Json>>()) else {
            return Vec::new();
        };
        all.filter_map(|(extension, _, member)| Some((extension, params.get(member)?.to().ok()?)))
            .collect()
    }

    /// The member of a stream's filter that lists topics of this extension.
    pub(crate) fn topics(&self, extension: &str) -> Option<&str> {
        let found = self.0.iter().find(|known| *known.id == *extension);
        found.and_then(|extension| extension.topics.as_deref())
    }

    /// What they add to the `_meta` of a request.
    pub(crate) fn meta(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter().flat_map(|extension| &extension.meta);
        all.map(|(key, value)| (&**key, value.as_str()))
    }

    pub(crate) fn has_meta(&self) -> bool {
        self.meta().next().is_some()
    }
}
