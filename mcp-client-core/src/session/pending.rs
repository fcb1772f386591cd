//! Calls whose results are still to come, typed by what they will give.

use alloc::{sync::Arc, vec::Vec};
use core::{fmt, mem};

use mcp_proto::{
    json::Json,
    request::{Paged, Request},
    rpc::CallId,
    types::EmptyResult,
};
use serde::de::{DeserializeOwned, Error as _};

use crate::session::{ServerDetails, Subscribed};

/// One call that was made, and the type of what it gives.
///
/// It cannot be copied: a result is taken once. One that is dropped leaves its result behind in
/// the machine until [`Session::forget`](crate::Session::forget).
#[must_use = "the result is kept until it is taken or forgotten"]
pub struct Pending<T> {
    id: CallId,
    decode: fn(&mut Reply) -> Result<T, serde_json::Error>,
}

/// What a finished call has got, not yet decoded.
#[derive(Debug)]
pub(crate) enum Reply {
    Text(Json),
    /// A result of an extension's type, for the caller of this call to go on with.
    HandedOver(CallId, Json),
    Pages(Vec<Json>),
    Subscribed(Subscribed),
    Server(Arc<ServerDetails>),
    /// It was taken out.
    Taken,
}

impl<T> Pending<T> {
    pub(crate) fn new(id: CallId, decode: fn(&mut Reply) -> Result<T, serde_json::Error>) -> Self {
        Self { id, decode }
    }

    /// The call's name in events and commands.
    #[must_use]
    pub fn id(&self) -> CallId {
        self.id
    }

    pub(crate) fn decode(self, reply: &mut Reply) -> Result<T, serde_json::Error> {
        (self.decode)(reply)
    }
}

impl Pending<EmptyResult> {
    pub(crate) fn ignored(self) -> Pending<()> {
        Pending::new(self.id, |reply| typed::<EmptyResult>(reply).map(drop))
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pending").field(&self.id).finish()
    }
}

pub(crate) fn typed<T: DeserializeOwned>(reply: &mut Reply) -> Result<T, serde_json::Error> {
    match reply {
        Reply::Text(json) | Reply::HandedOver(_, json) => json.to(),
        _ => Err(mismatch()),
    }
}

pub(crate) fn text(reply: &mut Reply) -> Result<Json, serde_json::Error> {
    match mem::replace(reply, Reply::Taken) {
        Reply::Text(json) | Reply::HandedOver(_, json) => Ok(json),
        _ => Err(mismatch()),
    }
}

pub(crate) fn pages<M: Paged>(reply: &mut Reply) -> Result<Vec<M::Item>, serde_json::Error> {
    let Reply::Pages(pages) = reply else {
        return Err(mismatch());
    };
    let mut items = Vec::new();
    for page in pages.drain(..) {
        items.append(&mut M::items(page.to::<<M as Request>::Result>()?));
    }
    Ok(items)
}

pub(crate) fn subscribed(reply: &mut Reply) -> Result<Subscribed, serde_json::Error> {
    match reply {
        Reply::Subscribed(subscribed) => Ok(subscribed.clone()),
        _ => Err(mismatch()),
    }
}

pub(crate) fn server(reply: &mut Reply) -> Result<Arc<ServerDetails>, serde_json::Error> {
    match reply {
        Reply::Server(server) => Ok(Arc::clone(server)),
        _ => Err(mismatch()),
    }
}

// A call is finished with the kind of reply that it was started for.
fn mismatch() -> serde_json::Error {
    serde_json::Error::custom("the reply is of another kind")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        CallOptions, Client, Config, EraMode, Session,
        command::{self, Command},
    };
    use alloc::string::{String, ToString};
    use mcp_proto::{
        request::ListTools, time::Instant, types::Implementation, version::ProtocolVersion,
    };

    const NOW: Instant = Instant::ZERO;

    /// The name of a call that has ended, on a client of its own.
    fn ended<T>(command: impl Command<Output = T>) -> (Client, Pending<T>) {
        let mut config = Config::new(Implementation::new("c", "1"));
        config.era = EraMode::Handshake(ProtocolVersion::LATEST_HANDSHAKE);
        let mut client = Client::new(config, NOW);
        let call = command
            .start(&mut client, &CallOptions::default(), NOW)
            .unwrap();
        for line in [
            r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#,
            r#"{"jsonrpc":"2.0","id":2,"result":{"tools":[]}}"#,
        ] {
            client.handle_bytes(line.as_bytes(), NOW);
            client.handle_bytes(b"\n", NOW);
            while client.poll_event().is_some() {}
            while client.poll_transmit(&mut Vec::new()) {}
        }
        (client, call)
    }

    /// What a client says that is to take a call of its own, or of another one.
    fn told<T>(mut client: Client, call: Pending<T>) -> String {
        match client.take(call) {
            Ok(Ok(_)) => "its result".into(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it has not ended".into(),
        }
    }

    fn text() -> impl Command<Output = Json> {
        command::call_custom("x", &())
    }

    fn ready() -> impl Command<Output = Arc<ServerDetails>> {
        |session: &mut Session, _: &CallOptions, now| session.ready(now)
    }

    #[test]
    fn a_call_of_another_client_with_the_same_tag_is_refused_not_misread() {
        let list = command::list_all::<ListTools>;
        let subscribe = || command::subscribe(Default::default());
        let refused = [
            told(ended(ready()).0, ended(text()).1),
            told(ended(ready()).0, ended(list()).1),
            told(ended(text()).0, ended(ready()).1),
            told(ended(text()).0, ended(list()).1),
            told(ended(text()).0, ended(subscribe()).1),
            told(ended(list()).0, ended(command::ping()).1),
        ];
        let error = "the server's answer cannot be read: the reply is of another kind";
        assert_eq!(refused, [error; 6]);
        let own = [
            told_own(text()),
            told_own(list()),
            told_own(ready()),
            told_own(subscribe()),
            told_own(command::ping()),
        ];
        assert_eq!(own, ["its result"; 5]);
    }

    fn told_own<T>(command: impl Command<Output = T>) -> String {
        let (client, call) = ended(command);
        told(client, call)
    }
}
