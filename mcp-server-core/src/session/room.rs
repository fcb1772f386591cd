//! Room for calls, and patience with those that find none.
//!
//! A client that asks for more than there is room for is slowed down first: its next call is left
//! unread, and all that stands behind it. What stands behind may be what makes room, though: a
//! cancellation, or an answer that a handler waits for. So patience ends where calls take their
//! time, and what finds no room then is answered "busy".

use core::time::Duration;
use mcp_proto::{
    method::{Capability, Method},
    time::Instant,
};

use super::{Phase, Session};

/// For so long a call may be left unread: most calls end much sooner, also on a busy machine.
const PATIENCE: Duration = Duration::from_millis(500);
/// So much more for each call that ends, up to the same again: a cancellation behind many calls
/// waits for quick ones, and not for slow ones.
const EARNED: Duration = Duration::from_millis(10);

/// How long calls are left unread.
#[derive(Debug, Default)]
pub(super) struct Patience {
    // Since there was no room, if that is so.
    until: Option<Instant>,
    // The message that was taken last was left to the front.
    held: bool,
}

impl Session {
    /// From now on a call without room is left to the front for a while, see
    /// [`holds_back`](Self::holds_back).
    pub(crate) fn be_patient(&mut self) {
        self.patience = Some(Patience::default());
    }

    /// Whether the last message was not taken: the front is to bring it again, once
    /// [`wants_message`](Self::wants_message) says so.
    pub(crate) fn has_held_back(&self) -> bool {
        self.patience.as_ref().is_some_and(|patience| patience.held)
    }

    /// Whether this request is not to be taken yet.
    pub(super) fn holds_back(&mut self, method: &str) -> bool {
        let is_full = self.is_full();
        let Some(patience) = &mut self.patience else {
            return false;
        };
        patience.held = is_full && makes_a_call(method) && {
            let until = self.now.saturating_add(PATIENCE);
            self.now < *patience.until.get_or_insert(until)
        };
        patience.held
    }

    /// Until when the message that was held back stays so, unless there is room before.
    pub(super) fn held_until(&self) -> Option<Instant> {
        let patience = self.patience.as_ref().filter(|patience| patience.held)?;
        let until = patience.until.filter(|until| self.now < *until);
        until.filter(|_| self.phase == Phase::Open && self.is_full())
    }

    /// A handler has come back.
    pub(super) fn has_ended_one(&mut self) {
        let Some(patience) = &mut self.patience else {
            return;
        };
        patience.until = match patience.until {
            Some(until) if self.running > 0 || !self.parked.is_empty() => {
                let earned = until.max(self.now).saturating_add(EARNED);
                Some(earned.min(self.now.saturating_add(PATIENCE)))
            }
            _ => None,
        };
    }

    /// Whether a call that comes now can neither begin nor wait.
    fn is_full(&self) -> bool {
        self.parked.len() >= self.limits.calls_parked
            && !(self.parked.is_empty() && self.has_place())
    }
}

/// Whether a request of this method may need room.
fn makes_a_call(method: &str) -> bool {
    match Method::parse(method) {
        Some(Method::CallTool | Method::GetPrompt | Method::ReadResource | Method::Complete)
        | None => true,
        Some(method) => method.info().capability == Capability::Tasks,
    }
}
