//! What to do next with a machine and two streams, for any loop that moves its bytes.
//!
//! A loop that owns a [`Machine`], a reader and a writer asks a [`Pump`] what to do, does it, and
//! tells what came of it. All decisions are here: when to read, how long to write, when others are
//! to be let run, and when it is over. None of the bytes are, nor a runtime.
//!
//! ```text
//!          ┌──────────────────────────── a turn ────────────────────────────┐
//!  Step ─▶ │ Read ─▶ Work ─▶ Write, Write … ─▶ Flush ─▶ Wait for a deadline │ ─▶ Rest | Yield | Done
//!          └────────────────────────────────────────────────────────────────┘
//! ```

use alloc::vec::Vec;
use core::{
    mem,
    task::{Context, Poll},
    time::Duration,
};

use crate::time::Instant;

/// Bytes to ask a reader for at a time: what a Linux pipe holds.
pub const READ_BYTES: usize = 64 * 1024;
/// Above this the buffer of a big message is given back when small ones follow.
const KEPT_BYTES: usize = 1024 * 1024;
/// Turns after which other tasks are let run, however much there is to do.
const TURNS: u32 = 32;

/// The verbs that the machines of servers and clients have in common.
pub trait Machine {
    /// What it has others run, since it may block or take its time.
    type Job;

    /// Takes in what was read.
    fn handle_bytes(&mut self, bytes: &[u8], now: Instant);
    /// Nothing more will come.
    fn handle_eof(&mut self, now: Instant);
    /// The peer takes nothing any more: there is no use in sending.
    fn hang_up(&mut self, now: Instant);
    /// Does what there is to do, and hands out what others are to `run`. Ready when it is all over;
    /// the task is woken when there is more to do.
    fn poll_work(
        &mut self,
        context: &mut Context<'_>,
        now: Instant,
        run: &mut dyn FnMut(Self::Job),
    ) -> Poll<()>;
    /// Fills the empty `out` with all that waits to be written; false where nothing does.
    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool;
    /// When there is something to do although nothing else happens.
    fn poll_timeout(&self) -> Option<Instant>;
    /// Whether to read. Otherwise the peer's bytes stay where they are.
    fn wants_read(&self) -> bool;
    /// How long sending the rest may take once it is all over.
    fn patience(&self) -> Duration;
}

/// What the loop is to do next.
#[expect(
    clippy::exhaustive_enums,
    reason = "a loop has to do every one of them"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read at most [`READ_BYTES`], without waiting, and tell [`Pump::handle_read`].
    Read,
    /// Call [`Pump::work`].
    Work,
    /// Write [`Pump::output`], without waiting, and tell [`Pump::handle_write`].
    Write,
    /// Flush the writer, without waiting, and tell [`Pump::handle_flush`].
    Flush,
    /// See to it that the task is woken then, and tell [`Pump::handle_wait`].
    Wait(Option<Instant>),
    /// Rest until something wakes the task: input, room for output, time, or the machine.
    Rest,
    /// Let other tasks run, and go on.
    Yield,
    /// It is over: close the writer.
    Done,
}

