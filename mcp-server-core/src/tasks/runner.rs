//! Tasks at work: how they are begun, run, ended and found.
//!
//! ```text
//!  tools/call ─▶ start ─ insert ─▶ reply          tasks/get, …  ─▶ find ─▶ reply
//!                  │ spawn                         tasks/update ─▶ step ─▶ spawn
//!                  ▼                               tasks/cancel ─▶ step ─▶ token
//!            Host ── handler ──▶ end ── step ──▶ store, and everybody who listens
//! ```

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::{fmt::Write, mem, task::Waker, time::Duration};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mcp_proto::{
    limits::Limits,
    rpc::{RpcError, codes},
    types::TaskStatus,
    version::{Era, ProtocolVersion},
};

use super::{
    EXTENSION,
    record::{Begin, Effect, Step, TaskRecord, json_of, lost},
    run::Run,
    store::{StoreError, TaskStore},
};
use crate::{
    call::{Answers, NeedInput, Outcome, Peer, TaskCall, Work},
    cancel::CancelToken,
    cx::Cx,
    error::Failure,
    extension::{ExtensionResult, TopicChange, TopicNotice},
    host::SharedHost,
    server::ServerHandle,
    session::check_need,
};

/// How often a step is tried again that somebody else's came before.
const CONTESTS: usize = 16;

/// The tasks of one server.
#[derive(Debug)]
pub(super) struct Runner {
    pub(super) store: Arc<dyn TaskStore>,
    pub(super) ttl: Option<Duration>,
    pub(super) poll: Duration,
    pub(super) lists_for_nobody: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    // Those that this process is at work on.
    pub(super) live: BTreeMap<String, Live>,
    // Who waits for a task's next change. At most one for each running call.
    waiters: BTreeMap<String, Vec<Waker>>,
    // What this process calls itself in the records that it writes.
    instance: String,
    // When the host runs `expire`, if it is to.
    pub(super) alarm_ms: Option<u64>,
    // When the last of the tasks that were begun here is over.
    pub(super) last_ms: u64,
}

#[derive(Debug)]
pub(super) struct Live {
    pub(super) cancel: CancelToken,
    // The newest that is known here.
    pub(super) record: TaskRecord,
    // It has ended, but the store could not be told so.
    pub(super) unsaved: bool,
}

/// What a running call lends to the tasks that it is about.
pub(super) struct Place<'a> {
    pub(super) server: &'a ServerHandle,
    pub(super) host: &'a SharedHost,
    pub(super) now_ms: u64,
}

impl<'a> Place<'a> {
    pub(super) fn of(cx: &'a Cx) -> Result<Self, RpcError> {
        cx.server().and_then(Self::on).ok_or_else(|| {
            RpcError::internal("nothing here runs tasks: serve with `Server::hosted_by`")
        })
    }

    pub(super) fn on(server: &'a ServerHandle) -> Option<Self> {
        let host = server.server().host()?;
        Some(Self {
            server,
            host,
            now_ms: u64::try_from(host.unix_time().as_millis()).unwrap_or(u64::MAX),
        })
    }
}

