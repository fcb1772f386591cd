//! A request's parameters, scanned once into their members.

use alloc::{borrow::Cow, format};
use core::fmt;
use serde::de::{DeserializeOwned, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    RpcError,
    envelope::{Key, text_of},
};

macro_rules! members {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A member of some method's `params` that the machines read.
        #[derive(Copy, Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Member { $($(#[$doc])* $variant,)* }

        impl Member {
            const COUNT: usize = [$($name),*].len();

            /// The member's name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            fn of(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

members! {
    /// `_meta`: of every method.
    Meta = "_meta",
    /// `name`: of tools and prompts.
    Name = "name",
    /// `arguments`: of tools and prompts.
    Arguments = "arguments",
    /// `uri`: of resources.
    Uri = "uri",
    /// `cursor`: of lists.
    Cursor = "cursor",
    /// `inputResponses`: answers to an earlier round's questions.
    InputResponses = "inputResponses",
    /// `requestState`: what an earlier round gave the client to keep.
    RequestState = "requestState",
    /// `task`: the wish for a task (2025-11-25).
    Task = "task",
    /// `taskId`: of task methods.
    TaskId = "taskId",
    /// `level`: of logging/setLevel.
    Level = "level",
    /// `ref`: what a completion is for.
    Reference = "ref",
    /// `argument`: the argument being completed.
    Argument = "argument",
    /// `context`: the other arguments of a completion.
    Context = "context",
    /// `notifications`: what a subscription asks for.
    Notifications = "notifications",
    /// `requestId`: what is cancelled.
    RequestId = "requestId",
    /// `reason`: why it is cancelled.
    Reason = "reason",
    /// `protocolVersion`: of initialize.
    ProtocolVersion = "protocolVersion",
    /// `capabilities`: of initialize.
    Capabilities = "capabilities",
    /// `clientInfo`: of initialize.
    ClientInfo = "clientInfo",
    /// `progressToken`: of a progress notification.
    ProgressToken = "progressToken",
    /// `progress`: of a progress notification.
    Progress = "progress",
    /// `total`: of a progress notification.
    Total = "total",
    /// `message`: of a progress notification.
    Message = "message",
}

/// The members of one `params` object, borrowed from the message.
///
/// The object is scanned once, whatever the method; each member is then decoded into the type
/// that the method expects, so that an error can name the member.
///
/// ```
/// use mcp_proto::rpc::{Member, Params};
///
/// let raw = serde_json::from_str(r#"{"name":"add","arguments":{"a":1}}"#).unwrap();
/// let params = Params::scan(Some(raw)).unwrap();
/// assert_eq!(params.text(Member::Name).unwrap(), "add");
/// assert_eq!(params.get(Member::Arguments).unwrap().get(), r#"{"a":1}"#);
/// assert_eq!(params.text(Member::Uri).unwrap_err().message, "params.uri is missing");
/// ```
#[derive(Debug, Clone)]
pub struct Params<'a> {
    members: [Option<&'a RawValue>; Member::COUNT],
}

impl<'a> Params<'a> {
    /// Scans `params`; none at all are the same as `{}`.
    ///
    /// # Errors
    /// -32602 where they are no object or have a member twice.
    pub fn scan(params: Option<&'a RawValue>) -> Result<Self, RpcError> {
        let empty = Self {
            members: [None; Member::COUNT],
        };
        let Some(raw) = params else {
            return Ok(empty);
        };
        if !raw.get().starts_with('{') {
            return Err(RpcError::invalid_params("params must be an object"));
        }
        serde_json::Deserializer::from_str(raw.get())
            .deserialize_map(Members(empty))
            .map_err(|error| RpcError::invalid_params(format!("params: {error}")))
    }

    /// A member's text; `None` where it is absent or null.
    #[must_use]
    pub fn get(&self, member: Member) -> Option<&'a RawValue> {
        self.members[member as usize].filter(|raw| raw.get() != "null")
    }

    /// Whether the member is there at all, be it null.
    #[must_use]
    pub fn has(&self, member: Member) -> bool {
        self.members[member as usize].is_some()
    }

    /// A string that must be there.
    ///
    /// # Errors
    /// -32602 naming the member where it is missing or no string.
    pub fn text(&self, member: Member) -> Result<Cow<'a, str>, RpcError> {
        self.optional_text(member)?.ok_or_else(|| missing(member))
    }

    /// A string that may be absent.
    ///
    /// # Errors
    /// -32602 naming the member where it is no string.
    pub fn optional_text(&self, member: Member) -> Result<Option<Cow<'a, str>>, RpcError> {
        let Some(raw) = self.get(member) else {
            return Ok(None);
        };
        match text_of(raw) {
            Some(text) => Ok(Some(text)),
            None => Err(RpcError::invalid_params(format!(
                "params.{} must be a string",
                member.name()
            ))),
        }
    }

    /// An object that may be absent.
    ///
    /// # Errors
    /// -32602 naming the member where it is no object.
    pub fn object(&self, member: Member) -> Result<Option<&'a RawValue>, RpcError> {
        match self.get(member) {
            Some(raw) if !raw.get().starts_with('{') => Err(RpcError::invalid_params(format!(
                "params.{} must be an object",
                member.name()
            ))),
            raw => Ok(raw),
        }
    }

    /// A typed value that must be there.
    ///
    /// # Errors
    /// -32602 naming the member and what serde found wrong with it.
    pub fn typed<T: DeserializeOwned>(&self, member: Member) -> Result<T, RpcError> {
        self.optional(member)?.ok_or_else(|| missing(member))
    }

    /// A typed value that may be absent.
    ///
    /// # Errors
    /// -32602 naming the member and what serde found wrong with it.
    pub fn optional<T: DeserializeOwned>(&self, member: Member) -> Result<Option<T>, RpcError> {
        let Some(raw) = self.get(member) else {
            return Ok(None);
        };
        serde_json::from_str(raw.get())
            .map(Some)
            .map_err(|error| RpcError::invalid_params(format!("params.{}: {error}", member.name())))
    }
}

fn missing(member: Member) -> RpcError {
    RpcError::invalid_params(format!("params.{} is missing", member.name()))
}

struct Members<'a>(Params<'a>);

impl<'de> Visitor<'de> for Members<'de> {
    type Value = Params<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        while let Some(key) = map.next_key::<Key<'de>>()? {
            let Some(member) = Member::of(&key.0) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if self.0.members[member as usize]
                .replace(map.next_value()?)
                .is_some()
            {
                return Err(serde::de::Error::custom(format_args!(
                    "member `{}` occurs twice",
                    member.name()
                )));
            }
        }
        Ok(self.0)
    }
}
