//! The first step of a handler, whatever kind it is of.

use alloc::sync::Arc;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{inbox::Outlet, job::Job};
use crate::{
    call::{Call, Link, Outcome, Ticket},
    cx::Cx,
    handler::{BoxFuture, Handler},
    server::Server,
};

/// What has become of a call that was begun.
pub(crate) enum Begun {
    /// It is over; without an outcome, where the handler has panicked.
    Over(Ticket, Option<Outcome>),
    /// It is to be polled.
    Future(Ticket, BoxFuture<Outcome>),
    /// It is to be run on a thread that may block, and tells the link what has become of it.
    Job(Job),
}

/// Begins a call of `server`, whose handler reaches its client through `link`.
pub(crate) fn begin<L: Outlet + 'static>(
    call: Call<Handler>,
    server: &Server,
    link: &Arc<L>,
) -> Begun {
    let Call {
        ticket,
        handler,
        work,
        context,
    } = call;
    let reports: Arc<dyn Link> = Arc::clone(link) as _;
    let cx = Cx::new(context, reports).with_server(server.handle());
    match handler {
        Handler::Async(run) => match catch_unwind(AssertUnwindSafe(|| run(work, cx))) {
            Ok(future) => Begun::Future(ticket, future),
            Err(_) => Begun::Over(ticket, None),
        },
        Handler::Quick(run) => {
            let outcome = catch_unwind(AssertUnwindSafe(|| run(work, cx)));
            Begun::Over(ticket, outcome.ok())
        }
        Handler::Sync(run) => Begun::Job(Job::new(ticket, run, work, cx, Arc::clone(link) as _)),
    }
}