/// A machine, and how far its streams are.
///
/// ```
/// # use mcp_proto::{pump::{Machine, Pump, Step}, time::Instant};
/// # use std::{task::{Context, Poll, Waker}, time::Duration};
/// # #[derive(Default)]
/// # struct Echo(Vec<u8>, bool);
/// # impl Machine for Echo {
/// #     type Job = ();
/// #     fn handle_bytes(&mut self, bytes: &[u8], _: Instant) { self.0.extend(bytes) }
/// #     fn handle_eof(&mut self, _: Instant) { self.1 = true }
/// #     fn hang_up(&mut self, _: Instant) {}
/// #     fn poll_work(&mut self, _: &mut Context<'_>, _: Instant, _: &mut dyn FnMut(())) -> Poll<()> {
/// #         if self.1 { Poll::Ready(()) } else { Poll::Pending }
/// #     }
/// #     fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool { out.append(&mut self.0); !out.is_empty() }
/// #     fn poll_timeout(&self) -> Option<Instant> { None }
/// #     fn wants_read(&self) -> bool { true }
/// #     fn patience(&self) -> Duration { Duration::ZERO }
/// # }
/// // A loop over two byte strings, which are always ready. `Echo` says what it hears.
/// let (mut input, mut output, now) = (&b"hello"[..], Vec::<u8>::new(), Instant::ZERO);
/// let mut pump = Pump::new(Echo::default());
/// loop {
///     match pump.step(now) {
///         Step::Read => pump.handle_read(Poll::Ready(std::mem::take(&mut input)), now),
///         Step::Work => pump.work(&mut Context::from_waker(Waker::noop()), now, &mut |()| {}),
///         Step::Write => {
///             output.extend(pump.output());
///             pump.handle_write(Poll::Ready(pump.output().len()), now);
///         }
///         Step::Flush => pump.handle_flush(Poll::Ready(true), now),
///         Step::Wait(_) => pump.handle_wait(Poll::Pending),
///         Step::Rest | Step::Yield => {}
///         Step::Done => break,
///     }
/// }
/// assert_eq!(output, b"hello");
/// ```
#[derive(Debug)]
pub struct Pump<M> {
    machine: M,
    output: Vec<u8>,
    written: usize,
    // Written, but possibly not yet passed on by the writer.
    unflushed: bool,
    ended: Ended,
    phase: Phase,
    turn: Turn,
    // Since the last rest.
    turns: u32,
    // The reader will wake the task.
    read_is_pending: bool,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Read,
    Work,
    Write,
    Flush,
    Wait,
    Rest,
}

/// What has happened since the last look at the input.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    // There is work, whatever is read.
    due: bool,
    // The machine was waiting for its output to be taken, before it does anything else.
    stuck: bool,
    // It has been rid of something.
    wrote: bool,
}

/// Which of the two streams have come to their end.
#[derive(Debug, Default)]
struct Ended {
    input: bool,
    output: bool,
    // The machine is done; what is left is to be written until then.
    machine: Option<Instant>,
}

impl<M: Machine> Pump<M> {
    /// A pump for a machine that has just begun.
    #[must_use]
    pub fn new(machine: M) -> Self {
        Self {
            machine,
            output: Vec::new(),
            written: 0,
            unflushed: false,
            ended: Ended::default(),
            phase: Phase::Rest,
            turn: Turn::default(),
            turns: 0,
            read_is_pending: false,
        }
        .woken()
    }

    fn woken(mut self) -> Self {
        self.wake();
        self
    }

    // All may have changed.
    fn wake(&mut self) {
        self.phase = Phase::Read;
        self.turn = Turn {
            due: true,
            ..Turn::default()
        };
        self.turns = 0;
        self.read_is_pending = false;
    }

    /// What to do next. `now` is when the loop was woken, or later.
    #[must_use]
    pub fn step(&mut self, now: Instant) -> Step {
        loop {
            match self.phase {
                Phase::Read if self.turns == TURNS => {
                    self.wake();
                    return Step::Yield;
                }
                Phase::Read if self.reads() => return Step::Read,
                Phase::Read if self.turn.due => self.phase = Phase::Work,
                Phase::Read | Phase::Rest => {
                    self.wake();
                    return Step::Rest;
                }
                Phase::Work => return Step::Work,
                Phase::Write => {
                    if self.has_output() {
                        return Step::Write;
                    }
                    self.phase = Phase::Flush;
                }
                Phase::Flush if self.unflushed => return Step::Flush,
                Phase::Flush => self.phase = Phase::Wait,
                Phase::Wait if self.is_over(now) => return Step::Done,
                Phase::Wait => {
                    return Step::Wait(self.ended.machine.or_else(|| self.machine.poll_timeout()));
                }
            }
        }
    }

