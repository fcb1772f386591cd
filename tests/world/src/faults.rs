//! What a network does to HTTP exchanges, and how it comes to an end.

use std::sync::Arc;

use http::{HeaderName, Response, StatusCode, header};
use mcp_client_core::http::FetchError;
use mcp_proto::http::names;

use crate::{handlers::Home, scenario::Pick, world::World};

impl World {
    /// What an exchange goes through.
    pub(crate) fn fault(&mut self, exchange: Pick, fault: Pick) {
        let mut all = Vec::new();
        for at in 0..self.pairs.len() {
            let transfers = self.network(at).map(|(_, network)| &network.transfers);
            let ours = transfers.into_iter().flatten().filter(|one| !one.foreign);
            all.extend(ours.map(|one| (at, one.number)));
        }
        let Some(chosen) = exchange.among(all.len()) else {
            return;
        };
        let (at, number) = all[chosen];
        let Some((_, network)) = self.network(at) else {
            return;
        };
        let mut transfers = network.transfers.iter_mut();
        let Some(transfer) = transfers.find(|one| one.number == number) else {
            return;
        };
        match fault.0 % 12 {
            0 | 1 => transfer.stopped ^= true,
            2 => transfer.buffered = true,
            3 => {
                // The server may lose patience.
                transfer.slow = true;
                self.spoil(at);
            }
            4 => self.lose(at, number, "the response is lost"),
            5 => self.break_off(at, number),
            6 => {
                transfer.body.truncate(transfer.body.len() / 2);
                self.deliver_all(at, number);
                self.break_off(at, number);
            }
            7 => {
                let request = transfer.request.clone();
                self.spoil(at);
                self.pairs[at].program.doubled = true;
                self.open(at, None, request);
            }
            8 => self.replace(at, number, StatusCode::BAD_GATEWAY),
            9 => self.replace(at, number, StatusCode::GATEWAY_TIMEOUT),
            10 => {
                transfer.stripped = Some(match fault.0 / 12 % 2 {
                    0 => header::CONTENT_TYPE,
                    _ => HeaderName::from_static("mcp-session-id"),
                });
                network.crippled = true;
                self.spoil(at);
                self.pairs[at].program.memory.blind = true;
            }
            _ => {
                let names = [names::PROTOCOL_VERSION, names::METHOD, names::SESSION_ID];
                let name = &names[usize::from(fault.0 / 12) % names.len()];
                transfer.request.headers_mut().remove(name);
                network.crippled = true;
                self.spoil(at);
                self.pairs[at].program.memory.blind = true;
            }
        }
    }

    fn spoil(&mut self, at: usize) {
        if let Some((_, network)) = self.network(at) {
            network.faulty = true;
            network.judge.repeats = true;
        }
        self.repeats = true;
        self.pairs[at].program.disturbed = true;
        self.pairs[at].program.unreliable = true;
    }

    fn deliver_all(&mut self, at: usize, number: u64) {
        while self
            .transfer(at, number)
            .is_some_and(|one| one.arrived && !one.body.is_empty())
        {
            if !self.carry(at, number, None) {
                return;
            }
        }
    }

    /// The client learns that the connection broke; the server does not.
    fn lose(&mut self, at: usize, number: u64, why: &str) {
        self.spoil(at);
        let now = self.now;
        let (client, network) = self.network(at).expect("it is HTTP");
        let mut transfers = network.transfers.iter_mut();
        let Some(transfer) = transfers.find(|one| one.number == number) else {
            return;
        };
        if let Some(fetch) = transfer.fetch.take() {
            let error = match transfer.arrived {
                true => FetchError::Broken(why.into()),
                // Nothing of it has left, and nothing will.
                false => FetchError::Connect(why.into()),
            };
            if !transfer.arrived {
                transfer.arrived = true;
            }
            client.handle_end(fetch, Err(error), now);
        }
    }

    /// Both learn that the connection broke.
    pub(crate) fn break_off(&mut self, at: usize, number: u64) {
        self.lose(at, number, "cut");
        self.hang_up(at, number);
    }

    /// A proxy answers in the server's place.
    fn replace(&mut self, at: usize, number: u64, status: StatusCode) {
        self.spoil(at);
        let now = self.now;
        let (client, network) = self.network(at).expect("it is HTTP");
        let mut transfers = network.transfers.iter_mut();
        let Some(transfer) = transfers.find(|one| one.number == number && !one.headed) else {
            return;
        };
        if let Some(fetch) = transfer.fetch.take() {
            let head = Response::builder()
                .status(status)
                .header(header::CONTENT_TYPE, "text/html")
                .body(())
                .expect("a head");
            client.handle_head(fetch, &head.into_parts().0, now);
            client.handle_chunk(fetch, b"<h1>Bad gateway</h1>", now);
            client.handle_end(fetch, Ok(()), now);
        }
    }

    /// Everything that one client has open breaks off.
    pub(crate) fn cut_all(&mut self, at: usize) {
        for number in self.numbers_of(at) {
            self.break_off(at, number);
        }
    }

    /// The server's process starts anew.
    pub(crate) fn restart_site(&mut self) {
        for at in 0..self.pairs.len() {
            for number in self.numbers_of(at) {
                self.lose(at, number, "the server is gone");
                if let Some(transfer) = self.transfer(at, number) {
                    transfer.exchange = None;
                }
            }
            self.spoil_if_http(at);
        }
        let service = Arc::clone(&self.service);
        self.site.restart(&service);
        // Its handlers are gone with it.
        self.held.retain(|held| {
            let stream = matches!(held.home, Home::Stream(..));
            assert!(
                stream || held.cancel.is_cancelled(),
                "a handler without a server"
            );
            stream
        });
    }

    fn spoil_if_http(&mut self, at: usize) {
        if self.network(at).is_some() {
            self.spoil(at);
        }
    }

    /// The network has no faults any more.
    pub(crate) fn mend_http(&mut self, at: usize) {
        let mut gone = Vec::new();
        if let Some((_, network)) = self.network(at) {
            network.stopped = false;
            network.piece = 0;
            for transfer in &mut network.transfers {
                // That somebody is gone is noticed at last.
                if transfer.fetch.is_none() {
                    transfer.arrived = true;
                    gone.push(transfer.number);
                }
                transfer.stopped = false;
                transfer.buffered = false;
                transfer.slow = false;
                transfer.stripped = None;
            }
        }
        for number in gone {
            self.hang_up(at, number);
        }
    }
}
