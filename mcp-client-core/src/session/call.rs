//! One open call: what it is for, how far it is, and how long it may take.

use alloc::{borrow::Cow, boxed::Box, collections::VecDeque, string::String, vec::Vec};
use core::{fmt, time::Duration};

use mcp_proto::{
    encode::EncodeFields, json::Json, limits::Limits, method::Method, rpc::CallId, time::Instant,
    types::LoggingLevel,
};

use crate::{
    error::CallError,
    options::CallOptions,
    session::{follow::Following, input::Round, pending::Reply, subscribe::SubscriptionId},
};

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) owner: Owner,
    pub(crate) name: Cow<'static, str>,
    pub(crate) method: Option<Method>,
    pub(crate) state: State,
    pub(crate) timing: Timing,
    pub(crate) progress: bool,
    /// An earlier result must not be used instead.
    pub(crate) fresh: bool,
    pub(crate) rounds: usize,
    /// The parameters as they were written, where they may have to be written again.
    pub(crate) kept: Option<Vec<u8>>,
    pub(crate) pages: Option<Box<Pages>>,
    /// By what it goes on, where its request's result is not its end.
    pub(crate) following: Option<Box<Following>>,
    /// Ends with such a result instead.
    pub(crate) hand_over: bool,
    /// What it has begun goes on without it.
    pub(crate) detached: bool,
    /// Was made once more after it was refused.
    pub(crate) repeated: bool,
}

/// Who waits for a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Owner {
    User,
    Probe,
    Handshake,
    /// A subscription's stream.
    Listen(SubscriptionId),
    /// A subscription's wish for one resource.
    Watch(SubscriptionId, String),
    Nobody,
}

#[derive(Debug)]
pub(crate) enum State {
    /// Nothing was done about it yet.
    New,
    /// The revision is not known yet.
    Queued(Box<Queued>),
    /// A request of this id is out.
    Sent(i64),
    /// The server has asked something.
    Asking(Box<Round>),
    /// The server wants to be asked again a little later.
    Pausing(Option<String>),
    /// Goes on in a while.
    Resting,
    /// Waits for this subscription to be granted.
    Joining(SubscriptionId),
    Done(Result<Reply, CallError>),
}

/// A call that cannot be written before the revision is known.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) body: Body,
    pub(crate) options: CallOptions,
}

/// What a call says; some of it depends on the era.
pub(crate) enum Body {
    Params(Box<dyn EncodeFields + Send + Sync>),
    Ping,
    SetLevel(LoggingLevel),
    /// Says nothing, only waits.
    Ready,
    /// Says what a machine tells it.
    Follow(Box<Following>),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Params(_) => "Params",
            Self::Ping => "Ping",
            Self::SetLevel(_) => "SetLevel",
            Self::Ready => "Ready",
            Self::Follow(_) => "Follow",
        })
    }
}

/// The pages of a list that is being followed.
#[derive(Debug)]
pub(crate) struct Pages {
    pub(crate) texts: Vec<Json>,
    pub(crate) cursors: Vec<Box<str>>,
    // Of both.
    pub(crate) bytes: usize,
    pub(crate) options: CallOptions,
}

#[derive(Debug, Copy, Clone)]
pub(crate) struct Timing {
    pub(crate) timeout: Duration,
    pub(crate) limit: Instant,
    /// Since when the user is being asked, who may take their time.
    pub(crate) asked_at: Option<Instant>,
}

impl Timing {
    pub(crate) fn new(options: &CallOptions, limits: &Limits, now: Instant) -> Self {
        let timeout = options.timeout.unwrap_or(limits.call_timeout);
        let max = options.max.unwrap_or(limits.call_timeout_max).max(timeout);
        Self {
            timeout,
            limit: now.saturating_add(max),
            asked_at: None,
        }
    }

    /// The deadline after a sign of life.
    pub(crate) fn deadline(&self, now: Instant) -> Instant {
        now.saturating_add(self.timeout).min(self.limit)
    }

    pub(crate) fn pause(&mut self, now: Instant) {
        self.asked_at.get_or_insert(now);
    }

    /// Goes on after a pause, which does not count.
    pub(crate) fn resume(&mut self, now: Instant) {
        if let Some(since) = self.asked_at.take() {
            self.limit = self.limit.saturating_add(now.duration_since(since));
        }
    }
}

impl Call {
    pub(crate) fn new(owner: Owner, method: Method, timing: Timing) -> Self {
        Self {
            name: Cow::Borrowed(method.name()),
            method: Some(method),
            ..Self::custom(owner, Cow::Borrowed(""), timing)
        }
    }

