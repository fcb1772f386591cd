//! The comparison: every probe asked of every server, in turns, and the table printed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::options::Options;
use crate::probe::{Effort, Outcome, Probe, Results, median};
use crate::roster::{self, Entry, folder};
use crate::table::{self, Row};
use crate::{footprint, goals, growth, versions};

pub(crate) const KNOWN: [&str; 8] = [
    "quick",
    "growth",
    "footprint",
    "publish",
    "servers",
    "sections",
    "seconds",
    "rounds",
];

/// Runs the comparison.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let options = Options::read(arguments, &KNOWN)?;
    let mut effort = if options.flag("quick") {
        Effort::quick()
    } else {
        Effort::thorough()
    };
    effort.seconds = options.value("seconds", effort.seconds)?;
    effort.rounds = options.value("rounds", effort.rounds)?.max(1);
    let entries: Vec<Entry> = roster::all()
        .into_iter()
        .filter(|entry| options.chosen("servers", entry.name))
        .collect();
    let rows: Vec<Row> = table::rows()
        .into_iter()
        .filter(|row| options.chosen("sections", row.section))
        .collect();
    let (entries, left_out): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .partition(|entry| entry.missing().is_none());
    let left_out: Vec<_> = left_out.iter().map(|entry| entry.name).collect();
    if !left_out.is_empty() {
        eprintln!("left out, for they are not built: {}", left_out.join(", "));
    }
    if entries.is_empty() || rows.is_empty() {
        return Err(nothing_chosen());
    }
    let started = Instant::now();
    // The machine as it is before the run.
    let heading = heading(effort, options.flag("quick"));
    let versions = versions::sentence();
    let results = ask_all(&rows, &entries, effort, options.flag("footprint"));
    let table = table::markdown(&rows, &entries, &results);
    let goals = goals::markdown(&results);
    let lacks = table::lacks(&rows, &entries);
    let mut text = format!("{heading}\n{versions}\n\n{table}\n{lacks}\n{goals}");
    for failure in results.failures() {
        text += &format!("\nFailed: {failure}\n");
    }
    if !left_out.is_empty() {
        text += &format!(
            "\nLeft out, for they were not built: {}\n",
            left_out.join(", ")
        );
    }
    println!("{text}");
    let output = folder().join("target/comparison.md");
    std::fs::write(&output, &text).map_err(|error| error.to_string())?;
    eprintln!("also in {}", output.display());
    if options.flag("growth") {
        let section = growth::run(&entries, effort.seconds * 0.8)?;
        if options.flag("publish") {
            let text = format!("{heading}\n{section}");
            publish(&folder().join("README.md"), PICTURES, &text)?;
        }
    }
    if options.flag("publish") {
        let headlines: Vec<Row> = rows
            .into_iter()
            .filter(|row| table::HEADLINES.contains(&row.title))
            .collect();
        let short = table::markdown(&headlines, &entries, &results);
        publish_tables(&text, &format!("{heading}\n{short}\n{MORE}\n"))?;
    }
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    eprintln!("it took {minutes:.1} minutes");
    Ok(())
}

fn nothing_chosen() -> String {
    let names: Vec<_> = roster::all().iter().map(|entry| entry.name).collect();
    let (names, sections) = (names.join(", "), table::SECTIONS.join(", "));
    format!("nothing chosen; servers: {names}; sections: {sections}")
}

/// Writes all of it beside the comparison, and the short table into the project's own document.
fn publish_tables(text: &str, short: &str) -> Result<(), String> {
    publish(&folder().join("README.md"), TABLES, text)?;
    publish(&folder().join("../../README.md"), TABLES, short)
}

/// Below the short table.
const MORE: &str = "[tests/bench](tests/bench/README.md#results) has all of it: why a cell is empty, each \
    version, the goals and which of them are missed, and how rate and memory grow.";

/// Where the tables begin in a document, and where the pictures do.
const TABLES: &str = "<!-- the comparison, from -->\n";
const PICTURES: &str = "<!-- the pictures, from -->\n";
const TO: &str = "<!-- to -->\n";

/// Replaces what is between the marks in a document.
fn publish(document: &Path, from: &str, text: &str) -> Result<(), String> {
    let at = |error: std::io::Error| format!("{}: {error}", document.display());
    let old = std::fs::read_to_string(document).map_err(at)?;
    let new =
        between(&old, from, text).ok_or_else(|| format!("{}: no marks", document.display()))?;
    std::fs::write(document, new).map_err(at)
}

