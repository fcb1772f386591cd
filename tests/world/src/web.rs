//! Clients and a server that meet over HTTP: what drives their machines, and what the network
//! does between them.

use std::sync::Arc;

use http::header;
use mcp_client_core::http::{Fetch, HttpClient};
use mcp_proto::time::Instant;
use mcp_server_core::{
    Change, Service,
    http::{
        Body, Exchange, HttpEvent, HttpOptions, HttpServer, HttpServerEvent, SessionMode, Verdict,
    },
};

use crate::{
    handlers::{Act, Home},
    machine::Machine,
    network::{Network, Transfer},
    scenario::Pick,
    shelf::{Shelf, Shelves},
    world::{Link, World},
};

/// The HTTP server that all clients meet.
#[derive(Debug)]
pub(crate) struct Site {
    options: Arc<HttpOptions>,
    pub(crate) sessions: HttpServer<Act, (usize, u64)>,
    /// Stands for randomness.
    ids: u64,
    /// Whether clients of the handshake era can be told of changes, and can cancel calls.
    pub(crate) tells: bool,
    /// What is kept for streams that are resumed.
    shelves: Shelves,
}

impl Site {
    pub(crate) fn new(service: &Arc<Service<Act>>, kind: usize) -> Self {
        let options = HttpOptions::listening(true).http_sse("/sse", "/messages");
        let options = options.authorize(true);
        let options = Arc::new(match kind % 4 {
            1 => options.release_after(std::time::Duration::from_secs(2)),
            3 => options.sessions(SessionMode::Stateless),
            _ => options,
        });
        let shelves = Shelves::default();
        Self {
            sessions: sessions(service, &options, &shelves),
            options,
            ids: 0,
            tells: kind % 4 != 3,
            shelves,
        }
    }

    /// The process starts anew: it knows no session any more.
    pub(crate) fn restart(&mut self, service: &Arc<Service<Act>>) {
        self.sessions = sessions(service, &self.options, &self.shelves);
    }
}

fn sessions(
    service: &Arc<Service<Act>>,
    options: &Arc<HttpOptions>,
    shelves: &Shelves,
) -> HttpServer<Act, (usize, u64)> {
    let shelf = Shelf::new(service.limits(), shelves);
    let server = HttpServer::new(Arc::clone(service), Arc::clone(options));
    server.with_store(Box::new(shelf))
}

/// How many bytes of a response wait on the network before the server has to.
const ROOM: usize = 16 * 1024;

impl World {
    pub(crate) fn network(&mut self, at: usize) -> Option<(&mut HttpClient, &mut Network)> {
        let pair = self.pairs.get_mut(at)?;
        match (&mut pair.program.machine, &mut pair.link) {
            (Machine::Http(client), Link::Http(network)) => Some((client, network)),
            _ => None,
        }
    }

    pub(crate) fn transfer(&mut self, at: usize, number: u64) -> Option<&mut Transfer> {
        let (_, network) = self.network(at)?;
        let mut all = network.transfers.iter_mut();
        all.find(|transfer| transfer.number == number)
    }

    pub(crate) fn exchange(&mut self, at: usize, number: u64) -> Option<&mut Exchange<Act>> {
        self.transfer(at, number)?.exchange.as_mut()
    }

    /// Lets happen what happens by itself with one client's exchanges.
    pub(crate) fn turn_http(&mut self, at: usize) -> bool {
        let mut moved = false;
        while let Some(fetch) = self.network(at).and_then(|(client, _)| client.poll_fetch()) {
            moved = true;
            match fetch {
                Fetch::Open(id, request) => {
                    let request = request.map(|body| body.to_vec());
                    self.open(at, Some(id), request);
                }
                Fetch::Abort(id) => {
                    let (_, network) = self.network(at).expect("it is HTTP");
                    let mut all = network.transfers.iter_mut();
                    let transfer = all.find(|transfer| transfer.fetch == Some(id));
                    let transfer = transfer.expect("only what is open is aborted");
                    transfer.fetch = None;
                    // What has not left yet never will.
                    transfer.arrived = true;
                    let number = transfer.number;
                    self.trace.note(format_args!("~{number} aborted"));
                    self.hang_up(at, number);
                }
                other => panic!("{other:?}"),
            }
        }
        for number in self.numbers_of(at) {
            moved |= self.serve_exchange(at, number);
            let waits = self.transfer(at, number).is_some_and(|one| one.stopped);
            if !waits {
                moved |= self.carry(at, number, None);
            }
        }
        moved |= self.serve_sessions();
        if let Some((_, network)) = self.network(at) {
            network.transfers.retain(|transfer| !transfer.is_over());
        }
        moved
    }