impl Runner {
    pub(super) fn new(store: Arc<dyn TaskStore>) -> Self {
        Self {
            store,
            ttl: None,
            poll: Duration::from_millis(500),
            lists_for_nobody: false,
            state: Mutex::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Consistent even after a panic: nothing below runs foreign code while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ── beginning ───────────────────────────────────────────────────────────────────────────────

    /// Makes a task of a call: it can be found before its creation is answered (extension tasks,
    /// Durability).
    pub(super) fn start(self: &Arc<Self>, call: &TaskCall, cx: &Cx) -> Result<Outcome, RpcError> {
        let place = Place::of(cx)?;
        let service = place.server.server().current();
        let limits = service.limits();
        let handler = service.tool(&call.name).map(|tool| tool.handler().clone());
        let handler = handler.ok_or_else(|| {
            RpcError::invalid_params(format!("the tool {} has been removed", call.name))
        })?;
        self.expire(&place)
            .map_err(|error| unkept(&error, &place))?;
        let record = TaskRecord::begin(Begin {
            id: new_id(&place)?,
            peer: cx.peer(),
            tool: Arc::clone(&call.name),
            arguments: call.arguments.clone(),
            now_ms: place.now_ms,
            ttl: Some(self.keep_for(call.ttl_ms, limits)),
            poll: self.poll,
            runner: self.instance(&place)?,
        });
        // What it has asked of its caller is known.
        let record = match cx.resumed() {
            Some(earlier) => record.continuing(earlier),
            None => record,
        };
        let cancel = self.enter(&record, limits)?;
        if let Err(error) = self.store.insert(&record) {
            self.leave(record.id());
            return Err(unkept(&error, &place));
        }
        let created = ExtensionResult::new(&record.created()).with_topic(record.id());
        self.expire_at(record.expires_ms(), &place);
        Run::new(self, &record, cancel, &place).spawn(handler);
        Ok(Outcome::Extension(created))
    }

    fn keep_for(&self, wanted_ms: Option<u64>, limits: &Limits) -> Duration {
        let wanted = wanted_ms.map(Duration::from_millis);
        let usual = self.ttl.unwrap_or(limits.task_ttl);
        wanted.unwrap_or(usual).min(limits.task_ttl_max)
    }

    fn instance(&self, place: &Place<'_>) -> Result<String, RpcError> {
        let known = self.lock().instance.clone();
        if !known.is_empty() {
            return Ok(known);
        }
        let new = new_id(place)?;
        let mut state = self.lock();
        if state.instance.is_empty() {
            state.instance = new;
        }
        Ok(state.instance.clone())
    }

    /// Takes a place among the tasks that are worked on here.
    fn enter(&self, record: &TaskRecord, limits: &Limits) -> Result<CancelToken, RpcError> {
        let mut state = self.lock();
        if state.live.len() >= limits.tasks_running {
            return Err(RpcError::new(
                codes::BUSY,
                "the server is busy: too many tasks are being worked on",
            ));
        }
        let cancel = CancelToken::new();
        let live = Live {
            cancel: cancel.clone(),
            record: record.clone(),
            unsaved: false,
        };
        state.live.insert(record.id().into(), live);
        Ok(cancel)
    }

    fn leave(&self, id: &str) {
        self.lock().live.remove(id);
    }

    // ── ending ──────────────────────────────────────────────────────────────────────────────────

    /// Takes the outcome of a task's call.
    pub(super) fn end(
        &self,
        id: &str,
        outcome: Outcome,
        version: ProtocolVersion,
        place: &Place<'_>,
    ) {
        let step = match outcome {
            Outcome::Tool(result) => Step::Complete {
                failed: result.failed(),
                result: json_of(&result, version),
            },
            Outcome::Fail(error) => Step::Fail(crate::session::fit(error, version)),
            Outcome::NeedInput(need) => self.ask(id, need, version, place),
            _ => Step::Fail(RpcError::internal(
                "the handler gave the outcome of another kind of call",
            )),
        };
        match self.step(id, &step, place.now_ms) {
            Ok(Some((record, effect))) => {
                self.leave(id);
                if effect != Effect::None {
                    self.tell(&record, place.server);
                }
            }
            // Forgotten meanwhile: who waits for it waits for nothing.
            Ok(None) => {
                self.leave(id);
                self.forget_waiters(id);
            }
            Err(error) => {
                unkept(&error, place);
                self.keep_unsaved(id, step, place);
            }
        }
    }

    fn ask(&self, id: &str, need: NeedInput, version: ProtocolVersion, place: &Place<'_>) -> Step {
        let service = place.server.server().current();
        let limits = service.limits();
        let live = self.lock().live.get(id).map(|live| live.record.clone());
        let Some(record) = live else {
            return Step::Fail(lost());
        };
        let fail = |error| Step::Fail(crate::session::fit(error, version));
        if need.requests.is_empty() {
            return fail(RpcError::internal("the handler asked for nothing"));
        }
        let checked = check_need(&need, &record.peer(), record.rounds(), limits);
        match checked {
            Ok(()) => Step::Ask {
                questions: need.requests,
                state: need.state,
            },
            Err(error) => fail(error),
        }
    }

    // The store cannot be told: as long as this process lives, it is known here.
    fn keep_unsaved(&self, id: &str, step: Step, place: &Place<'_>) {
        let mut state = self.lock();
        let Some(live) = state.live.get_mut(id) else {
            return;
        };
        if live.record.apply(step, place.now_ms) == Effect::None {
            return;
        }
        live.unsaved = true;
        let record = live.record.clone();
        drop(state);
        self.tell(&record, place.server);
    }

    // ── steps ───────────────────────────────────────────────────────────────────────────────────

    /// Takes a step, unless there is no such task; see [`TaskRecord::apply`].
    fn step(
        &self,
        id: &str,
        step: &Step,
        now_ms: u64,
    ) -> Result<Option<(TaskRecord, Effect)>, StoreError> {
        for _ in 0..CONTESTS {
            let Some(mut record) = self.load(id)? else {
                return Ok(None);
            };
            let effect = record.apply(step.clone(), now_ms);
            if effect == Effect::None {
                return Ok(Some((record, effect)));
            }
            if effect == Effect::Run {
                record.set_runner(&self.lock().instance);
            }
            if self.store.replace(&record)? {
                if let Some(live) = self.lock().live.get_mut(id) {
                    live.record = record.clone();
                }
                return Ok(Some((record, effect)));
            }
        }
        Err(StoreError::failed("too many changes of one task at once"))
    }

    /// The newest state of a task, which the store may not know of.
    fn load(&self, id: &str) -> Result<Option<TaskRecord>, StoreError> {
        let unsaved = self
            .lock()
            .live
            .get(id)
            .filter(|live| live.unsaved)
            .map(|live| live.record.clone());
        let Some(record) = unsaved else {
            return self.store.load(id);
        };
        if self.store.replace(&record).unwrap_or(false) {
            self.leave(id);
        }
        Ok(Some(record))
    }

    /// A task that this client may know of. Whether there is none, it is somebody else's, or its
    /// time is over, shows in nothing.
    ///
    /// # Errors
    /// -32602 for those, -32603 where the store fails.
    pub(super) fn find(
        &self,
        id: &str,
        peer: &Peer,
        place: &Place<'_>,
    ) -> Result<TaskRecord, RpcError> {
        let record = self.load(id).map_err(|error| unkept(&error, place))?;
        let known = record.filter(|record| record.is_for(peer) && !record.is_expired(place.now_ms));
        let mut record = known.ok_or_else(unknown)?;
        if self.is_lost(&record) {
            let step = Step::Fail(lost());
            if let Some((failed, effect)) = self
                .step(id, &step, place.now_ms)
                .map_err(|error| unkept(&error, place))?
            {
                record = failed;
                if effect != Effect::None {
                    self.tell(&record, place.server);
                }
            }
        }
        match self.lock().live.get(id) {
            // It may have said in words how far it is.
            Some(live) if live.record.revision() == record.revision() => {
                record = live.record.clone();
            }
            _ => {}
        }
        Ok(record)
    }

    // Whether the process is gone that was at work on it.
    fn is_lost(&self, record: &TaskRecord) -> bool {
        record.status() == TaskStatus::Working
            && !self.store.is_shared()
            && record.runner() != self.lock().instance
    }

    /// Answers some of a task's questions, and goes on with it once all are.
    pub(super) fn answer(
        self: &Arc<Self>,
        record: &TaskRecord,
        answers: Answers,
        place: &Place<'_>,
    ) -> Result<(), RpcError> {
        let id = record.id();
        let service = place.server.server().current();
        self.instance(place)?;
        // The place is taken before the task changes: what cannot be run is not begun.
        let completes = completes(record, &answers);
        let cancel = match completes {
            true => Some(self.enter(record, service.limits())?),
            false => None,
        };
        let stepped = self.step(id, &Step::Answer(answers), place.now_ms);
        let run = matches!(stepped, Ok(Some((_, Effect::Run))));
        if cancel.is_some() && !run {
            self.leave(id);
        }
        let Some((record, effect)) = stepped.map_err(|error| unkept(&error, place))? else {
            return Err(unknown());
        };
        if effect != Effect::None {
            self.tell(&record, place.server);
        }
        let Some(cancel) = cancel.filter(|_| run) else {
            return Ok(());
        };
        self.expire_at(record.expires_ms(), place);
        let run = Run::new(self, &record, cancel, place);
        match service.tool(record.tool()) {
            Some(tool) => run.spawn(tool.handler().clone()),
            None => run.fail(RpcError::invalid_params("the tool has been removed")),
        }
        Ok(())
    }

    /// Gives a task up. The handler learns of it; what it still gives is ignored.
    pub(super) fn cancel(
        &self,
        record: &TaskRecord,
        place: &Place<'_>,
    ) -> Result<(TaskRecord, Effect), RpcError> {
        let stepped = self
            .step(record.id(), &Step::Cancel, place.now_ms)
            .map_err(|error| unkept(&error, place))?;
        let (record, effect) = stepped.ok_or_else(unknown)?;
        if effect != Effect::None {
            self.tell(&record, place.server);
        }
        Ok((record, effect))
    }

    // ── telling ─────────────────────────────────────────────────────────────────────────────────

    /// Says in words how far a running task is.
    pub(super) fn say(&self, id: &str, message: String, server: &ServerHandle) {
        let mut state = self.lock();
        let Some(live) = state.live.get_mut(id) else {
            return;
        };
        if live.record.status() != TaskStatus::Working {
            return;
        }
        live.record.set_message(message);
        let record = live.record.clone();
        drop(state);
        self.tell(&record, server);
    }

    /// Tells everybody who follows the task, in this process and beyond.
    pub(super) fn tell(&self, record: &TaskRecord, server: &ServerHandle) {
        let mut change = TopicChange::new(EXTENSION, record.id());
        change.subject = record.subject().map(Arc::from);
        change.last = record.status().is_terminal();
        let params = record.notification();
        match record.version().era() {
            Era::Handshake => {
                let notice = TopicNotice::new("notifications/tasks/status", &params);
                change.handshake = Some(notice);
            }
            _ => change.stateless = Some(TopicNotice::new("notifications/tasks", &params)),
        }
        server.changed(change);
    }

    /// Takes note of a change, which another process may have made.
    pub(super) fn observe(&self, change: &TopicChange) {
        if *change.extension != *EXTENSION {
            return;
        }
        let mut state = self.lock();
        let waiters = state.waiters.remove(&*change.topic);
        let over = change.last.then(|| {
            let live = state.live.get(&*change.topic)?;
            Some(live.cancel.clone())
        });
        drop(state);
        // Both run foreign code.
        if let Some(Some(cancel)) = over {
            cancel.cancel();
        }
        waiters.into_iter().flatten().for_each(Waker::wake);
    }

    /// Wakes somebody at the task's next change.
    pub(super) fn wake_at_change(&self, id: &str, waker: &Waker) {
        let mut state = self.lock();
        let waiters = state.waiters.entry(id.to_string()).or_default();
        if !waiters.iter().any(|known| known.will_wake(waker)) {
            waiters.push(waker.clone());
        }
    }

    /// Nobody waits for this any more.
    pub(super) fn forget_waiters(&self, id: &str) {
        let waiters = self.lock().waiters.remove(id);
        // Others who wait look once more.
        waiters.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        for (_, live) in mem::take(&mut self.lock().live) {
            live.cancel.cancel();
        }
    }
}

fn completes(record: &TaskRecord, answers: &Answers) -> bool {
    let answered = |key: &str| match answers.get(key) {
        Some(Ok(result)) => result.is_object(),
        Some(Err(_)) => true,
        None => false,
    };
    record.status() == TaskStatus::InputRequired
        && record.questions().iter().all(|(key, _)| answered(key))
}

/// The work of a task's call.
pub(super) fn work_of(record: &TaskRecord) -> Work {
    Work::Tool {
        name: record.tool().into(),
        arguments: record.arguments().cloned(),
    }
}

// 128 bits in hexadecimal.
fn new_id(place: &Place<'_>) -> Result<String, RpcError> {
    let random = place.host.random();
    let random = random.ok_or_else(|| RpcError::internal("there is no entropy for an id"))?;
    let mut id = String::with_capacity(32);
    for byte in random {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    Ok(id)
}

/// -32602, whatever the reason.
pub(super) fn unknown() -> RpcError {
    RpcError::invalid_params("there is no such task")
}

/// What a client is told of a store that failed; the operator is told all of it.
pub(super) fn unkept(error: &StoreError, place: &Place<'_>) -> RpcError {
    place.server.server().report(&Failure {
        kind: "task store",
        name: EXTENSION,
        error,
    });
    match error {
        StoreError::Full => {
            RpcError::new(codes::BUSY, "the server is busy: it keeps too many tasks")
        }
        StoreError::Failed(_) => RpcError::internal("the server cannot reach its tasks"),
    }
}
