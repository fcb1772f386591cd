//! A client's byte stream: one thread reads, and whoever makes a call writes it.
//!
//! A call is written by the thread that makes it, so a server's answer costs one wake-up: of the
//! reading thread, which hands the result to the caller. What cannot be written without waiting is
//! left to a thread for that, since no caller waits for longer than its call may last.

use std::{
    io::{self, Read, Write},
    mem,
    sync::{Arc, Condvar, PoisonError},
    thread,
    time::Duration,
};

use mcp_client_core::{Caller, Client, ClientBuilder, Closed, Desk};

use super::driver::{Driver, Port, answer};

/// Bytes asked of the reader at a time: what a Linux pipe holds.
const READ_BYTES: usize = 64 * 1024;
/// For how long the last messages, such as cancellations, may take to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where messages are written to.
pub(super) trait Outlet: Write + Send {
    /// Whether writing may take its time. Otherwise it fails with
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) where there is no room.
    fn may_block(&self) -> bool;

    /// Waits for room.
    ///
    /// # Errors
    /// Where there will be none any more.
    fn wait(&self) -> io::Result<()>;
}

/// Any writer: it blocks while there is no room.
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
    fn may_block(&self) -> bool {
        true
    }

    fn wait(&self) -> io::Result<()> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// The two directions of a connection.
pub(super) struct Streams {
    // Where the thread waits that writes what takes its time.
    work: Condvar,
}

/// The outgoing one.
pub(super) struct Outgoing {
    // Away while somebody writes; gone once the peer takes nothing more.
    outlet: Option<Box<dyn Outlet>>,
    output: Vec<u8>,
    writing: bool,
    // For the thread that writes, if there is one.
    job: Option<Job>,
    has_thread: bool,
}

/// What is to be written, and how far it has come.
struct Job {
    outlet: Box<dyn Outlet>,
    output: Vec<u8>,
    written: usize,
}

/// Starts the threads of one connection.
pub(super) fn start(
    builder: ClientBuilder,
    reader: Box<dyn Read + Send>,
    outlet: Box<dyn Outlet>,
) -> io::Result<(Arc<Driver<Streams>>, Caller)> {
    let port = Streams {
        work: Condvar::new(),
    };
    let state = Outgoing {
        outlet: Some(outlet),
        output: Vec::new(),
        writing: false,
        job: None,
        has_thread: false,
    };
    let (driver, caller) = Driver::start(builder, Client::new, port, state)?;
    let reading = Arc::clone(&driver);
    let started = thread::Builder::new()
        .name("mcp-reader".into())
        .spawn(move || read(&reading, reader));
    if let Err(error) = started {
        end(&driver);
        return Err(error);
    }
    driver.wake();
    Ok((driver, caller))
}

/// Ends the connection: open calls fail, and the server's input ends.
pub(super) fn close(driver: &Arc<Driver<Streams>>) {
    driver.fail();
    let written = driver.wait_while(driver.lock(), Some(PATIENCE), |state| {
        let port = &state.port;
        let says = |desk: &Desk| port.writing || desk.wants_write() && port.outlet.is_some();
        state.desk.as_ref().is_some_and(says)
    });
    drop(written);
    end(driver);
}

fn end(driver: &Driver<Streams>) {
    let mut state = driver.lock();
    let outlet = state.port.outlet.take();
    driver.end(state);
    driver.port.work.notify_all();
    drop(outlet);
}

fn read(driver: &Arc<Driver<Streams>>, mut reader: Box<dyn Read + Send>) {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        // The bytes of a server that does not take its answers stay where they are.
        drop(driver.wait_while(driver.lock(), None, |state| {
            let waits = |desk: &Desk| !desk.wants_read() && desk.closed().is_none();
            state.desk.as_ref().is_some_and(waits)
        }));
        let read = reader.read(&mut buffer);
        let mut over = false;
        let mut state = driver.lock();
        let Some(desk) = &mut state.desk else { return };
        let now = driver.clock.now();
        match read {
            Ok(count @ 1..) => desk.handle_bytes(&buffer[..count], now),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Whatever the reason is, nothing more will come.
            Ok(_) | Err(_) => {
                desk.handle_eof(now);
                over = true;
            }
        }
        drop(state);
        driver.wake();
        if over {
            return;
        }
    }
}

