//! A client that does what comes to its mind, on connections that break when they like.

use alloc::collections::BTreeMap;

use super::{
    handshake::{call_tool, get, session},
    *,
};

/// xorshift64*
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides
    }
}

/// What the client knows of one stream of its session.
#[derive(Default)]
struct Heard {
    /// The last event's number, once it was told one.
    last: Option<u32>,
    messages: Vec<String>,
}

struct Client {
    session: String,
    connections: Vec<Connection>,
    heard: BTreeMap<u32, Heard>,
    /// Requests whose answer can never come: their connection broke before an event.
    lost: Vec<u32>,
    answered: BTreeMap<u32, usize>,
    asked: u32,
}

struct Connection {
    open: Open,
    stream: u32,
    read: usize,
}

impl Client {
    /// Reads what has come on all connections.
    fn read(&mut self, rig: &mut Rig) {
        for connection in &mut self.connections {
            rig.drive(&mut connection.open);
            let events = connection.open.events();
            if connection.open.header("content-type") == "application/json" && connection.open.ended
            {
                // The only event of such a stream, which has no number.
                if connection.read == 0 {
                    self.heard
                        .entry(connection.stream)
                        .or_default()
                        .messages
                        .push(summary(&connection.open.body));
                    connection.read = 1;
                }
                continue;
            }
            for event in &events[connection.read..] {
                let heard = self.heard.entry(connection.stream).or_default();
                let Some(rest) = event.strip_prefix("id: ") else {
                    assert_eq!(event, ":", "a comment");
                    continue;
                };
                let (id, rest) = rest.split_once("; ").unwrap();
                let (stream, number) = id.split_once('-').unwrap();
                assert_eq!(
                    stream,
                    connection.stream.to_string(),
                    "events of this stream only"
                );
                let number: u32 = number.parse().unwrap();
                if rest.starts_with("retry") {
                    heard.last = heard.last.max(Some(number));
                    continue;
                }
                assert_eq!(
                    number,
                    heard.last.unwrap_or_default() + 1,
                    "none twice, none left out"
                );
                heard.last = Some(number);
                heard.messages.push(rest.to_string());
            }
            connection.read = events.len();
        }
        let (done, open): (Vec<_>, Vec<_>) = core::mem::take(&mut self.connections)
            .into_iter()
            .partition(|connection| connection.open.ended);
        self.connections = open;
        for connection in done {
            assert!(
                !connection.open.exchange.is_seated(),
                "nobody sits on a stream that has ended"
            );
        }
        for (stream, heard) in &self.heard {
            let results = heard
                .messages
                .iter()
                .filter(|message| message.starts_with("result"))
                .count();
            assert!(
                results <= usize::from(*stream > 0),
                "one answer on its own stream: {:?}",
                heard.messages
            );
            self.answered.insert(*stream, results);
        }
    }

    /// A connection breaks, without anybody having read what was on its way.
    fn break_one(&mut self, rig: &mut Rig, which: usize) {
        let mut connection = self.connections.swap_remove(which);
        connection.open.exchange.handle_disconnect(rig.now);
        rig.server.leave(&mut connection.open.exchange, rig.now);
        let heard = self.heard.entry(connection.stream).or_default();
        if heard.last.is_none() && connection.stream > 0 {
            self.lost.push(connection.stream);
        }
    }

    /// Goes on with a stream that has no connection.
    fn resume_one(&mut self, rig: &mut Rig, which: usize) {
        let waiting: Vec<(u32, u32)> = self
            .heard
            .iter()
            .filter(|(stream, _)| {
                !self
                    .connections
                    .iter()
                    .any(|connection| connection.stream == **stream)
            })
            .filter(|(stream, _)| self.answered.get(stream) != Some(&1))
            .filter_map(|(stream, heard)| Some((*stream, heard.last?)))
            .collect();
        if waiting.is_empty() {
            return;
        }
        let (stream, last) = waiting[which % waiting.len()];
        let open = get(
            rig,
            &self.session,
            &[("last-event-id", &format!("{stream}-{last}"))],
        );
        assert_eq!(open.status, 200, "{stream}-{last}: {}", open.body);
        self.connections.push(Connection {
            open,
            stream,
            read: 0,
        });
    }
}

fn play(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut rig = rig();
    let session = session(&mut rig, "2025-11-25");
    let mut client = Client {
        session,
        connections: Vec::new(),
        heard: BTreeMap::new(),
        lost: Vec::new(),
        answered: BTreeMap::new(),
        // The handshake was the first.
        asked: 1,
    };
    let open = get(&mut rig, &client.session, &[]);
    client.connections.push(Connection {
        open,
        stream: 0,
        read: 0,
    });
    for _ in 0..200 {
        match dice.roll(10) {
            0..=2 => {
                client.asked += 1;
                let tool = ["answer", "note", "wait", "wait"][dice.roll(4)];
                let open = call_tool(&mut rig, &client.session, &client.asked.to_string(), tool);
                client.connections.push(Connection {
                    open,
                    stream: client.asked,
                    read: 0,
                });
            }
            3 | 4 if !rig.waiting.is_empty() => {
                let which = dice.roll(rig.waiting.len());
                rig.waiting.swap(0, which);
                rig.finish();
            }
            5 if !client.connections.is_empty() => {
                let which = dice.roll(client.connections.len());
                client.break_one(&mut rig, which);
            }
            6 => client.resume_one(&mut rig, dice.roll(64)),
            7 => {
                rig.server.handle_change(&crate::Change::Tools, rig.now);
                rig.drive_server();
            }
            8 => {
                rig.wait(Duration::from_millis(dice.roll(2000) as u64));
                rig.server.handle_timeout(rig.now);
                rig.drive_server();
                for connection in &mut client.connections {
                    connection.open.exchange.handle_timeout(rig.now);
                }
            }
            _ => client.read(&mut rig),
        }
        assert!(
            rig.server.poll_timeout().is_none_or(|at| at > rig.now),
            "no deadline stays in the past"
        );
    }
    // Nothing breaks any more: everything arrives that still can.
    while !rig.waiting.is_empty() {
        rig.finish();
    }
    client.read(&mut rig);
    for _ in 0..client.asked {
        client.resume_one(&mut rig, 0);
        client.read(&mut rig);
    }
    for asked in 2..=client.asked {
        let answers = client.answered.get(&asked).copied().unwrap_or_default();
        let lost = client.lost.contains(&asked);
        assert_eq!(
            answers,
            usize::from(!lost),
            "request {asked} of seed {seed}, lost: {lost}"
        );
    }
    assert!(rig.cancelled.is_empty());
}

#[test]
fn every_request_is_answered_once_however_connections_break() {
    for seed in 0..60 {
        play(seed);
    }
}