    pub(crate) fn numbers_of(&mut self, at: usize) -> Vec<u64> {
        let network = self.network(at);
        network.map_or(Vec::new(), |(_, network)| {
            network.transfers.iter().map(|one| one.number).collect()
        })
    }

    pub(crate) fn open(
        &mut self,
        at: usize,
        fetch: Option<mcp_client_core::http::FetchId>,
        request: http::Request<Vec<u8>>,
    ) {
        self.site.ids += 1;
        let number = self.site.ids;
        let text = String::from_utf8_lossy(request.body()).into_owned();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        self.trace
            .note(format_args!("~{number} #{at} {method} {path} {text}"));
        let (_, network) = self.network(at).expect("it is HTTP");
        if fetch.is_some() && !text.is_empty() {
            network.judge.client_says(&text);
        }
        let mut transfer = Transfer::new(number, fetch, request);
        transfer.stopped = network.stopped;
        if let (Some(_), Some((session, after))) = (fetch, transfer.resumes()) {
            network.places.resume(session, after);
        }
        let after = transfer.resumes().map(|(_, after)| after);
        network.transfers.push(transfer);
        if let Some(after) = after {
            let what = if after.stream == 0 {
                "listening"
            } else {
                "a call"
            };
            self.trace
                .note(format_args!("~{number} resumes {what} after {after}"));
        }
        self.pairs[at].program.memory.asks(&text);
    }

    /// The request reaches the server.
    fn arrive(&mut self, at: usize, number: u64) {
        let (service, options) = (Arc::clone(&self.service), Arc::clone(&self.site.options));
        let now = self.now;
        let Some(transfer) = self.transfer(at, number) else {
            return;
        };
        transfer.arrived = true;
        let (mut head, body) = transfer.request.clone().into_parts();
        if let Some(authority) = head.uri.authority() {
            let host = authority
                .as_str()
                .parse()
                .expect("a host is a header's value");
            head.headers.insert(header::HOST, host);
        }
        let path = head.uri.path_and_query().expect("a request has a path");
        head.uri = path.as_str().parse().expect("a path is a URI");
        // Sessions count their tags from below.
        let tag = 1_000_000 + u32::try_from(number).expect("a scenario is short");
        let mut exchange = Exchange::new(service, options, head, tag, now);
        for part in body.chunks(100) {
            exchange.handle_body(part, now);
        }
        exchange.handle_body_end(now);
        transfer.exchange = Some(exchange);
    }

