//! One connection of the load generator: what waits to be written, what was read, and the calls
//! that are open on it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use crate::check::{Checker, Wrong, excerpt};
use crate::inbox::Inbox;
use crate::wire::{self, Call, Era, FIRST_ID, Head, Template};

#[derive(Debug)]
enum Stream {
    Pipe { input: File, output: File },
    Socket(TcpStream),
}

/// A client.
#[derive(Debug)]
pub(crate) struct Conn {
    stream: Stream,
    inbox: Inbox,
    out: Vec<u8>,
    written: usize,
    slots: Vec<Slot>,
    free: Vec<usize>,
    // Nothing is timed: whoever writes an answer in two pieces needs not wait between them.
    untimed: bool,
}

/// A place for an open call.
#[derive(Clone, Copy, Debug)]
struct Slot {
    round: u64,
    since: Option<Instant>,
}

/// A client's requests and the answers that it expects.
#[derive(Debug)]
pub(crate) struct Script {
    template: Template,
    checker: Checker,
}

impl Script {
    pub(crate) fn new(era: Era, call: Call, head: Option<&Head>) -> Self {
        Self {
            template: Template::new(era, call, head),
            checker: Checker::new(call),
        }
    }
}

impl Conn {
    pub(crate) fn pipe(input: File, output: File) -> Self {
        Self::new(Stream::Pipe { input, output }, Inbox::new(false))
    }

    pub(crate) fn socket(socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        Ok(Self::new(Stream::Socket(socket), Inbox::small(true)))
    }

    fn new(stream: Stream, inbox: Inbox) -> Self {
        Self {
            stream,
            inbox,
            out: Vec::new(),
            written: 0,
            slots: Vec::new(),
            free: Vec::new(),
            untimed: true,
        }
    }

    /// From now on answers are acknowledged as the kernel does it by itself, or else at once.
    pub(crate) fn set_timed(&mut self, timed: bool) {
        self.untimed = !timed;
    }

    /// How many calls may be open at once.
    pub(crate) fn set_window(&mut self, window: usize) {
        if self.slots.len() == window {
            return; // its ids go on
        }
        let slot = Slot {
            round: 0,
            since: None,
        };
        self.slots = vec![slot; window];
        self.free = (0..window).rev().collect();
    }

