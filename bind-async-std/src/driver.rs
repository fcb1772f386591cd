//! The loop that moves bytes between a machine and the system. It decides nothing: what to send,
//! when to stop reading and when it is over are the machine's business.
//!
//! One task owns the machine and does all of this, so that nothing has to be locked or passed on.
//! It is one hand-written future rather than a `select!`: a read that is not ready costs a look at
//! a flag, and no half-read message can get lost, since the machine keeps what was read.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures_io::{AsyncRead, AsyncWrite};
use mcp_proto::time::Instant;

use crate::clock::{Alarm, Clock};

/// Bytes asked of the reader at a time: what a Linux pipe holds.
const READ_BYTES: usize = 64 * 1024;
/// Above this the buffer of a big message is given back when small ones follow.
const KEPT_BYTES: usize = 1024 * 1024;
/// Turns after which other tasks are let run, however much there is to do.
const TURNS: u32 = 32;

/// The verbs that the server's and the client's machines have in common.
pub(crate) trait Machine {
    fn handle_bytes(&mut self, bytes: &[u8], now: Instant);
    fn handle_eof(&mut self, now: Instant);
    /// The peer takes nothing any more: there is no use in sending.
    fn hang_up(&mut self, now: Instant);
    /// Does what there is to do; ready when it is all over.
    fn poll_work(&mut self, context: &mut Context<'_>, now: Instant) -> Poll<()>;
    /// Fills the empty `out` with all that waits to be written; false where nothing does.
    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool;
    fn poll_timeout(&self) -> Option<Instant>;
    fn wants_read(&self) -> bool;
    /// When to give up sending the rest once it is all over.
    fn patience(&self) -> std::time::Duration;
}

/// A machine and its two streams.
pub(crate) struct Driver<M, R, W> {
    machine: M,
    reader: R,
    writer: W,
    clock: Clock,
    alarm: Alarm,
    input: Vec<u8>,
    output: Vec<u8>,
    written: usize,
    // Written, but possibly not yet passed on by the writer.
    unflushed: bool,
    ended: Ended,
    failure: Option<io::Error>,
}

/// Which of the two streams have come to their end.
#[derive(Default)]
struct Ended {
    input: bool,
    output: bool,
    // The machine is done; what is left is to be written until then.
    machine: Option<Instant>,
}

impl<M: Machine + Unpin, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Driver<M, R, W> {
    pub(crate) fn new(machine: M, clock: Clock, reader: R, writer: W) -> Self {
        Self {
            machine,
            reader,
            writer,
            clock,
            alarm: Alarm::new(),
            input: vec![0; READ_BYTES],
            output: Vec::new(),
            written: 0,
            unflushed: false,
            ended: Ended::default(),
            failure: None,
        }
    }

    /// Runs until the machine has come to its end, and gives back the streams' failure, if any.
    pub(crate) async fn run(mut self) -> io::Result<()> {
        std::future::poll_fn(|context| self.poll(context)).await;
        // So that the peer learns of the end from writers that do not tell when dropped. It may
        // have gone, and is not waited for.
        std::future::poll_fn(|context| {
            let _ = Pin::new(&mut self.writer).poll_close(context);
            Poll::Ready(())
        })
        .await;
        self.failure.map_or(Ok(()), Err)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut go_on = true;
        for _ in 0..TURNS {
            let now = self.clock.now();
            let read = self.read(context, now);
            if !read && !go_on {
                return Poll::Pending;
            }
            if self.machine.poll_work(context, now).is_ready() && self.ended.machine.is_none() {
                self.ended.machine = Some(now.saturating_add(self.machine.patience()));
            }
            // Whether it waits for its output to be taken, before it does anything else.
            let stuck = !self.machine.wants_read();
            let wrote = self.write(context, now);
            if self.is_over(now) {
                return Poll::Ready(());
            }
            let deadline = self.ended.machine.or_else(|| self.machine.poll_timeout());
            let late = self.alarm.poll(deadline, self.clock, context).is_ready();
            go_on = late || (wrote && (stuck || self.ended.output));
            // Until a read is pending, nobody wakes us for the next bytes.
            if !go_on && !read {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_over(&self, now: Instant) -> bool {
        let written = self.written == self.output.len() && !self.unflushed;
        self.ended
            .machine
            .is_some_and(|until| self.ended.output || written || until <= now)
    }

    // Tells whether the machine has been rid of something.
    fn write(&mut self, context: &mut Context<'_>, now: Instant) -> bool {
        let mut progress = false;
        while !self.ended.output {
            if self.written == self.output.len() {
                if !self.next_output() {
                    break;
                }
                progress = true;
            }
            match Pin::new(&mut self.writer).poll_write(context, &self.output[self.written..]) {
                Poll::Ready(Ok(count @ 1..)) => {
                    self.written += count;
                    self.unflushed = true;
                }
                // The peer has gone: nothing that is still to come can reach it.
                Poll::Ready(_) => return self.end_output(now),
                Poll::Pending => return progress,
            }
        }
        if self.unflushed {
            match Pin::new(&mut self.writer).poll_flush(context) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(_)) => return self.end_output(now),
                Poll::Pending => {}
            }
        }
        progress
    }

    // Hands the machine the empty buffer for the next one to be filled, and takes what is full.
    fn next_output(&mut self) -> bool {
        if self.output.capacity() > KEPT_BYTES && self.output.len() < KEPT_BYTES / 4 {
            self.output = Vec::new();
        }
        self.output.clear();
        self.written = 0;
        self.machine.poll_transmit(&mut self.output)
    }

    fn end_output(&mut self, now: Instant) -> bool {
        self.ended.output = true;
        self.unflushed = false;
        self.machine.hang_up(now);
        true
    }

    // Tells whether the machine has been given something.
    fn read(&mut self, context: &mut Context<'_>, now: Instant) -> bool {
        if self.ended.input || self.ended.machine.is_some() || !self.machine.wants_read() {
            return false;
        }
        match Pin::new(&mut self.reader).poll_read(context, &mut self.input) {
            Poll::Pending => return false,
            Poll::Ready(Ok(count @ 1..)) => self.machine.handle_bytes(&self.input[..count], now),
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Poll::Ready(result) => {
                self.failure = result.err();
                self.ended.input = true;
                self.machine.handle_eof(now);
            }
        }
        true
    }
}