    /// Does what an exchange wants, and takes its response.
    fn serve_exchange(&mut self, at: usize, number: u64) -> bool {
        let mut moved = false;
        while let Some(event) = self.exchange(at, number).and_then(Exchange::poll_event) {
            moved = true;
            match event {
                HttpEvent::Call(call) => self.run(Home::Exchange(at, number), call),
                HttpEvent::Cancelled(id) => self.cancelled(id),
                HttpEvent::Authorize(bearer) => {
                    let verdict = Verdict::Allow(bearer.map(Arc::from));
                    let now = self.now;
                    if let Some(exchange) = self.exchange(at, number) {
                        exchange.handle_verdict(verdict, now);
                    }
                }
                HttpEvent::Join => self.join(at, number),
                HttpEvent::Listen => {
                    let (service, now) = (Arc::clone(&self.service), self.now);
                    if let Some(transfer) = self.transfer(at, number) {
                        transfer.listens = true;
                        if let Some(exchange) = &mut transfer.exchange {
                            exchange.handle_service(service, now);
                        }
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        moved |= self.take_response(at, number);
        // Calls of older revisions go on without their client.
        if let Some(transfer) = self.transfer(at, number)
            && transfer.gone
            && transfer.exchange.as_ref().is_some_and(Exchange::is_done)
        {
            transfer.exchange = None;
        }
        moved
    }

    fn join(&mut self, at: usize, number: u64) {
        self.site.ids += 1;
        let mut entropy = [7; 16];
        entropy[..8].copy_from_slice(&self.site.ids.to_le_bytes());
        let now = self.now;
        self.with_sessions(at, number, |sessions, exchange| {
            sessions.join(exchange, (at, number), &entropy, now);
        });
    }

    /// Hands an exchange and the sessions to each other.
    fn with_sessions(
        &mut self,
        at: usize,
        number: u64,
        act: impl FnOnce(&mut HttpServer<Act, (usize, u64)>, &mut Exchange<Act>),
    ) {
        let Self { pairs, site, .. } = self;
        let Some(Link::Http(network)) = pairs.get_mut(at).map(|pair| &mut pair.link) else {
            return;
        };
        let mut transfers = network.transfers.iter_mut();
        let transfer = transfers.find(|one| one.number == number);
        if let Some(exchange) = transfer.and_then(|transfer| transfer.exchange.as_mut()) {
            act(&mut site.sessions, exchange);
        }
    }

    pub(crate) fn ferry(&mut self, at: usize, number: u64) {
        let now = self.now;
        self.with_sessions(at, number, |sessions, exchange| {
            if exchange.is_seated() {
                sessions.ferry(exchange, now);
            }
        });
    }

    fn take_response(&mut self, at: usize, number: u64) -> bool {
        self.ferry(at, number);
        let Self {
            pairs,
            trace,
            site,
            history,
            ..
        } = self;
        let Some(Link::Http(network)) = pairs.get_mut(at).map(|pair| &mut pair.link) else {
            return false;
        };
        let Network {
            transfers, judge, ..
        } = network;
        let Some(transfer) = transfers.iter_mut().find(|one| one.number == number) else {
            return false;
        };
        let mut moved = false;
        let free = !transfer.slow && !transfer.gone;
        while free && !transfer.ended && transfer.body.len() < ROOM {
            let Some(exchange) = &mut transfer.exchange else {
                return moved;
            };
            let (head, mut part) = (exchange.poll_head(), Vec::new());
            let state = exchange.poll_body(&mut part);
            if let Some(head) = head {
                let head = head.into_parts().0;
                trace.note(format_args!("~{number} {}", head.status));
                transfer.take_head(head);
                moved = true;
            }
            match state {
                Body::Data => {
                    let newest = history.newest();
                    transfer.take_body(&part, (judge, &site.shelves), newest, trace);
                }
                Body::Pending => break,
                _ => transfer.take_end(judge, trace),
            }
            moved = true;
            if transfer.ended {
                self.hang_up(at, number);
                return true;
            }
        }
        moved
    }

    /// The server's end of an exchange is over: its response is sent, or its client is gone.
    pub(crate) fn hang_up(&mut self, at: usize, number: u64) {
        let now = self.now;
        let Some(exchange) = self.exchange(at, number) else {
            return;
        };
        exchange.handle_disconnect(now);
        self.with_sessions(at, number, |sessions, exchange| {
            if exchange.is_seated() {
                sessions.leave(exchange, now);
            }
        });
        while let Some(event) = self.exchange(at, number).and_then(Exchange::poll_event) {
            if let HttpEvent::Cancelled(id) = event {
                self.cancelled(id);
            }
        }
        if let Some(transfer) = self.transfer(at, number) {
            transfer.gone = true;
        }
    }

    pub(crate) fn serve_sessions(&mut self) -> bool {
        let mut moved = false;
        while let Some(event) = self.site.sessions.poll_event() {
            moved = true;
            match event {
                HttpServerEvent::Call(call) => self.run(Home::Session, call),
                HttpServerEvent::Cancelled(id) => self.cancelled(id),
                HttpServerEvent::Wake((at, number)) => self.ferry(at, number),
                other => panic!("{other:?}"),
            }
        }
        moved
    }

    // ── The network ──────────────────────────────────────────────────────────────────────────

    /// Brings an exchange further: as far as it comes, or by one step of at most so many bytes.
    pub(crate) fn carry(&mut self, at: usize, number: u64, most: Option<usize>) -> bool {
        let now = self.now;
        match self.transfer(at, number) {
            Some(transfer) if !transfer.arrived => {
                self.arrive(at, number);
                return true;
            }
            Some(_) => {}
            None => return false,
        }
        let Some(pair) = self.pairs.get_mut(at) else {
            return false;
        };
        let memory = &mut pair.program.memory;
        let (Machine::Http(client), Link::Http(network)) =
            (&mut pair.program.machine, &mut pair.link)
        else {
            return false;
        };
        let most = most.unwrap_or(match network.piece {
            0 => usize::MAX,
            piece => piece,
        });
        let Network {
            transfers, places, ..
        } = network;
        let mut all = transfers.iter_mut();
        let Some(transfer) = all.find(|transfer| transfer.number == number) else {
            return false;
        };
        let Some(fetch) = transfer.fetch else {
            let any = !transfer.body.is_empty();
            transfer.body.clear();
            return any;
        };
        if (transfer.buffered && !transfer.ended) || !client.wants_chunk(fetch) {
            return false;
        }
        if let Some(mut head) = transfer.head.take() {
            if let Some(name) = transfer.stripped.take() {
                head.headers.remove(name);
            }
            transfer.give_head(&head);
            client.handle_head(fetch, &head, now);
        } else if !transfer.body.is_empty() {
            let count = most.min(transfer.body.len());
            let part: Vec<u8> = transfer.body.drain(..count).collect();
            transfer.give_body(&part, (places, memory), now);
            client.handle_chunk(fetch, &part, now);
        } else if transfer.ended && transfer.headed {
            transfer.fetch = None;
            transfer.give_end(memory, now);
            client.handle_end(fetch, Ok(()), now);
        } else {
            return false;
        }
        true
    }

    /// One exchange comes a step further.
    pub(crate) fn deliver_http(&mut self, at: usize, which: Pick, much: usize) {
        let numbers = self.numbers_of(at);
        if let Some(chosen) = which.among(numbers.len()) {
            self.carry(at, numbers[chosen], Some(much));
        }
    }

    // ── Everybody ────────────────────────────────────────────────────────────────────────────

    pub(crate) fn tell_http(&mut self, service: Option<&Arc<Service<Act>>>, changes: &[Change]) {
        let now = self.now;
        self.site.sessions.handle_changes(service, changes, now);
        for at in 0..self.pairs.len() {
            let Some((_, network)) = self.network(at) else {
                continue;
            };
            let listening = network.transfers.iter_mut().filter(|one| one.listens);
            for exchange in listening.filter_map(|transfer| transfer.exchange.as_mut()) {
                exchange.handle_changes(service, changes, now);
            }
        }
    }

    pub(crate) fn next_web_deadline(&self) -> Option<Instant> {
        let networks = self.pairs.iter().filter_map(|pair| match &pair.link {
            Link::Http(network) => Some(network),
            Link::Stream(_) => None,
        });
        let exchanges = networks
            .flat_map(|network| &network.transfers)
            .filter_map(|transfer| transfer.exchange.as_ref());
        exchanges
            .filter_map(Exchange::poll_timeout)
            .chain(self.site.sessions.poll_timeout())
            .min()
    }

    pub(crate) fn advance_web(&mut self, to: Instant) {
        self.site.sessions.handle_timeout(to);
        let next = self.site.sessions.poll_timeout();
        assert!(next.is_none_or(|next| next > to), "S7: sessions that spin");
        for at in 0..self.pairs.len() {
            for number in self.numbers_of(at) {
                if let Some(exchange) = self.exchange(at, number) {
                    exchange.handle_timeout(to);
                    self.ferry(at, number);
                    let exchange = self.exchange(at, number);
                    let next = exchange.and_then(|exchange| exchange.poll_timeout());
                    assert!(
                        next.is_none_or(|next| next > to),
                        "S7: an exchange that spins"
                    );
                }
            }
        }
    }
}