    /// What came of [`Step::Read`]: bytes, none at the end of the input or where reading has
    /// failed for good, or pending, in which case the task will be woken.
    pub fn handle_read(&mut self, read: Poll<&[u8]>, now: Instant) {
        match read {
            Poll::Ready([]) => {
                self.ended.input = true;
                self.machine.handle_eof(now);
            }
            Poll::Ready(bytes) => self.machine.handle_bytes(bytes, now),
            Poll::Pending => {
                self.read_is_pending = true;
                return;
            }
        }
        self.phase = Phase::Work;
    }

    /// What came of [`Step::Read`] or [`Step::Write`] where the connection was reset: the peer has
    /// gone, and both directions with it.
    pub fn handle_reset(&mut self, now: Instant) {
        if !self.ended.output {
            self.end_output(now);
        }
        self.handle_read(Poll::Ready(&[]), now);
    }

    /// Does [`Step::Work`].
    pub fn work(&mut self, context: &mut Context<'_>, now: Instant, run: &mut dyn FnMut(M::Job)) {
        let work = self.machine.poll_work(context, now, run);
        if work.is_ready() && self.ended.machine.is_none() {
            self.ended.machine = Some(now.saturating_add(self.machine.patience()));
        }
        self.turn = Turn {
            stuck: !self.machine.wants_read(),
            ..Turn::default()
        };
        self.turns += 1;
        self.phase = Phase::Write;
    }

    /// What is to be written.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output[self.written..]
    }

    /// What came of [`Step::Write`]: so many bytes were taken, or pending, in which case the task
    /// will be woken. None at all, or a failure, which is the same: the peer has gone.
    pub fn handle_write(&mut self, written: Poll<usize>, now: Instant) {
        match written {
            Poll::Ready(0) => self.end_output(now),
            Poll::Ready(count) => {
                self.written = self.output.len().min(self.written.saturating_add(count));
                self.unflushed = true;
            }
            Poll::Pending => self.phase = Phase::Wait,
        }
    }

    /// What came of [`Step::Flush`]: whether it has succeeded, or pending, in which case the task
    /// will be woken.
    pub fn handle_flush(&mut self, flushed: Poll<bool>, now: Instant) {
        match flushed {
            Poll::Ready(true) => self.unflushed = false,
            Poll::Ready(false) => self.end_output(now),
            Poll::Pending => {}
        }
        self.phase = Phase::Wait;
    }

    /// What came of [`Step::Wait`]: ready where it is that late already, or later.
    pub fn handle_wait(&mut self, late: Poll<()>) {
        let freed = self.turn.wrote && (self.turn.stuck || self.ended.output);
        self.turn.due = late.is_ready() || freed;
        self.phase = Phase::Read;
    }

    // Until a read is pending, nobody wakes us for the next bytes.
    fn reads(&self) -> bool {
        !self.read_is_pending
            && !self.ended.input
            && self.ended.machine.is_none()
            && self.machine.wants_read()
    }

    // Hands the machine the empty buffer for the next one to be filled.
    fn has_output(&mut self) -> bool {
        if self.ended.output {
            return false;
        }
        if self.written < self.output.len() {
            return true;
        }
        if self.output.capacity() > KEPT_BYTES && self.output.len() < KEPT_BYTES / 4 {
            self.output = Vec::new();
        }
        self.output.clear();
        self.written = 0;
        let more = self.machine.poll_transmit(&mut self.output);
        self.turn.wrote |= more;
        more
    }

    // Nothing that is still to come can reach the peer.
    fn end_output(&mut self, now: Instant) {
        self.ended.output = true;
        self.unflushed = false;
        self.turn.wrote = true;
        self.phase = Phase::Wait;
        // Nobody will want it any more.
        drop(mem::take(&mut self.output));
        self.written = 0;
        self.machine.hang_up(now);
    }

    fn is_over(&self, now: Instant) -> bool {
        let written = self.written == self.output.len() && !self.unflushed;
        self.ended
            .machine
            .is_some_and(|until| self.ended.output || written || until <= now)
    }
}

#[cfg(test)]
mod tests;
