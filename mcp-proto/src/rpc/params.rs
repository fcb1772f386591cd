//! A request's parameters, scanned once into their members.

use alloc::{borrow::Cow, format};
use core::{fmt, mem};
use serde::de::DeserializeOwned;

use super::RpcError;
use crate::{
    json::{Raw, Read, Scan, Scanner, Span},
    meta::{KnownMeta, RequestMeta},
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

            // The one whose key is next. Those of calls are tried first.
            #[inline]
            fn read(scanner: &mut Scanner<'_>) -> Scan<Option<Self>> {
                if scanner.skip_key("\"name\":") {
                    return Ok(Some(Self::Name));
                }
                if scanner.skip_key("\"arguments\":") {
                    return Ok(Some(Self::Arguments));
                }
                if scanner.skip_key("\"_meta\":") {
                    return Ok(Some(Self::Meta));
                }
                scanner.any_key().map(|key| Self::of(&key.name()))
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
/// They are found when the message is read, whatever the method; each member is then decoded into
/// the type that the method expects, so that an error can name the member.
///
/// ```
/// use mcp_proto::{json::Raw, rpc::{Member, Params}};
///
/// let raw = Raw::parse(r#"{"name":"add","arguments":{"a":1}}"#).unwrap();
/// let params = Params::scan(raw);
/// params.check().unwrap();
/// assert_eq!(params.text(Member::Name).unwrap(), "add");
/// assert_eq!(params.get(Member::Arguments).unwrap().get(), r#"{"a":1}"#);
/// assert_eq!(params.text(Member::Uri).unwrap_err().message, "params.uri is missing");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Params<'a> {
    text: &'a str,
    raw: Span,
    members: [Span; Member::COUNT],
    meta: RequestMeta<'a>,
    // The first member that came twice.
    twice: Option<Member>,
}

impl<'a> Params<'a> {
    /// Scans `params` that have been kept as text.
    #[must_use]
    pub fn scan(raw: Raw<'a>) -> Self {
        let mut params = Self::default();
        // Nothing of what was accepted before fails, unless it is longer than any message.
        if raw.get().len() <= Scanner::MAX_LEN {
            let _ = params.read(&mut Scanner::new(raw.get(), usize::MAX), None);
        }
        params
    }

    /// Reads the value that is next.
    pub(super) fn read(
        &mut self,
        scanner: &mut Scanner<'a>,
        known: Option<&KnownMeta>,
    ) -> Scan<()> {
        self.text = scanner.text();
        self.raw = match scanner.next_is(b'{') {
            true => scanner.reading(|scanner| self.read_members(scanner, known))?,
            false => scanner.value()?,
        };
        Ok(())
    }

    fn read_members(&mut self, scanner: &mut Scanner<'a>, known: Option<&KnownMeta>) -> Scan<()> {
        scanner.enter()?;
        let mut first = true;
        while scanner.next_member(mem::take(&mut first))? {
            let member = Member::read(scanner)?;
            let value = match member {
                Some(Member::Meta) if scanner.next_is(b'{') => {
                    scanner.reading(|scanner| self.meta.read_or_recall(scanner, known))?
                }
                _ => scanner.value()?,
            };
            if let Some(member) = member {
                if mem::replace(&mut self.members[member as usize], value).is_some() {
                    self.twice.get_or_insert(member);
                }
            }
        }
        Ok(())
    }

    /// That they are an object with each member once; none at all are the same as `{}`.
    ///
    /// To be asked before they are read: a request whose method is unknown is told that first.
    ///
    /// # Errors
    /// -32602.
    pub fn check(&self) -> Result<(), RpcError> {
        if self.raw().is_some_and(|raw| !raw.is_object()) {
            return Err(RpcError::invalid_params("params must be an object"));
        }
        match self.twice {
            Some(member) => Err(RpcError::invalid_params(format!(
                "params: member `{}` occurs twice",
                member.name()
            ))),
            None => Ok(()),
        }
    }

    /// Their text; `None` where the message has none.
    #[must_use]
    pub fn raw(&self) -> Option<Raw<'a>> {
        self.raw.of(self.text)
    }

    /// What the protocol reserves in `_meta`; `None` where that is absent or null.
    ///
    /// # Errors
    /// -32602 where it is no object.
    pub fn meta(&self) -> Result<Option<&RequestMeta<'a>>, RpcError> {
        Ok(self.object(Member::Meta)?.map(|_| &self.meta))
    }

    /// A member's text; `None` where it is absent or null.
    #[must_use]
    pub fn get(&self, member: Member) -> Option<Raw<'a>> {
        self.members[member as usize]
            .of(self.text)
            .filter(|raw| !raw.is_null())
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
        match raw.text() {
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
    pub fn object(&self, member: Member) -> Result<Option<Raw<'a>>, RpcError> {
        match self.get(member) {
            Some(raw) if !raw.is_object() => Err(RpcError::invalid_params(format!(
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

    /// The same as [`typed`](Self::typed), without serde.
    ///
    /// # Errors
    /// -32602 naming the member and what is wrong with it.
    pub fn read_from<T: Read>(&self, member: Member) -> Result<T, RpcError> {
        self.read_optional(member)?.ok_or_else(|| missing(member))
    }

    /// The same as [`optional`](Self::optional), without serde.
    ///
    /// # Errors
    /// -32602 naming the member and what is wrong with it.
    pub fn read_optional<T: Read>(&self, member: Member) -> Result<Option<T>, RpcError> {
        let read = self.get(member).map(Raw::read);
        read.transpose().map_err(|mistake| wrong(member, &mistake))
    }

    /// A typed value that may be absent.
    ///
    /// # Errors
    /// -32602 naming the member and what serde found wrong with it.
    pub fn optional<T: DeserializeOwned>(&self, member: Member) -> Result<Option<T>, RpcError> {
        let Some(raw) = self.get(member) else {
            return Ok(None);
        };
        raw.to().map(Some).map_err(|error| wrong(member, &error))
    }
}

#[cold]
fn wrong(member: Member, problem: &dyn fmt::Display) -> RpcError {
    RpcError::invalid_params(format!("params.{}: {problem}", member.name()))
}

fn missing(member: Member) -> RpcError {
    RpcError::invalid_params(format!("params.{} is missing", member.name()))
}
