//! What extensions add: their methods, calls that become tasks, and results of other types.

use alloc::{boxed::Box, format, sync::Arc};
use mcp_proto::{
    json::{Json, Raw},
    method::Method,
    rpc::{Member, Params, RpcError},
    types::{TaskMetadata, TaskSupport},
    version::{Era, ProtocolVersion},
};

use super::{
    Session,
    calls::NewCall,
    offers::{Found, Offers, Place},
    open::{Address, Asked, Kind},
    receive::Arrival,
    serve::{Arguments, arguments},
};
use crate::{
    call::{ExtensionCall, Peer, Resumed, TaskCall, Work},
    extension::ExtensionResult,
};

impl Session {
    /// Takes a request that the specification does not know, or only by its name.
    pub(super) fn take_extension(
        &self,
        name: &str,
        params: Option<Raw<'_>>,
        asked: Asked,
        offers: &dyn Offers,
    ) -> Result<Option<NewCall>, RpcError> {
        let index = offers.extensions();
        let version = asked.peer.version;
        let found = index
            .find_method(name, version)
            .ok_or_else(|| RpcError::method_not_found(name))?;
        index
            .admit(found, &asked.peer.capabilities)
            .map_err(|error| super::finish::fit(error, version))?;
        let (extension, method) = (index.id_of(found), Arc::clone(&found.name));
        let call = ExtensionCall::new(extension, method, params.map(Json::from_raw));
        Ok(Some(NewCall {
            asked,
            work: Work::Extension(Box::new(call)),
            place: Place::Extension(found.handler),
            timeout: found.patience.timeout(&self.limits),
            lent: None,
            resumed: None,
            detachable: false,
        }))
    }

    /// What runs a tool's call as a task; `None` where it is just run.
    ///
    /// From 2026-07-28 on the server decides, if the client takes tasks for results (extension
    /// tasks, Tool Calls); in 2025-11-25 the client does, if the tool allows it (basic/utilities/
    /// tasks, Tool-Level Negotiation). For all others the call takes as long as it takes.
    ///
    /// # Errors
    /// -32021 or -32601 where the tool always is a task and the client cannot have it, and where
    /// the client wants one that the tool never is.
    pub(super) fn becomes_task(
        &self,
        support: TaskSupport,
        params: &Params<'_>,
        peer: &Peer,
        offers: &dyn Offers,
    ) -> Result<Option<u32>, RpcError> {
        let Some(starter) = offers.extensions().task_calls() else {
            return Ok(None);
        };
        if peer.version.era() == Era::Stateless {
            let index = offers.extensions();
            return match support {
                // Most tools: what a client could have is not even asked.
                TaskSupport::Forbidden => Ok(None),
                TaskSupport::Required => index
                    .require_tasks(&peer.capabilities)
                    .map(|()| Some(starter)),
                _ => Ok(index.takes_tasks(&peer.capabilities).then_some(starter)),
            };
        }
        if peer.version != ProtocolVersion::V2025_11_25 {
            return Ok(None);
        }
        let refuse = |problem: &str| {
            let mut error = RpcError::method_not_found(Method::CallTool.name());
            error.message = format!("{}: {problem}", error.message).into();
            Err(error)
        };
        match (support, params.get(Member::Task)) {
            (TaskSupport::Forbidden, Some(_)) => refuse("this tool does not run as a task"),
            (TaskSupport::Required, None) => refuse("this tool runs only as a task"),
            (TaskSupport::Forbidden, None) | (_, None) => Ok(None),
            (_, Some(_)) => Ok(Some(starter)),
        }
    }

    /// Answers with what an extension's handler gave, if it may give that.
    pub(super) fn finish_extension(
        &mut self,
        to: &Address,
        peer: &Peer,
        kind: Kind,
        result: &ExtensionResult,
        offers: &dyn Offers,
    ) {
        let version = peer.version;
        if !may_answer(result, kind, peer, offers) {
            let error = RpcError::internal("the handler gave a result that the client cannot read");
            return self.answer_error(to, &error);
        }
        if version.era() == Era::Handshake {
            let followed = (&result.topic, offers.extensions().task_extension());
            if let ((Some(topic), Some(extension)), Some(opened)) = (followed, &mut self.handshake)
            {
                // One too many is not told of: the client can still ask.
                let most = self.limits.subscribed_topics;
                opened.watch.follow(extension, Arc::clone(topic), most);
            }
        }
        self.answer_result(to, version, offers, result);
    }
}

fn may_answer(result: &ExtensionResult, kind: Kind, peer: &Peer, offers: &dyn Offers) -> bool {
    let method = match kind {
        Kind::Tool => Method::CallTool,
        Kind::Prompt => Method::GetPrompt,
        Kind::Resource => Method::ReadResource,
        Kind::Complete => Method::Complete,
        Kind::Extension => {
            return result
                .result_type()
                .is_none_or(|result_type| result_type == "complete");
        }
    };
    if peer.version.era() == Era::Handshake {
        // The only result of another kind that a handshake revision has, and none but this one
        // has it.
        return peer.version == ProtocolVersion::V2025_11_25
            && kind == Kind::Tool
            && result.members.get("task").is_some();
    }
    result.result_type().is_some_and(|result_type| {
        offers
            .extensions()
            .allows_result(&result_type, method, &peer.capabilities)
    })
}

/// The call of a tool that is to become a task.
pub(super) fn task_call(
    found: Found,
    place: Place,
    params: &Params<'_>,
    asked: Asked,
    resumed: Option<Arc<Resumed>>,
    arrival: &Arrival<'_>,
) -> Result<NewCall, RpcError> {
    let task = match params.object(Member::Task)? {
        Some(_) if asked.peer.version == ProtocolVersion::V2025_11_25 => {
            params.typed::<TaskMetadata>(Member::Task)?
        }
        _ => TaskMetadata::default(),
    };
    let Arguments { copied, lent } = arguments(params, arrival)?;
    let work = Work::Task(Box::new(TaskCall {
        name: found.name,
        arguments: copied,
        ttl_ms: task.ttl,
    }));
    Ok(NewCall {
        asked,
        work,
        place,
        timeout: None,
        lent,
        resumed,
        detachable: false,
    })
}
