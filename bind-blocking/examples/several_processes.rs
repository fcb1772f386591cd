//! Several processes that serve the same clients: whatever changes at one of them, the clients of all
//! of them are told.
//!
//! ```sh
//! cargo run --example several_processes --features http-server,macros -- 8001 9001 9002 &
//! cargo run --example several_processes --features http-server,macros -- 8002 9002 9001 &
//! ```
//!
//! The first number is the port for clients, the second one the process's own port on the bus, and all
//! others are those of the other processes. The bus is datagrams on this machine, which may get lost,
//! and that is all that an `EventBus` has to promise. With Redis or NATS it is the same: `publish`
//! publishes to a channel, and what `subscribe` begins is a subscription to it.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{Arc, Mutex},
    thread,
};

use bind_blocking::{
    HttpListener,
    mcp_server_core::{Change, Deliver, EventBus},
    prelude::*,
};

/// Datagrams to the other processes, each of which holds a change.
#[derive(Debug)]
struct Datagrams {
    socket: UdpSocket,
    others: Vec<SocketAddr>,
}

impl Datagrams {
    fn bind(own: u16, others: &[u16]) -> Result<Self, Error> {
        let here = |port: &u16| SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
        Ok(Self {
            socket: UdpSocket::bind(here(&own))?,
            others: others.iter().map(here).collect(),
        })
    }
}

impl EventBus for Datagrams {
    fn subscribe(&self, deliver: Deliver) -> u64 {
        let others = self.others.clone();
        // Where there is no thread or descriptor to be had, nothing is heard of the others.
        if let Ok(socket) = self.socket.try_clone() {
            let _ = thread::Builder::new().spawn(move || receive(&socket, &others, &deliver));
        }
        0
    }

    fn publish(&self, _from: u64, change: &Change) {
        let text = change.to_json();
        for other in &self.others {
            // One that is not there hears nothing, and one that is too slow not everything.
            let _ = self.socket.send_to(text.as_bytes(), other);
        }
    }
}

fn receive(socket: &UdpSocket, others: &[SocketAddr], deliver: &Deliver) {
    let mut datagram = vec![0; 64 * 1024];
    loop {
        // An error is told here of a datagram that was sent to somebody who is not there.
        let Ok((length, from)) = socket.recv_from(&mut datagram) else {
            continue;
        };
        let text = std::str::from_utf8(&datagram[..length]).ok();
        let change = text.and_then(Change::from_json);
        // Nobody else on this machine has a say in it.
        if let Some(change) = change.filter(|_| others.contains(&from)) {
            if !deliver(&change) {
                return;
            }
        }
    }
}

/// What is on the board, which would be in a database that all processes share.
#[derive(Debug, Default)]
struct Board(Mutex<String>);

#[components]
impl Board {
    /// Write something on the board.
    #[tool]
    fn write(&self, text: String, cx: &Cx) {
        *self.0.lock().unwrap_or_else(|broken| broken.into_inner()) = text;
        if let Some(server) = cx.server() {
            server.resource_updated("board://all");
        }
    }

    /// Say that the list of tools has changed, so many times.
    #[tool]
    fn announce(&self, times: u32, cx: &Cx) {
        for _ in 0..times {
            if let Some(server) = cx.server() {
                server.changed(Change::Tools);
            }
        }
    }

    /// What is on the board.
    #[resource("board://all")]
    fn all(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(|broken| broken.into_inner())
            .clone()
    }
}

fn main() -> Result<(), Error> {
    let ports: Vec<u16> = std::env::args()
        .skip(1)
        .filter_map(|port| port.parse().ok())
        .collect();
    let [port, own, others @ ..] = &ports[..] else {
        eprintln!("usage: several_processes PORT BUS_PORT [BUS_PORT_OF_ANOTHER ...]");
        std::process::exit(2);
    };
    let bus = Datagrams::bind(*own, others)?;
    let server = server!("board", "1.0.0")
        .event_bus(Arc::new(bus))
        .components(Board::default());
    let listener = HttpListener::bind((Ipv4Addr::LOCALHOST, *port))?;
    eprintln!("listening on {}", listener.url());
    listener.serve(server)
}
