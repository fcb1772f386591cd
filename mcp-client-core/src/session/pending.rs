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
