//! Drives connections at full speed, for a time or a number of calls, and watches the server.

use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll;

use crate::conn::{Conn, Script};
use crate::histogram::Histogram;
use crate::proc::{Memory, Watched};

/// How long a run is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// After so many calls, all of which are measured.
    Calls(u64),
    /// After so long; what comes before that is the warm-up.
    Time {
        warm_up: Duration,
        measured: Duration,
    },
}

/// What a run has shown.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) latency: Histogram,
    pub(crate) elapsed: Duration,
    /// The server's, while it was measured.
    pub(crate) cpu: Duration,
    pub(crate) memory_before: Memory,
    pub(crate) memory_after: Memory,
    /// Responses that were not right.
    pub(crate) wrong: u64,
    /// The first of those.
    pub(crate) complaint: Option<String>,
}

impl Report {
    pub(crate) fn rate(&self) -> f64 {
        self.latency.count() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    pub(crate) fn cpu_per_call(&self) -> Duration {
        self.cpu.div_f64(self.latency.count().max(1) as f64)
    }
}

/// How long a server may be silent before its answers count as lost.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

#[derive(PartialEq, Eq)]
enum Phase {
    WarmUp,
    Measured,
    Draining,
}

struct Run<'a> {
    until: Until,
    server: Watched,
    phase: Phase,
    started: Instant,
    now: Instant,
    left: u64,
    report: Report,
    cpu_before: Duration,
    conns: &'a mut [(Conn, Script)],
}

/// Drives connections whose hands have been shaken, each with so many calls open at once.
pub(crate) fn drive(
    conns: &mut [(Conn, Script)],
    window: usize,
    until: Until,
    server: Watched,
) -> Result<Report, String> {
    let alone = conns.len() == 1 && window == 1;
    for (conn, _) in conns.iter_mut() {
        conn.set_window(window);
        conn.set_timed(matches!(until, Until::Time { .. }));
        conn.set_blocking(alone)
            .map_err(|error| error.to_string())?;
        conn.set_patience(PATIENCE)
            .map_err(|error| error.to_string())?;
    }
    let mut run = Run::new(conns, until, server);
    if alone {
        run.alone()?;
    } else {
        run.many()?;
    }
    Ok(run.report)
}

impl<'a> Run<'a> {
    fn new(conns: &'a mut [(Conn, Script)], until: Until, server: Watched) -> Self {
        let now = Instant::now();
        let (phase, left) = match until {
            Until::Calls(count) => (Phase::Measured, count),
            Until::Time { .. } => (Phase::WarmUp, u64::MAX),
        };
        Self {
            until,
            server,
            phase,
            started: now,
            now,
            left,
            report: Report {
                latency: Histogram::new(),
                elapsed: Duration::ZERO,
                cpu: Duration::ZERO,
                memory_before: server.memory(),
                memory_after: Memory::default(),
                wrong: 0,
                complaint: None,
            },
            cpu_before: server.cpu(),
            conns,
        }
    }

    /// One call after the other: a write, a read, and no waiting for readiness in between.
    fn alone(&mut self) -> Result<(), String> {
        while !self.done() {
            self.refill(0);
            self.conns[0].0.flush()?;
            while self.conns[0].0.open() > 0 {
                if !self.conns[0].0.fill()? {
                    return Err(format!("1 call lost: silence for {PATIENCE:?}"));
                }
                self.take_answers(0)?;
            }
        }
        Ok(())
    }

    fn many(&mut self) -> Result<(), String> {
        let poller = self.poller().map_err(|error| error.to_string())?;
        for index in 0..self.conns.len() {
            self.refill(index);
            self.conns[index].0.flush()?;
        }
        let mut ready = Vec::with_capacity(256);
        let patience = rustix::event::Timespec {
            tv_sec: PATIENCE.as_secs().cast_signed(),
            tv_nsec: 0,
        };
        while !self.done() {
            ready.clear();
            epoll::wait(&poller, spare_capacity(&mut ready), Some(&patience))
                .map_err(|error| error.to_string())?;
            if ready.is_empty() {
                let lost: usize = self.conns.iter().map(|(conn, _)| conn.open()).sum();
                return Err(format!("{lost} calls lost: silence for {PATIENCE:?}"));
            }
            for event in &ready {
                let index = event.data.u64() as usize;
                if self.conns[index].0.fill()? {
                    self.take_answers(index)?;
                    self.refill(index);
                }
                self.conns[index].0.flush()?;
            }
        }
        Ok(())
    }

    /// Tells of each edge of readiness; with one read an event, reading must be by level.
    fn poller(&self) -> std::io::Result<std::os::fd::OwnedFd> {
        let poller = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (index, (conn, _)) in self.conns.iter().enumerate() {
            let data = epoll::EventData::new_u64(index as u64);
            let (readable, writable) = conn.ends();
            epoll::add(&poller, readable, data, epoll::EventFlags::IN)?;
            // A socket on which so little waits is always writable.
            if let Some(writable) = writable {
                let edges = epoll::EventFlags::OUT | epoll::EventFlags::ET;
                epoll::add(&poller, writable, data, edges)?;
            }
        }
        Ok(poller)
    }

    fn refill(&mut self, index: usize) {
        if self.phase != Phase::Draining {
            let (conn, script) = &mut self.conns[index];
            self.left -= conn.open_calls(script, self.left, self.now);
        }
    }

    fn take_answers(&mut self, index: usize) -> Result<(), String> {
        self.now = Instant::now();
        let (conn, script) = &mut self.conns[index];
        while let Some(answer) = conn.next_answer(script)? {
            match answer {
                Ok(since) if self.phase == Phase::Measured => {
                    self.report.latency.add(self.now - since);
                }
                Ok(_) => {}
                Err(why) => {
                    self.report.wrong += 1;
                    self.report.complaint.get_or_insert(why);
                }
            }
        }
        // What it costs to check an answer belongs to the generator, not to the next call.
        self.now = Instant::now();
        Ok(())
    }

    /// Goes on to the next phase when its time has come; true once nothing is open in the last.
    fn done(&mut self) -> bool {
        let elapsed = self.now - self.started;
        match (&self.phase, self.until) {
            (Phase::WarmUp, Until::Time { warm_up, .. }) if elapsed >= warm_up => {
                self.phase = Phase::Measured;
                self.started = self.now;
                self.server.reset_peak();
                self.report.memory_before = self.server.memory();
                self.cpu_before = self.server.cpu();
            }
            (Phase::Measured, Until::Time { measured, .. }) if elapsed >= measured => self.stop(),
            (Phase::Measured, Until::Calls(_)) if self.left == 0 => self.stop(),
            _ => {}
        }
        let open = || self.conns.iter().any(|(conn, _)| conn.open() > 0);
        self.phase == Phase::Draining && !open()
    }

    fn stop(&mut self) {
        self.report.elapsed = self.now - self.started;
        self.report.cpu = self.server.cpu().saturating_sub(self.cpu_before);
        self.report.memory_after = self.server.memory();
        self.phase = Phase::Draining;
    }
}
