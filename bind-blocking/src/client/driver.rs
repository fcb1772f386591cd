//! The client's loop: one thread reads, one keeps time, and whoever makes a call writes it.
//!
//! A call is written by the thread that makes it, so a server's answer costs one wake-up: of the
//! reading thread, which hands the result to the caller. The machine is under one mutex, which is
//! never held while bytes are read or written, or while a handler runs.

use std::{
    io::{self, Read, Write},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use mcp_client_core::{Caller, ClientBuilder, Desk, Task};
use mcp_proto::time::Instant;

use crate::clock::Clock;

/// Bytes asked of the reader at a time: what a Linux pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// Where messages are written to.
pub(super) trait Outlet: Write + Send {
    /// Waits for room, where writing has failed with [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Errors
    /// Where there will be none any more.
    fn wait(&self) -> io::Result<()>;
}

/// A writer that blocks while there is no room, which is then no error.
pub(super) struct Plain<W>(pub(super) W);

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write + Send> Outlet for Plain<W> {
    fn wait(&self) -> io::Result<()> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

pub(super) struct Driver {
    clock: Clock,
    state: Mutex<State>,
    // Something was queued for the machine since it was last looked at.
    dirty: AtomicBool,
    // Where the timekeeper waits.
    time: Condvar,
    // To start a thread with.
    myself: Weak<Self>,
}

struct State {
    // Gone once the connection is over; what was queued fails then.
    desk: Option<Desk>,
    // Away while somebody writes; gone once the peer takes nothing more.
    writer: Option<Box<dyn Outlet>>,
    output: Vec<u8>,
    // When the timekeeper will look next.
    planned: Instant,
}

type Guard<'a> = MutexGuard<'a, State>;

impl Driver {
    /// Starts the threads of one connection.
    pub(super) fn start(
        builder: ClientBuilder,
        reader: Box<dyn Read + Send>,
        writer: Box<dyn Outlet>,
    ) -> io::Result<(Arc<Self>, Caller)> {
        let clock = Clock::start();
        let mut caller = None;
        let driver = Arc::new_cyclic(|myself: &Weak<Self>| {
            let woken = myself.clone();
            let wake = move || {
                if let Some(driver) = woken.upgrade() {
                    driver.dirty.store(true, Ordering::Release);
                    driver.pump_if_free();
                }
            };
            let (desk, new_caller) = Desk::new(builder, wake, clock.now());
            caller = Some(new_caller);
            let state = State {
                desk: Some(desk),
                writer: Some(writer),
                output: Vec::new(),
                planned: Instant::MAX,
            };
            Self {
                clock,
                state: Mutex::new(state),
                dirty: AtomicBool::new(true),
                time: Condvar::new(),
                myself: myself.clone(),
            }
        });
        let (reading, keeping) = (Arc::clone(&driver), Arc::downgrade(&driver));
        thread::Builder::new()
            .name("mcp-reader".into())
            .spawn(move || reading.read(reader))?;
        thread::Builder::new()
            .name("mcp-time".into())
            .spawn(move || keep_time(&keeping))?;
        driver.pump_if_free();
        // Set by the closure above, which always runs.
        let caller = caller.ok_or_else(|| io::Error::other("no caller"))?;
        Ok((driver, caller))
    }

    /// Ends the connection: open calls fail, and the server's input ends.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        let now = self.clock.now();
        if let Some(desk) = &mut state.desk {
            desk.close(now);
        }
        self.pump(state);
        self.lock().end();
        self.time.notify_all();
    }

    fn lock(&self) -> Guard<'_> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(self: Arc<Self>, mut reader: Box<dyn Read + Send>) {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let read = reader.read(&mut buffer);
            let mut state = self.lock();
            let Some(desk) = &mut state.desk else { return };
            let now = self.clock.now();
            match read {
                Ok(count @ 1..) => desk.handle_bytes(&buffer[..count], now),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // Whatever the reason is, nothing more will come.
                Ok(_) | Err(_) => desk.handle_eof(now),
            }
            let over = !matches!(read, Ok(1..));
            self.pump(state);
            if over {
                self.lock().end();
                self.time.notify_all();
                return;
            }
        }
    }

    // Lets the machine work, unless somebody else is at it, who will then see that there is more.
    fn pump_if_free(&self) {
        while self.dirty.load(Ordering::Acquire) {
            match self.state.try_lock() {
                Ok(state) => self.pump_once(state),
                Err(std::sync::TryLockError::Poisoned(poisoned)) => {
                    self.pump_once(poisoned.into_inner());
                }
                Err(std::sync::TryLockError::WouldBlock) => return,
            }
        }
    }

    fn pump(&self, state: Guard<'_>) {
        self.pump_once(state);
        self.pump_if_free();
    }

    fn pump_once<'a>(&'a self, mut state: Guard<'a>) {
        loop {
            self.dirty.store(false, Ordering::Release);
            let now = self.clock.now();
            let Some(desk) = &mut state.desk else { return };
            let mut tasks = Vec::new();
            while let Some(task) = desk.poll_task(now) {
                tasks.push(task);
            }
            self.plan(&mut state);
            let may_write = state.writer.is_some()
                && state.desk.as_ref().is_some_and(|desk| desk.wants_write());
            if may_write {
                state = self.write(state);
            }
            if !tasks.is_empty() {
                drop(state);
                tasks.into_iter().for_each(start);
                state = self.lock();
            } else if !may_write {
                return;
            }
        }
    }

    fn write<'a>(&'a self, mut state: Guard<'a>) -> Guard<'a> {
        let Some(mut writer) = state.writer.take() else {
            return state;
        };
        let mut output = std::mem::take(&mut state.output);
        if let Some(desk) = &mut state.desk {
            while desk.poll_transmit(&mut output) {}
        }
        drop(state);
        let mut written = 0;
        match write_some(&mut *writer, &output, &mut written) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.write_elsewhere(writer, output, written);
                self.lock()
            }
            result => {
                output.clear();
                self.give_back(writer, output, result.is_ok())
            }
        }
    }

    fn give_back(&self, writer: Box<dyn Outlet>, output: Vec<u8>, well: bool) -> Guard<'_> {
        let mut state = self.lock();
        // A server that takes nothing more may still be answering: its output's end decides.
        if well && state.desk.is_some() {
            state.writer = Some(writer);
        }
        state.output = output;
        state
    }

    // The server takes no more for now, which is no reason to keep whoever has made a call from
    // waiting for its own time to be up. This is rare, so that a thread for it is no waste.
    fn write_elsewhere(
        &self,
        mut writer: Box<dyn Outlet>,
        mut output: Vec<u8>,
        mut written: usize,
    ) {
        let Some(driver) = self.myself.upgrade() else {
            return;
        };
        // Where no thread can be had, the writer is gone: the calls' time runs out.
        let _ = thread::Builder::new()
            .name("mcp-writer".into())
            .spawn(move || {
                let result = loop {
                    match write_some(&mut *writer, &output, &mut written) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        result => break result,
                    }
                    if let Err(error) = writer.wait() {
                        break Err(error);
                    }
                };
                output.clear();
                let state = driver.give_back(writer, output, result.is_ok());
                driver.pump(state);
            });
    }

    // Tells the timekeeper where it has to look earlier than it meant to.
    fn plan(&self, state: &mut Guard<'_>) {
        let deadline = state.desk.as_ref().and_then(|desk| desk.poll_timeout());
        if deadline.is_some_and(|deadline| deadline < state.planned) {
            state.planned = deadline.unwrap_or(Instant::MAX);
            self.time.notify_one();
        }
    }
}

