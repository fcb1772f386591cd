//! Runs many scenarios: `world-run --sessions 1000000 --seed 0`, or one: `world-run --replay HEX`.
//!
//! A scenario that breaks a law is shortened and printed; then the run ends with status 1. With
//! `--first` the first one ends the run, and is not shortened. `--corpus FOLDER` runs the scenarios in
//! its files before the drawn ones.

use std::{env, fs, io, panic, path::Path, process::ExitCode, time::Instant};

use mcp_world::{Options, Scenario, eras_agree, find_fault, run, shrink, tell};

/// A run with so many kinds of faults has shown enough.
const MOST_FAULTS: usize = 8;

fn main() -> ExitCode {
    // What panics is caught and told.
    panic::set_hook(Box::new(|_| {}));
    let words: Vec<String> = env::args().skip(1).collect();
    let value = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1).cloned()
    };
    let number = |name: &str, default: u64| match value(name).map(|text| text.parse()) {
        None => Ok(default),
        Some(parsed) => parsed.map_err(|_| format!("{name} wants a number")),
    };
    if let Some(text) = value("--replay") {
        return replay(&text);
    }
    let first = words.iter().any(|word| word == "--first");
    let known = value("--corpus").map_or(Ok(Vec::new()), |folder| corpus(Path::new(&folder)));
    let known = known.map_err(|error| format!("--corpus: {error}"));
    match (number("--sessions", 10_000), number("--seed", 0), known) {
        (Ok(sessions), Ok(seed), Ok(known)) => simulate(sessions, seed, known, first),
        (Err(problem), ..) | (_, Err(problem), _) | (.., Err(problem)) => {
            println!("{problem}");
            ExitCode::from(2)
        }
    }
}

/// The scenarios in a folder's files, by name.
fn corpus(folder: &Path) -> io::Result<Vec<(String, Scenario)>> {
    let files: Result<Vec<_>, _> = fs::read_dir(folder)?.collect();
    let read = |file: fs::DirEntry| {
        let name = file.file_name().to_string_lossy().into_owned();
        Ok((name, Scenario::from_bytes(&fs::read(file.path())?)))
    };
    let mut all: Vec<_> = files?.into_iter().map(read).collect::<io::Result<_>>()?;
    all.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(all)
}

fn replay(text: &str) -> ExitCode {
    let Ok(scenario) = Scenario::parse(text) else {
        println!("--replay wants what a failing run has printed");
        return ExitCode::from(2);
    };
    let mut options = Options::default();
    options.replayed = true;
    let (told, fault) = tell(&scenario, options);
    println!("{}\n{told}", scenario.as_rust());
    match fault {
        Some(fault) => {
            println!("{fault}");
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

fn simulate(sessions: u64, seed: u64, known: Vec<(String, Scenario)>, first: bool) -> ExitCode {
    let started = Instant::now();
    let mut tally = Tally::default();
    let most = if first { 1 } else { MOST_FAULTS };
    let mut seeds = seed..;
    let mut known = known.into_iter();
    while tally.sessions < sessions && tally.broken.len() < most {
        match known.next() {
            Some((name, scenario)) => tally.judge(&name, &scenario, None, first),
            None => {
                let at = seeds.next().unwrap_or_default();
                tally.judge(
                    &format!("seed {at}"),
                    &Scenario::from_seed(at),
                    Some(at),
                    first,
                );
                if at % 20_000 == 19_999 {
                    let Tally {
                        sessions, calls, ..
                    } = &tally;
                    let seconds = started.elapsed().as_secs();
                    println!("{sessions} sessions, {calls} calls, up to seed {at}, {seconds} s");
                }
            }
        }
    }
    let Tally {
        sessions,
        calls,
        broken,
    } = &tally;
    let seconds = started.elapsed().as_secs();
    println!(
        "{sessions} sessions with {calls} calls in {seconds} s, seeds {seed} to {}",
        seeds.start.saturating_sub(1)
    );
    if broken.is_empty() {
        println!("no law was broken");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What all scenarios together have come to.
#[derive(Default)]
struct Tally {
    sessions: u64,
    calls: u64,
    /// The kinds of faults that were told.
    broken: Vec<String>,
}

impl Tally {
    /// Runs one scenario; the costlier laws are for some that are drawn, and all that are kept.
    fn judge(&mut self, name: &str, scenario: &Scenario, seed: Option<u64>, first: bool) {
        let each = |times: u64| seed.is_none_or(|seed| seed % times == 0);
        let mut options = Options::default();
        options.replayed = each(8);
        let Ok(report) = panic::catch_unwind(|| run(scenario, options)) else {
            return self.report(name, scenario, options, first);
        };
        if each(16) && run(scenario, options) != report {
            println!("{name}: S10: another trace the second time");
            self.broken.push("S10".into());
        }
        let eras = seed.filter(|seed| seed % 64 == 0).map(eras_agree);
        if let Some(Err(told)) = eras {
            println!("{name}: {told}");
            self.broken.push("S11".into());
        }
        self.sessions += u64::from(report.sessions);
        self.calls += u64::from(report.calls);
    }

    /// Prints the shortest scenario of a fault, unless it is like one that was seen before.
    fn report(&mut self, name: &str, scenario: &Scenario, options: Options, first: bool) {
        let fault = find_fault(scenario, options).unwrap_or_default();
        let kind: String = fault
            .chars()
            .take(40)
            .filter(|c| !c.is_ascii_digit())
            .collect();
        if self.broken.contains(&kind) {
            return;
        }
        self.broken.push(kind);
        if first {
            return println!("{name}: {fault}");
        }
        let shortest = shrink(scenario, options);
        let fault = find_fault(&shortest, options).unwrap_or_default();
        println!("{name}: {fault}");
        println!("{}", shortest.as_rust());
        println!("world-run --replay {shortest}");
    }
}