impl Port for Streams {
    type Front = Client;
    type State = Outgoing;

    fn turn(driver: &Arc<Driver<Self>>) {
        let now = driver.clock.now();
        let mut locked = driver.lock();
        let state = &mut *locked;
        let Some(desk) = &mut state.desk else { return };
        let mut tasks = Vec::new();
        while let Some(task) = desk.poll_task(now) {
            tasks.push(task);
        }
        driver.plan(desk.poll_timeout());
        // Whoever closes it gives it time for its last words; why nothing was agreed on, the machine
        // tells.
        let over = desk
            .closed()
            .is_some_and(|how| !matches!(how, Closed::Local | Closed::NotAgreed));
        let job = if desk.wants_write() {
            state
                .port
                .take(|output| while desk.poll_transmit(output) {})
        } else {
            None
        };
        driver.unlock(locked);
        if let Some(job) = job {
            write(driver, job);
        }
        tasks.into_iter().for_each(answer);
        if over {
            end(driver);
        }
    }
}

impl Outgoing {
    fn take(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> Option<Job> {
        let outlet = self.outlet.take()?;
        let mut output = mem::take(&mut self.output);
        fill(&mut output);
        self.writing = true;
        Some(Job {
            outlet,
            output,
            written: 0,
        })
    }
}

// In a turn: whatever takes its time is left to another thread.
fn write(driver: &Arc<Driver<Streams>>, mut job: Job) {
    if !job.outlet.may_block() {
        match job.write() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return give_back(driver, job, result.is_ok()),
        }
    }
    let mut state = driver.lock();
    if state.desk.is_none() {
        drop(state);
        return give_back(driver, job, false);
    }
    state.port.job = Some(job);
    let has_thread = mem::replace(&mut state.port.has_thread, true);
    drop(state);
    if has_thread {
        return driver.port.work.notify_all();
    }
    let writing = Arc::clone(driver);
    let started = thread::Builder::new()
        .name("mcp-writer".into())
        .spawn(move || write_all(&writing));
    if started.is_err() {
        // The calls' time runs out, unless the server has an end.
        let job = driver.lock().port.job.take();
        job.into_iter()
            .for_each(|job| give_back(driver, job, false));
    }
}

fn give_back(driver: &Driver<Streams>, mut job: Job, well: bool) {
    job.output.clear();
    let mut state = driver.lock();
    state.port.writing = false;
    state.port.output = job.output;
    // A server that takes nothing more may still be answering: its output's end decides.
    if well && state.desk.is_some() {
        state.port.outlet = Some(job.outlet);
    }
    driver.unlock(state);
}

// The thread that writes what takes its time. Ends with the connection.
fn write_all(driver: &Arc<Driver<Streams>>) {
    loop {
        let mut state = driver.lock();
        let mut job = loop {
            if let Some(job) = state.port.job.take() {
                break job;
            }
            if state.desk.is_none() {
                return;
            }
            let waited = driver.port.work.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        let result = loop {
            match job.write() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => break result,
            }
            if let Err(error) = job.outlet.wait() {
                break Err(error);
            }
        };
        give_back(driver, job, result.is_ok());
        // There may be more by now.
        driver.wake();
    }
}

impl Job {
    // Writes on from where it is.
    fn write(&mut self) -> io::Result<()> {
        while self.written < self.output.len() {
            match self.outlet.write(&self.output[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.outlet.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn what_is_queued_while_the_machine_is_looked_at_is_done() {
        let (here, _there) = crate::memory_pair();
        let builder = ClientBuilder::new("test", "1.0.0");
        let outlet = Box::new(Plain(here.1));
        let (driver, caller) = start(builder, Box::new(here.0), outlet).unwrap();
        // As the timekeeper and those who wait do for a moment now and then.
        let looking = driver.lock();
        let (say, said) = mpsc::channel();
        let queueing = thread::spawn(move || caller.run(move |_, _| say.send(()).unwrap()));
        thread::sleep(Duration::from_millis(50));
        drop(looking);
        queueing.join().unwrap();
        // Sooner than anything else would have the machine work.
        assert_eq!(said.recv_timeout(Duration::from_secs(3)), Ok(()));
        close(&driver);
    }
}