fn between(old: &str, from: &str, text: &str) -> Option<String> {
    let (before, rest) = old.split_once(from)?;
    let (_, after) = rest.split_once(TO)?;
    Some(format!(
        "{before}{from}\n{}\n{TO}{after}",
        text.trim_end().to_owned() + "\n"
    ))
}

/// Each probe of all servers before the next one: what is compared was measured at the same time.
fn ask_all(rows: &[Row], entries: &[Entry], effort: Effort, build_anew: bool) -> Results {
    let mut probes: Vec<Probe> = Vec::new();
    for (probe, ..) in rows.iter().flat_map(|row| &row.cells) {
        let costly = matches!(probe, Probe::HelloBuild);
        if !probes.contains(probe) && (build_anew || !costly) {
            probes.push(*probe);
        }
    }
    let mut results = Results::default();
    if !build_anew {
        for entry in entries {
            if let Some(seconds) = footprint::kept_build_seconds(entry) {
                let outcome = Outcome::Number(seconds);
                results.put(entry.name, Probe::HelloBuild, outcome);
            }
        }
    }
    let mut waits: BTreeMap<&str, usize> = BTreeMap::new();
    let started = Instant::now();
    for (index, probe) in probes.iter().enumerate() {
        let timed = matches!(probe, Probe::Timed(_) | Probe::Client | Probe::Start(_));
        let rounds = if timed { effort.rounds } else { 1 };
        let mut found: Vec<Vec<Outcome>> = vec![Vec::new(); entries.len()];
        for round in 0..rounds {
            for (entry, found) in entries.iter().zip(&mut found) {
                // An interpreter takes seconds to start, and one round shows where it stands.
                if round == 0 || entry.native {
                    let waits = waits.entry(entry.name).or_default();
                    found.push(ask(*probe, entry, effort, waits));
                }
            }
        }
        for (entry, found) in entries.iter().zip(found) {
            results.put(entry.name, *probe, median(found));
        }
        let seconds = started.elapsed().as_secs();
        eprintln!("{seconds:4} s  {} of {}  {probe}", index + 1, probes.len());
    }
    results
}

/// A server that fails after so long was waited for, and is asked nothing more after so many times.
const WAIT: Duration = Duration::from_secs(8);
const WAITS: usize = 2;

fn ask(probe: Probe, entry: &Entry, effort: Effort, waits: &mut usize) -> Outcome {
    if *waits >= WAITS && probe.offered(entry) {
        return Outcome::Failed("not asked any more: it was waited for in vain before".to_owned());
    }
    let started = Instant::now();
    let outcome = probe.ask(entry, effort);
    if matches!(outcome, Outcome::Failed(_)) && started.elapsed() >= WAIT {
        *waits += 1;
    }
    outcome
}

fn heading(effort: Effort, quick: bool) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let output = |program: &str, argument: &str| {
        let output = std::process::Command::new(program).arg(argument).output();
        output.map_or_else(
            |_| "unknown".to_owned(),
            |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )
    };
    let cpus = read("/proc/cpuinfo");
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown", |line| line.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = read("/proc/meminfo");
    let kibibytes = memory
        .split_whitespace()
        .nth(1)
        .and_then(|text| text.parse().ok());
    let gibibytes = kibibytes.unwrap_or(0_u64) as f64 / 1_048_576.0;
    let load = read("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or_default();
    // As it was typed: the script takes what is its own out of it.
    let typed = std::env::var("MCP_BENCH_TYPED").unwrap_or_else(|_| {
        let arguments: Vec<String> = std::env::args().skip(2).collect();
        arguments.join(" ")
    });
    format!(
        "`tests/bench/compare {}`, {}, {cores} cores of {model}, {gibibytes:.0} GiB, Linux {}, {}; load before the run {load}. {} rounds of {} s each, the median of them{}.\n",
        typed.trim(),
        output("date", "+%e %B %Y").trim(),
        output("uname", "-r"),
        output("rustc", "--version"),
        effort.rounds,
        effort.seconds,
        if quick { " (quick)" } else { "" },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let old = format!("above\n{TABLES}old\n{TO}below\n{PICTURES}pictures\n{TO}");
        let new = between(&old, TABLES, "new\n\n").expect("the marks are there");
        let rest = format!("{TO}below\n{PICTURES}pictures\n{TO}");
        assert_eq!(new, format!("above\n{TABLES}\nnew\n\n{rest}"));
        assert_eq!(between("no marks", TABLES, "new"), None);
    }

    #[test]
    fn the_short_table_has_rows_that_exist() {
        let rows = table::rows();
        for title in table::HEADLINES {
            assert!(rows.iter().any(|row| row.title == title), "{title}");
        }
    }
}