impl State {
    fn end(&mut self) {
        self.desk = None;
        self.writer = None;
        self.planned = Instant::ZERO;
    }
}

// Writes on from `written`, which tells how far it came.
fn write_some(writer: &mut dyn Outlet, output: &[u8], written: &mut usize) -> io::Result<()> {
    while *written < output.len() {
        match writer.write(&output[*written..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => *written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    writer.flush()
}

// Sleeps until a deadline comes; ends with the connection.
fn keep_time(driver: &Weak<Driver>) {
    while let Some(driver) = driver.upgrade() {
        let mut state = driver.lock();
        let now = driver.clock.now();
        let Some(desk) = &mut state.desk else { return };
        match desk.poll_timeout() {
            Some(deadline) if deadline <= now => {
                desk.handle_timeout(now);
                driver.pump(state);
            }
            deadline => {
                state.planned = deadline.unwrap_or(Instant::MAX);
                let waited = match deadline {
                    Some(deadline) => {
                        let wait = driver.clock.until(deadline);
                        driver
                            .time
                            .wait_timeout(state, wait)
                            .unwrap_or_else(PoisonError::into_inner)
                            .0
                    }
                    None => driver
                        .time
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner),
                };
                drop(waited);
            }
        }
    }
}

// A question may take as long as a person does.
pub(super) fn start(task: Task) {
    // Where no thread can be had, the task is dropped, which answers with an error.
    let _ = thread::Builder::new()
        .name("mcp-question".into())
        .spawn(move || task.run());
}
