//! What can be measured of one implementation, and what came out.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::drive::{Report, Until};
use crate::measure::{self, ClientReport, Counts, Setup};
use crate::roster::Entry;
use crate::wire::{Call, Era, Transport};

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Probe {
    Timed(Setup),
    Instructions(Setup),
    SystemCalls(Setup),
    Allocations(Setup),
    Sessions,
    Listens,
    Start(Era),
    Client,
    ClientInstructions,
    ClientAllocations,
    HelloBytes,
    HelloMemory,
    HelloCrates,
    HelloBuild,
}

/// What came out of it.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Timed(Report),
    Client(ClientReport),
    Number(f64),
    /// It cannot be asked: there is no such program, or it does not speak that.
    NotOffered,
    /// It was asked, and this went wrong.
    Failed(String),
}

/// How thorough the measurements are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) seconds: f64,
    pub(crate) rounds: usize,
    pub(crate) sessions: usize,
    pub(crate) listens: usize,
    pub(crate) starts: usize,
    pub(crate) client_calls: u64,
    pub(crate) counted: u64,
}

impl Effort {
    pub(crate) fn thorough() -> Self {
        Self {
            seconds: 2.0,
            rounds: 5,
            sessions: 1000,
            listens: 1000,
            starts: 21,
            client_calls: 100_000,
            counted: 1000,
        }
    }

    pub(crate) fn quick() -> Self {
        Self {
            seconds: 0.5,
            rounds: 1,
            sessions: 500,
            listens: 500,
            starts: 9,
            client_calls: 30_000,
            counted: 150,
        }
    }
}

impl Probe {
    fn needs(self) -> Option<(Transport, Era)> {
        match self {
            Self::Timed(setup)
            | Self::Instructions(setup)
            | Self::SystemCalls(setup)
            | Self::Allocations(setup) => Some((setup.transport, setup.era)),
            Self::Sessions => Some((Transport::Http, Era::Legacy)),
            Self::Listens => Some((Transport::Http, Era::Modern)),
            Self::Start(era) => Some((Transport::Stdio, era)),
            _ => None,
        }
    }

    /// Whether it can be asked at all.
    pub(crate) fn offered(self, entry: &Entry) -> bool {
        let counts_code = matches!(
            self,
            Self::Instructions(_) | Self::SystemCalls(_) | Self::Allocations(_)
        );
        let lacks = match self {
            Self::Listens => !entry.listens,
            Self::Sessions => !entry.sessions,
            Self::Allocations(_) => entry.name == "null", // it knows no other tool
            _ => false,
        };
        match self.needs() {
            Some((transport, era)) => {
                entry.takes(transport, era) && (entry.native || !counts_code) && !lacks
            }
            None => match self {
                Self::Client | Self::ClientInstructions | Self::ClientAllocations => {
                    entry.client.is_some()
                }
                _ => entry.hello.is_some(),
            },
        }
    }

    /// Measures once.
    pub(crate) fn ask(self, entry: &Entry, effort: Effort) -> Outcome {
        if !self.offered(entry) {
            return Outcome::NotOffered;
        }
        self.try_ask(entry, effort).unwrap_or_else(Outcome::Failed)
    }

    fn try_ask(self, entry: &Entry, effort: Effort) -> Result<Outcome, String> {
        let counts = Counts {
            few: 50,
            many: 50 + effort.counted,
        };
        let number = match self {
            Self::Timed(setup) => {
                let measured = Duration::from_secs_f64(effort.seconds);
                let until = Until::Time {
                    warm_up: measured.div_f64(4.0),
                    measured,
                };
                let report = measure::timed(entry, setup, until)?;
                return match &report.complaint {
                    Some(why) => Err(format!("{} wrong responses: {why}", report.wrong)),
                    None => Ok(Outcome::Timed(report)),
                };
            }
            Self::Client => {
                return measure::client(entry, effort.client_calls).map(Outcome::Client);
            }
            Self::Instructions(setup) => measure::instructions(entry, setup, counts)?,
            Self::SystemCalls(setup) => measure::system_calls(entry, setup, counts)?,
            Self::Allocations(setup) => measure::allocations(entry, setup, counts)?,
            Self::Sessions => measure::session_bytes(entry, effort.sessions)?,
            Self::Listens => measure::listen_bytes(entry, effort.listens)?,
            Self::Start(era) => {
                let times = if entry.native { effort.starts } else { 1 };
                measure::first_response(entry, era, times)?.as_secs_f64()
            }
            Self::ClientInstructions => measure::client_instructions(entry, counts)?,
            Self::ClientAllocations => measure::client_allocations(entry, counts)?,
            Self::HelloBytes => crate::footprint::stripped_bytes(entry)?,
            Self::HelloMemory => crate::footprint::resident_bytes(entry)?,
            Self::HelloCrates => crate::footprint::crates(entry)?,
            Self::HelloBuild => crate::footprint::build_seconds(entry)?,
        };
        Ok(Outcome::Number(number))
    }
}

