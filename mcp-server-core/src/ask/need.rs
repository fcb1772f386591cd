//! What a client must have declared to be asked something.

use alloc::{format, string::String, vec::Vec};
use mcp_proto::{
    encode::Object,
    json::Json,
    rpc::{RpcError, codes},
    types::{
        ClientCapabilities, ElicitParams, ElicitationCapability, InputRequest, RootsCapability,
        SamplingCapability,
    },
    version::ProtocolVersion,
};

use crate::call::Peer;

/// What a client has not declared, though it would have to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Missing {
    capabilities: ClientCapabilities,
    names: Vec<&'static str>,
    unreachable: bool,
}

impl Missing {
    /// What these questions need that the client has not declared (2026-07-28, basic/patterns/mrtr;
    /// nothing else that it has ever said counts).
    pub(crate) fn of<'a>(
        requests: impl IntoIterator<Item = &'a InputRequest>,
        peer: &Peer,
    ) -> Self {
        let mut missing = Self::default();
        for request in requests {
            missing.unreachable |= !peer.reachable;
            missing.add(request, &peer.capabilities);
        }
        missing
    }

    fn add(&mut self, request: &InputRequest, declared: &ClientCapabilities) {
        let capabilities = &mut self.capabilities;
        let name = match request {
            InputRequest::Elicit(params) => {
                let url = matches!(**params, ElicitParams::Url(_));
                let modes = &mut capabilities.elicitation;
                match url {
                    true if !declared.elicits_urls() => {
                        modes.get_or_insert_with(ElicitationCapability::default).url =
                            Some(Json::empty_object());
                        "elicitation.url"
                    }
                    false if !declared.elicits_forms() => {
                        modes
                            .get_or_insert_with(ElicitationCapability::default)
                            .form = Some(Json::empty_object());
                        "elicitation"
                    }
                    _ => return,
                }
            }
            InputRequest::CreateMessage(params) => {
                let tools = !params.tools.is_empty() || params.tool_choice.is_some();
                if declared.sampling.is_some() && (!tools || declared.samples_with_tools()) {
                    return;
                }
                let sampling = capabilities
                    .sampling
                    .get_or_insert_with(SamplingCapability::default);
                if tools {
                    sampling.tools = Some(Json::empty_object());
                    "sampling.tools"
                } else {
                    "sampling"
                }
            }
            InputRequest::ListRoots(_) if declared.roots.is_none() => {
                capabilities.roots = Some(RootsCapability::default());
                "roots"
            }
            _ => return,
        };
        if !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    /// The error to answer with, where anything is missing: -32021, which revisions before
    /// 2026-07-28 know as an internal error that says the same.
    pub(crate) fn into_result(self) -> Result<(), RpcError> {
        if self.unreachable {
            return Err(RpcError::internal(
                "the client cannot be asked anything: the server keeps no session for it",
            ));
        }
        if self.names.is_empty() {
            return Ok(());
        }
        let names = self.names.join(", ");
        let message = format!("the client has not declared the capability {names}");
        let error = RpcError::new(codes::MISSING_CLIENT_CAPABILITY, message);
        let mut data = Vec::new();
        let mut object = Object::new(&mut data, ProtocolVersion::LATEST);
        object.field("requiredCapabilities", &self.capabilities);
        object.end();
        Err(match String::from_utf8(data).map(Json::parse) {
            Ok(Ok(data)) => error.with_data(data),
            // What the encoder writes is JSON.
            _ => error,
        })
    }
}
