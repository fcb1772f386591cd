//! Runs many scenarios: `world-run --sessions 1000000 --seed 0`, or one: `world-run --replay HEX`.
//!
//! A scenario that breaks a law is shortened and printed; then the run ends with status 1.

use std::{env, panic, process::ExitCode, time::Instant};

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
    match (number("--sessions", 10_000), number("--seed", 0)) {
        (Ok(sessions), Ok(seed)) => simulate(sessions, seed),
        (Err(problem), _) | (_, Err(problem)) => {
            println!("{problem}");
            ExitCode::from(2)
        }
    }
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

fn simulate(sessions: u64, seed: u64) -> ExitCode {
    let started = Instant::now();
    let (mut done, mut calls, mut at) = (0, 0, seed);
    let mut broken: Vec<String> = Vec::new();
    while done < sessions && broken.len() < MOST_FAULTS {
        let scenario = Scenario::from_seed(at);
        let mut options = Options::default();
        // The costlier laws are for some.
        options.replayed = at % 8 == 0;
        match panic::catch_unwind(|| run(&scenario, options)) {
            Ok(report) => {
                if at % 16 == 0 && run(&scenario, options) != report {
                    println!("S10: seed {at} gives another trace the second time");
                    broken.push("S10".into());
                }
                if at % 64 == 0
                    && let Err(told) = eras_agree(at)
                {
                    println!("seed {at}: {told}");
                    broken.push("S11".into());
                }
                done += u64::from(report.sessions);
                calls += u64::from(report.calls);
            }
            Err(_) => report(&scenario, options, at, &mut broken),
        }
        at += 1;
        if at % 20_000 == 0 {
            let seconds = started.elapsed().as_secs();
            println!("{done} sessions, {calls} calls, up to seed {at}, {seconds} s");
        }
    }
    let seconds = started.elapsed().as_secs();
    println!(
        "{done} sessions with {calls} calls in {seconds} s, seeds {seed} to {}",
        at - 1
    );
    if broken.is_empty() {
        println!("no law was broken");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Prints the shortest scenario of a fault, unless it is like one that was seen before.
fn report(scenario: &Scenario, options: Options, seed: u64, broken: &mut Vec<String>) {
    let fault = find_fault(scenario, options).unwrap_or_default();
    let kind: String = fault
        .chars()
        .take(40)
        .filter(|c| !c.is_ascii_digit())
        .collect();
    if broken.contains(&kind) {
        return;
    }
    broken.push(kind);
    let shortest = shrink(scenario, options);
    let fault = find_fault(&shortest, options).unwrap_or_default();
    println!("seed {seed}: {fault}");
    println!("{}", shortest.as_rust());
    println!("world-run --replay {shortest}");
}
