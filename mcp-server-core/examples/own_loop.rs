//! An event loop of your own: many clients, one thread, non-blocking sockets, no binding.
//!
//! The loop owns one [`Conn`] for each client. A socket that is ready to be read feeds it, one
//! that is ready to be written drains it, and the earliest of all deadlines is how long to sleep.
#![allow(
    clippy::disallowed_methods,
    reason = "a loop has a clock; the machines have none"
)]

use std::{
    collections::BTreeMap,
    env, io,
    io::{Read, Write},
    sync::Arc,
    time::{Duration, Instant as Clock},
};

use mcp_server_core::{
    Conn, Event, Outcome, Service,
    mcp_proto::{
        json::Json,
        time::Instant,
        types::{CallToolResult, Implementation, Tool},
    },
};
use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};

const LISTENER: Token = Token(0);

/// Which tool a call is for: a loop may store anything, and decide itself what it means.
#[derive(Debug, Clone, Copy)]
enum Command {
    Uptime,
}

struct Client {
    conn: Conn<Command>,
    socket: TcpStream,
    // What was taken from the machine and the socket has not taken yet.
    output: Vec<u8>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = Service::builder(Implementation::new("own-loop", "1.0.0"))
        .tool(
            Tool::new("uptime", Json::empty_object()).with_description("Seconds since the start."),
            Command::Uptime,
        )
        .build()?;
    let service = Arc::new(service);
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let mut listener = TcpListener::bind(address.parse()?)?;
    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    eprintln!("listening on {}", listener.local_addr()?);

    let start = Clock::now();
    let now = || Instant::ZERO.saturating_add(start.elapsed());
    let mut clients: BTreeMap<Token, Client> = BTreeMap::new();
    let (mut events, mut next) = (Events::with_capacity(64), 1);
    loop {
        let deadline = clients
            .values()
            .filter_map(|client| client.conn.poll_timeout())
            .min();
        poll.poll(
            &mut events,
            deadline.map(|deadline| deadline.duration_since(now()).max(Duration::from_millis(1))),
        )?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut socket, _)) = listener.accept() {
                    let token = Token(next);
                    next += 1;
                    poll.registry().register(
                        &mut socket,
                        token,
                        Interest::READABLE | Interest::WRITABLE,
                    )?;
                    let conn = Conn::new(Arc::clone(&service), token.0 as u32, now());
                    clients.insert(
                        token,
                        Client {
                            conn,
                            socket,
                            output: Vec::new(),
                        },
                    );
                }
            }
        }
        // Edge-triggered readiness is easiest served by trying everybody.
        clients.retain(|_, client| client.turn(start, now()).unwrap_or(false));
    }
}

impl Client {
    /// Moves everything that can be moved without blocking. Tells whether the client is still there.
    fn turn(&mut self, start: Clock, now: Instant) -> io::Result<bool> {
        self.conn.handle_timeout(now);
        loop {
            let read = self.read(now)?;
            while let Some(event) = self.conn.poll_event() {
                match event {
                    Event::Call(call) => {
                        let Command::Uptime = call.handler;
                        let text = format!("{}", start.elapsed().as_secs());
                        let _ = self.conn.finish(
                            call.ticket,
                            Outcome::Tool(CallToolResult::text(text)),
                            now,
                        );
                    }
                    Event::Closed(_) => return Ok(false),
                    _ => {}
                }
            }
            if !self.write()? && !read {
                return Ok(true);
            }
        }
    }

    fn read(&mut self, now: Instant) -> io::Result<bool> {
        if !self.conn.wants_read() {
            return Ok(false);
        }
        let mut input = [0; 4096];
        match self.socket.read(&mut input) {
            Ok(0) => self.conn.handle_eof(now),
            Ok(count) => {
                self.conn.handle_bytes(&input[..count], now);
                return Ok(true);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(false)
    }

    // Takes from the machine only what the socket takes, so that it notices a slow reader.
    fn write(&mut self) -> io::Result<bool> {
        let mut moved = false;
        loop {
            if self.output.is_empty() && !self.conn.poll_transmit(&mut self.output) {
                return Ok(moved);
            }
            match self.socket.write(&self.output) {
                Ok(count) => self.output.drain(..count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(moved),
                Err(error) => return Err(error),
            };
            moved = true;
        }
    }
}
