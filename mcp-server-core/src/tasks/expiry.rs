//! Tasks whose time is over: what still runs is stopped, and what is kept is forgotten, whether or
//! not anybody asks for them again.

use alloc::{sync::Arc, vec::Vec};
use core::time::Duration;

use mcp_proto::rpc::RpcError;

use super::{
    record::Step,
    runner::{Place, Runner, unkept},
    store::StoreError,
};
use crate::host::Detached;

impl Runner {
    /// Sees to it that [`expire`](Self::expire) is run at this time, or before.
    pub(super) fn expire_at(self: &Arc<Self>, at_ms: Option<u64>, place: &Place<'_>) {
        let Some(at_ms) = at_ms else { return };
        let mut state = self.lock();
        state.last_ms = state.last_ms.max(at_ms);
        if state.alarm_ms.is_some_and(|alarm| alarm <= at_ms) {
            return;
        }
        state.alarm_ms = Some(at_ms);
        drop(state);
        // Neither the server nor its host lives for this alone.
        let (runner, server) = (Arc::downgrade(self), place.server.server().downgrade());
        let wait = Duration::from_millis(at_ms.saturating_sub(place.now_ms));
        let alarm = move || {
            let (Some(runner), Some(server)) = (runner.upgrade(), server.upgrade()) else {
                return;
            };
            let handle = server.handle();
            if let Some(place) = Place::on(&handle) {
                runner.alarm(&place);
            }
        };
        place.host.run_after(wait, Detached::blocking(alarm));
    }

    fn alarm(self: &Arc<Self>, place: &Place<'_>) {
        self.lock().alarm_ms = None;
        if let Err(error) = self.expire(place) {
            unkept(&error, place);
        }
        let state = self.lock();
        let running = state
            .live
            .values()
            .filter_map(|live| live.record.expires_ms())
            .filter(|at_ms| *at_ms > place.now_ms)
            .min();
        // What runs is stopped in time; what is merely kept may wait for the last of them.
        let next = running.or(Some(state.last_ms).filter(|at_ms| *at_ms > place.now_ms));
        drop(state);
        self.expire_at(next, place);
    }

    /// Stops and forgets the tasks whose time is over.
    ///
    /// # Errors
    /// Where the store cannot forget them; what runs is stopped nevertheless.
    pub(super) fn expire(&self, place: &Place<'_>) -> Result<(), StoreError> {
        let now_ms = place.now_ms;
        let mut state = self.lock();
        state
            .live
            .retain(|_, live| !(live.unsaved && live.record.is_expired(now_ms)));
        let over: Vec<_> = state
            .live
            .values()
            .filter(|live| live.record.is_expired(now_ms) && !live.cancel.is_cancelled())
            .map(|live| (live.record.clone(), live.cancel.clone()))
            .collect();
        drop(state);
        let forgotten = self.store.expire(now_ms);
        for (mut record, cancel) in over {
            // What runs longer than it would be kept for is of no use to anybody. Whoever follows
            // it hears so; whoever asks for it is told that there is no such task.
            let error = RpcError::internal("the task was not done when its time was over");
            record.apply(Step::Fail(error), now_ms);
            cancel.cancel();
            self.tell(&record, place.server);
        }
        forgotten
    }
}
