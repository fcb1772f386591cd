//! The task that sees to sessions while nobody asks for anything: their time, and what changes.

use alloc::{
    boxed::Box,
    sync::{Arc, Weak},
    vec::Vec,
};
use core::{future::poll_fn, task::Poll};

use super::hub::HttpHub;
use crate::{desk::Inbox, handler::BoxFuture};

/// Keeps the sessions of a hub for as long as there is one.
pub(super) fn keep(hub: &HttpHub, inbox: Arc<Inbox>) -> BoxFuture<()> {
    let runtime = Arc::clone(&hub.runtime);
    let mut alarm = runtime.alarm();
    let hub = Weak::clone(&hub.myself);
    Box::pin(poll_fn(move |context| {
        loop {
            let Some(hub) = hub.upgrade() else {
                return Poll::Ready(());
            };
            // What was posted is a word to wake up, and no more.
            inbox.take(&mut Vec::new(), &mut Vec::new());
            let due = hub.keep(runtime.now());
            if alarm.poll(due, context).is_pending() {
                inbox.rest(context.waker());
                return Poll::Pending;
            }
        }
    }))
}
