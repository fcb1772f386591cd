//! The loop that moves bytes between a machine and the system. It decides nothing: what to do next
//! is the business of the [`Pump`], and all else of the machine.
//!
//! One task owns the machine and does all of this, so that nothing has to be locked or passed on.
//! It is one hand-written future rather than a `select!`: a read that is not ready costs a look at
//! a flag, and no half-read message can get lost, since the machine keeps what was read.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll},
};

use mcp_proto::{
    pump::{Machine, Pump, READ_BYTES, Step},
    time::Instant,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::clock::{Alarm, Clock};

/// A machine and its two streams.
pub(crate) struct Driver<M, R, W, J> {
    pump: Pump<M>,
    reader: R,
    writer: W,
    // Has the machine's jobs run elsewhere.
    run: J,
    clock: Clock,
    alarm: Alarm,
    input: Vec<u8>,
    failure: Option<io::Error>,
}

impl<M, R, W, J> Driver<M, R, W, J>
where
    M: Machine + Unpin,
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    J: FnMut(M::Job) + Unpin,
{
    pub(crate) fn new(machine: M, clock: Clock, reader: R, writer: W, run: J) -> Self {
        Self {
            pump: Pump::new(machine),
            reader,
            writer,
            run,
            clock,
            alarm: Alarm::new(),
            input: Vec::with_capacity(READ_BYTES),
            failure: None,
        }
    }

    /// Runs until the machine has come to its end, and gives back the streams' failure, if any.
    pub(crate) async fn run(mut self) -> io::Result<()> {
        std::future::poll_fn(|context| self.poll(context)).await;
        // So that the peer learns of the end from writers that do not tell when dropped. It may
        // have gone, and is not waited for.
        std::future::poll_fn(|context| {
            let _ = Pin::new(&mut self.writer).poll_shutdown(context);
            Poll::Ready(())
        })
        .await;
        self.failure.map_or(Ok(()), Err)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut now = self.clock.now();
        let mut first = true;
        loop {
            match self.pump.step(now) {
                Step::Read => self.read(context, now),
                Step::Work => {
                    // Since it was woken, it has done nothing that takes its time.
                    if !mem::take(&mut first) {
                        now = self.clock.now();
                    }
                    self.pump.work(context, now, &mut self.run);
                }
                Step::Write => {
                    let written =
                        Pin::new(&mut self.writer).poll_write(context, self.pump.output());
                    self.pump
                        .handle_write(written.map(|count| count.unwrap_or(0)), now);
                }
                Step::Flush => {
                    let flushed = Pin::new(&mut self.writer).poll_flush(context);
                    self.pump
                        .handle_flush(flushed.map(|result| result.is_ok()), now);
                }
                Step::Wait(deadline) => {
                    let late = self.alarm.poll(deadline, self.clock, context);
                    self.pump.handle_wait(late);
                }
                Step::Yield => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Step::Rest => return Poll::Pending,
                Step::Done => return Poll::Ready(()),
            }
        }
    }

    fn read(&mut self, context: &mut Context<'_>, now: Instant) {
        let mut buffer = ReadBuf::uninit(self.input.spare_capacity_mut());
        let read = match Pin::new(&mut self.reader).poll_read(context, &mut buffer) {
            // Asked for again.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => return,
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => {
                return self.pump.handle_reset(now);
            }
            Poll::Ready(Err(error)) => {
                self.failure = Some(error);
                Poll::Ready(&[][..])
            }
            read => read.map(|_| buffer.filled()),
        };
        self.pump.handle_read(read, now);
    }
}
