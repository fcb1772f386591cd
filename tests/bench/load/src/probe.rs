//! What can be measured of one implementation, and what came out.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::drive::{Report, Until};
use crate::measure::{self, ClientReport, Counts, Setup};
use crate::roster::Entry;
use crate::wire::{Call, Era, Transport};

/// Why others are not asked.
const OURS_ONLY: &str = "a question for the crates of this repository";

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Probe {
    Timed(Setup),
    Instructions(Setup),
    SystemCalls(Setup),
    Allocations(Setup),
    /// Instructions of a call beside so many other tools.
    Beside(usize),
    /// Instructions for a byte of the list of so many tools.
    List(usize),
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
    /// Sessions, and listen streams.
    pub(crate) many: usize,
    pub(crate) starts: usize,
    pub(crate) client_calls: u64,
    pub(crate) counted: u64,
}

impl Effort {
    pub(crate) fn thorough() -> Self {
        Self {
            seconds: 2.0,
            rounds: 5,
            many: 10_000,
            starts: 21,
            client_calls: 100_000,
            counted: 1000,
        }
    }

    pub(crate) fn quick() -> Self {
        Self {
            seconds: 0.5,
            rounds: 1,
            many: 10_000,
            starts: 9,
            client_calls: 30_000,
            counted: 150,
        }
    }
}

impl Effort {
    // Others have limits of their own, or take their time for each.
    fn many_of(self, entry: &Entry) -> usize {
        if entry.own.is_some() || entry.name == "null" {
            self.many
        } else {
            self.many / 50
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
            Self::Beside(_) | Self::List(_) => Some((Transport::Stdio, Era::Legacy)),
            Self::Start(era) => Some((Transport::Stdio, era)),
            _ => None,
        }
    }

    /// Whether it can be asked at all.
    pub(crate) fn offered(self, entry: &Entry) -> bool {
        self.lack(entry).is_none()
    }

    /// Why it cannot be asked, where it cannot: what the table says of its empty cells.
    pub(crate) fn lack(self, entry: &Entry) -> Option<&'static str> {
        let own_only = match self {
            Self::Beside(_) | Self::List(_) => Some(OURS_ONLY),
            Self::Timed(setup) | Self::Instructions(setup) | Self::SystemCalls(setup) => {
                matches!(setup.call, Call::Quick(_)).then_some("it has no quick tools")
            }
            _ => None,
        };
        if own_only.is_some() && entry.own.is_none() {
            return own_only;
        }
        let counts_code = matches!(
            self,
            Self::Instructions(_) | Self::SystemCalls(_) | Self::Allocations(_)
        );
        let program = |there: bool, why| (!there).then_some(why);
        let lack = match self {
            Self::Listens => program(entry.listens, entry.without_listens),
            Self::Sessions => program(entry.sessions, entry.without_sessions),
            Self::Allocations(_) if entry.name == "null" => Some("it has no `add`"),
            Self::Client | Self::ClientInstructions | Self::ClientAllocations => {
                program(entry.client.is_some(), "no client of it is compared")
            }
            Self::HelloBytes | Self::HelloMemory | Self::HelloCrates | Self::HelloBuild => program(
                entry.hello.is_some(),
                "no smallest server of it is compared",
            ),
            _ if counts_code && !entry.native => {
                Some("programs that are interpreted are not counted")
            }
            _ => None,
        };
        lack.or_else(|| {
            let (transport, era) = self.needs()?;
            program(entry.takes(transport, era), entry.without_era)
        })
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
                    None if report.rate() == 0.0 => Err("no call ended in time".to_owned()),
                    None => Ok(Outcome::Timed(report)),
                };
            }
            Self::Client => {
                return measure::client(entry, effort.client_calls).map(Outcome::Client);
            }
            Self::Instructions(setup) => measure::instructions(entry, setup, counts)?,
            Self::SystemCalls(setup) => measure::system_calls(entry, setup, counts)?,
            Self::Allocations(setup) => measure::allocations(entry, setup, counts)?,
            Self::Beside(tools) => measure::beside_tools(entry, tools, counts)?,
            Self::List(tools) => measure::list_instructions(entry, tools, counts)?,
            Self::Sessions => measure::session_bytes(&entry.own(0), effort.many_of(entry))?,
            Self::Listens => measure::listen_bytes(&entry.own(0), effort.many_of(entry))?,
            Self::Start(era) => {
                let times = if entry.native { effort.starts } else { 1 };
                measure::first_response(entry, era, times)?.as_secs_f64()
            }
            Self::ClientInstructions => measure::client_instructions(entry, counts)?,
            Self::ClientAllocations => measure::client_allocations(entry, counts)?,
            Self::HelloBytes => crate::footprint::stripped_bytes(entry)?,
            Self::HelloMemory => crate::footprint::resident_bytes(entry)?,
            Self::HelloCrates => crate::footprint::crates(entry)?,
            Self::HelloBuild => crate::footprint::measured_build_seconds(entry)?,
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
            Self::Beside(tools) => write!(f, "instructions beside {tools} tools"),
            Self::List(tools) => write!(f, "instructions of a list of {tools} tools"),
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