/// Of several rounds, the one whose rate is in the middle.
pub(crate) fn median(mut rounds: Vec<Outcome>) -> Outcome {
    let rate = |outcome: &Outcome| match outcome {
        Outcome::Timed(report) => report.rate(),
        Outcome::Client(report) => report.rate,
        Outcome::Number(number) => *number,
        Outcome::NotOffered | Outcome::Failed(_) => -1.0,
    };
    // A round that failed is not made good by others.
    if let Some(failed) = rounds
        .iter()
        .position(|one| matches!(one, Outcome::Failed(_)))
    {
        return rounds.swap_remove(failed);
    }
    rounds.sort_by(|a, b| rate(a).total_cmp(&rate(b)));
    let middle = rounds.len() / 2;
    rounds.swap_remove(middle)
}

/// All that came out, by server and probe.
#[derive(Debug, Default)]
pub(crate) struct Results(BTreeMap<(&'static str, Probe), Outcome>);

/// What a cell shows of an outcome.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Field {
    Rate,
    P50,
    P99,
    Cpu,
    Resident,
    Number,
}

impl Results {
    pub(crate) fn put(&mut self, server: &'static str, probe: Probe, outcome: Outcome) {
        self.0.insert((server, probe), outcome);
    }

    pub(crate) fn outcome(&self, server: &'static str, probe: Probe) -> Option<&Outcome> {
        self.0.get(&(server, probe))
    }

    /// A number in seconds, bytes, or calls.
    pub(crate) fn number(&self, server: &'static str, probe: Probe, field: Field) -> Option<f64> {
        let duration = |duration: Duration| Some(duration.as_secs_f64());
        match (self.outcome(server, probe)?, field) {
            (Outcome::Number(number), _) => Some(*number),
            (Outcome::Timed(report), Field::Rate) => Some(report.rate()),
            (Outcome::Timed(report), Field::P50) => duration(report.latency.quantile(0.5)),
            (Outcome::Timed(report), Field::P99) => duration(report.latency.quantile(0.99)),
            (Outcome::Timed(report), Field::Cpu) => duration(report.cpu_per_call()),
            (Outcome::Timed(report), Field::Resident) => {
                Some(report.memory_after.peak as f64 * 1024.0)
            }
            (Outcome::Client(report), Field::Rate) => Some(report.rate),
            (Outcome::Client(report), Field::P50) => duration(report.p50),
            (Outcome::Client(report), Field::P99) => duration(report.p99),
            (Outcome::Client(report), Field::Cpu) => duration(report.cpu),
            _ => None,
        }
    }

    /// What went wrong, for the notes below the table: once for each server and reason.
    pub(crate) fn failures(&self) -> Vec<String> {
        let mut found: BTreeMap<(&str, &str), Vec<Probe>> = BTreeMap::new();
        for ((server, probe), outcome) in &self.0 {
            if let Outcome::Failed(why) = outcome {
                found.entry((server, why)).or_default().push(*probe);
            }
        }
        let line = |((server, why), probes): (&(&str, &str), &Vec<Probe>)| {
            let first = probes.first().map(ToString::to_string).unwrap_or_default();
            let more = match probes.len() {
                ..2 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            format!("{server}, {first}{more}: {why}")
        };
        found.iter().map(line).collect()
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timed(setup) => write!(f, "calls, {setup}"),
            Self::Instructions(setup) => write!(f, "instructions, {setup}"),
            Self::SystemCalls(setup) => write!(f, "system calls, {setup}"),
            Self::Allocations(setup) => write!(f, "allocations, {setup}"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// A call of 64 bytes, one at a time.
pub(crate) fn small(transport: Transport, era: Era) -> Setup {
    Setup::one_at_a_time(transport, era, Call::Echo(64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_failures_are_kept() {
        let numbers = [5.0, 1.0, 3.0].map(Outcome::Number).into();
        assert!(matches!(median(numbers), Outcome::Number(3.0)));
        let mixed = vec![Outcome::Number(5.0), Outcome::Failed("x".into())];
        assert!(matches!(median(mixed), Outcome::Failed(_)));
    }
}