    pub(crate) fn custom(owner: Owner, name: Cow<'static, str>, timing: Timing) -> Self {
        Self {
            owner,
            name,
            method: None,
            state: State::New,
            timing,
            progress: false,
            fresh: false,
            rounds: 0,
            kept: None,
            pages: None,
            following: None,
            hand_over: false,
            detached: false,
            repeated: false,
        }
    }

    /// Whether the server may ask something before it answers (2026-07-28, MRTR).
    pub(crate) fn asks(&self) -> bool {
        self.following.is_some() || self.method.is_some_and(|method| method.info().asks)
    }
}

/// The ids of our requests, which grow from one to the next and are never used again.
#[derive(Debug, Default)]
pub(crate) struct Wires {
    last: i64,
    // Sorted, because ids grow; answers mostly come in the order of the requests.
    open: VecDeque<(i64, CallId)>,
}

impl Wires {
    pub(crate) fn issue(&mut self, call: CallId) -> i64 {
        self.last += 1;
        self.open.push_back((self.last, call));
        self.last
    }

    pub(crate) fn get(&self, wire: i64) -> Option<CallId> {
        let at = self
            .open
            .binary_search_by_key(&wire, |(wire, _)| *wire)
            .ok()?;
        Some(self.open[at].1)
    }

    pub(crate) fn take(&mut self, wire: i64) -> Option<CallId> {
        let at = self
            .open
            .binary_search_by_key(&wire, |(wire, _)| *wire)
            .ok()?;
        self.open.remove(at).map(|(_, call)| call)
    }

    /// Whether a request had this id and waits for nothing any more.
    pub(crate) fn is_over(&self, wire: i64) -> bool {
        self.was_issued(wire) && self.get(wire).is_none()
    }

    /// Whether a request had this id once, so that an answer to it may still come.
    pub(crate) fn was_issued(&self, wire: i64) -> bool {
        (1..=self.last).contains(&wire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_proto::rpc::Ledger;

    #[test]
    fn an_id_leads_to_its_call_until_it_is_taken() {
        let mut ledger = Ledger::new(0);
        let calls: Vec<_> = (0..5).map(|at| ledger.insert(at, Instant::MAX)).collect();
        let mut wires = Wires::default();
        let ids: Vec<_> = calls.iter().map(|call| wires.issue(*call)).collect();
        assert_eq!(ids, [1, 2, 3, 4, 5]);
        assert_eq!((wires.take(3), wires.take(3)), (Some(calls[2]), None));
        assert_eq!(
            (wires.get(4), wires.take(1)),
            (Some(calls[3]), Some(calls[0]))
        );
        assert_eq!((wires.get(6), wires.get(0)), (None, None));
        assert!(wires.was_issued(3) && !wires.was_issued(6) && !wires.was_issued(0));
    }

    #[test]
    fn a_call_has_the_time_that_the_limits_say() {
        let mut limits = Limits::default();
        limits.call_timeout = Duration::from_millis(7);
        limits.call_timeout_max = Duration::from_millis(9);
        let at = |millis| Instant::ZERO.saturating_add(Duration::from_millis(millis));
        let timing = Timing::new(&CallOptions::default(), &limits, at(0));
        assert_eq!((timing.deadline(at(0)), timing.limit), (at(7), at(9)));
        assert_eq!(timing.deadline(at(5)), at(9));
    }

    #[test]
    fn progress_extends_a_call_up_to_its_limit_and_pauses_do_not_count() {
        let limits = Limits::default();
        let options = CallOptions::default()
            .with_timeout(Duration::from_secs(10))
            .with_max(Duration::from_secs(25));
        let at = |seconds| Instant::ZERO.saturating_add(Duration::from_secs(seconds));
        let mut timing = Timing::new(&options, &limits, at(0));
        assert_eq!(timing.deadline(at(0)), at(10));
        assert_eq!(timing.deadline(at(9)), at(19));
        assert_eq!(timing.deadline(at(18)), at(25));
        timing.pause(at(18));
        timing.pause(at(20));
        timing.resume(at(118));
        assert_eq!(timing.deadline(at(118)), at(125));
        // A maximum below the timeout would make the timeout meaningless.
        let options = CallOptions::default().with_timeout(limits.call_timeout_max * 2);
        assert_eq!(Timing::new(&options, &limits, at(0)).limit, at(3600));
    }
}