    pub(crate) fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        match &self.stream {
            Stream::Socket(socket) => socket.set_nonblocking(!blocking),
            Stream::Pipe { input, output } => {
                for end in [input, output] {
                    let mut flags = fcntl_getfl(end)?;
                    flags.set(OFlags::NONBLOCK, !blocking);
                    fcntl_setfl(end, flags)?;
                }
                Ok(())
            }
        }
    }

    /// What becomes readable, and what becomes writable if that is something else.
    pub(crate) fn ends(&self) -> (BorrowedFd<'_>, Option<BorrowedFd<'_>>) {
        match &self.stream {
            Stream::Socket(socket) => (socket.as_fd(), None),
            Stream::Pipe { input, output } => (output.as_fd(), Some(input.as_fd())),
        }
    }

    /// Waits for an answer no longer than this; pipes wait for ever.
    pub(crate) fn set_patience(&self, patience: Duration) -> io::Result<()> {
        match &self.stream {
            Stream::Socket(socket) => socket.set_read_timeout(Some(patience)),
            Stream::Pipe { .. } => Ok(()),
        }
    }

    /// Opens as many calls as may be, at most so many; says how many.
    pub(crate) fn open_calls(&mut self, script: &Script, most: u64, now: Instant) -> u64 {
        let mut opened = 0;
        while opened < most
            && let Some(index) = self.free.pop()
        {
            let window = self.slots.len() as u64;
            let slot = &mut self.slots[index];
            slot.since = Some(now);
            let id = FIRST_ID + slot.round * window + index as u64;
            script.template.write(id, &mut self.out);
            opened += 1;
        }
        opened
    }

    pub(crate) fn open(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Writes what it can; true if nothing is left.
    pub(crate) fn flush(&mut self) -> Result<bool, String> {
        while self.written < self.out.len() {
            let rest = &self.out[self.written..];
            let written = match &mut self.stream {
                Stream::Pipe { input, .. } => input.write(rest),
                Stream::Socket(socket) => socket.write(rest),
            };
            match written {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(format!("cannot write: {error}")),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(true)
    }

    /// Reads once; false if there is nothing to read now.
    pub(crate) fn fill(&mut self) -> Result<bool, String> {
        let read = match &mut self.stream {
            Stream::Pipe { output, .. } => self.inbox.fill(output as &mut dyn Read),
            Stream::Socket(socket) => {
                if self.untimed {
                    // It lasts for a while only. Where it is refused, all takes longer.
                    let _ = rustix::net::sockopt::set_tcp_quickack(&*socket, true);
                }
                self.inbox.fill(socket as &mut dyn Read)
            }
        };
        match read {
            Ok(true) => Ok(true),
            Ok(false) => Err("the server has ended the connection".to_owned()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(format!("cannot read: {error}")),
        }
    }

    /// The next answer that has come: when its call was opened, or what is wrong with it.
    pub(crate) fn next_answer(
        &mut self,
        script: &mut Script,
    ) -> Result<Option<Result<Instant, String>>, String> {
        loop {
            let Some(arrived) = self.inbox.next()? else {
                return Ok(None);
            };
            let body = self.inbox.body(&arrived);
            if arrived.status != 200 {
                return Err(format!("status {}: {}", arrived.status, excerpt(body)));
            }
            let (id, wrong) = match script.checker.check(body) {
                Ok(id) => (id, None),
                Err(_) if is_notification(body) => continue,
                Err(Wrong { id: Some(id), why }) => (id, Some(why)),
                Err(Wrong { id: None, why }) => return Err(why),
            };
            let since = self.close_call(id)?;
            return Ok(Some(wrong.map_or(Ok(since), Err)));
        }
    }

    /// The call has got its one answer.
    fn close_call(&mut self, id: u64) -> Result<Instant, String> {
        let window = self.slots.len() as u64;
        let index = ((id - FIRST_ID) % window) as usize;
        let slot = &mut self.slots[index];
        let asked = FIRST_ID + slot.round * window + index as u64;
        let Some(since) = slot.since.take().filter(|_| id == asked) else {
            return Err(format!("an answer to {id}, which is not open"));
        };
        slot.round += 1;
        self.free.push(index);
        Ok(since)
    }

    /// Sends these bytes and waits for one answer; only before the first call.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> Result<(u16, Vec<u8>), String> {
        self.send(request)?;
        loop {
            if let Some(arrived) = self.inbox.next()? {
                return Ok((arrived.status, self.inbox.body(&arrived).to_vec()));
            }
            if !self.fill()? {
                return Err("no answer in time".to_owned());
            }
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.out.extend_from_slice(bytes);
        self.flush().map(drop)
    }

    /// Reads until these words have come.
    pub(crate) fn wait_for(&mut self, words: &str) -> Result<(), String> {
        while !self.inbox.contains(words) {
            if self.inbox.contains("\"error\":") {
                let instead = self.inbox.unread();
                return Err(format!("refused: {}", excerpt(instead)));
            }
            if !self.fill()? {
                let instead = self.inbox.unread();
                return Err(format!("no {words} in time; instead: {}", excerpt(instead)));
            }
        }
        Ok(())
    }

    /// Does what an era asks for before the first call; a session's id goes into the head.
    pub(crate) fn shake_hands(&mut self, era: Era, head: Option<&mut Head>) -> Result<(), String> {
        if era == Era::Modern {
            return Ok(());
        }
        let Some(head) = head else {
            let line = format!("{}\n", wire::INITIALIZE);
            let (_, body) = self.exchange(line.as_bytes())?;
            accepted(&body)?;
            return self.send(format!("{}\n", wire::INITIALIZED).as_bytes());
        };
        self.inbox.expect_session();
        let (status, body) = self.exchange(&head.request("initialize", wire::INITIALIZE))?;
        if status != 200 {
            return Err(format!("status {status}: {}", excerpt(&body)));
        }
        accepted(&body)?;
        head.session = self.inbox.take_session();
        let method = "notifications/initialized";
        let (status, body) = self.exchange(&head.request(method, wire::INITIALIZED))?;
        if status == 202 {
            Ok(())
        } else {
            Err(format!("status {status}: {}", excerpt(&body)))
        }
    }
}

fn accepted(body: &[u8]) -> Result<(), String> {
    let message: serde_json::Value =
        serde_json::from_slice(body).map_err(|_| format!("no JSON: {}", excerpt(body)))?;
    if message["result"]["protocolVersion"] == Era::Legacy.revision() {
        Ok(())
    } else {
        Err(format!("no handshake: {}", excerpt(body)))
    }
}

fn is_notification(body: &[u8]) -> bool {
    let start = &body[..body.len().min(200)];
    memchr::memmem::find(start, b"\"method\":\"notifications/").is_some()
}
