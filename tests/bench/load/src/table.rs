//! The comparison as Markdown: a row is one or more probes, a column is a server.

use crate::measure::Setup;
use crate::probe::{Field, Outcome, Probe, Results, small};
use crate::roster::Entry;
use crate::wire::{Call, Era, Transport};

/// How a number is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// 13.4 k.
    Count,
    /// 2.25.
    Few,
    /// In seconds: 71 µs.
    Time,
    /// 54 KB.
    Bytes,
    /// 173 s.
    Seconds,
}

/// A number in a cell.
pub(crate) type Cell = (Probe, Field, Unit);

/// One row: what its cells show, joined by slashes.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) section: &'static str,
    pub(crate) title: &'static str,
    pub(crate) cells: Vec<Cell>,
}

const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

fn both(setup: impl Fn(Era) -> Setup, field: Field, unit: Unit) -> Vec<Cell> {
    ERAS.map(|era| (Probe::Timed(setup(era)), field, unit))
        .into()
}

fn counted(probe: impl Fn(Setup) -> Probe, setup: impl Fn(Era) -> Setup, unit: Unit) -> Vec<Cell> {
    ERAS.map(|era| (probe(setup(era)), Field::Number, unit))
        .into()
}

/// A call of a tool that runs on the thread that reads.
pub(crate) fn quick(era: Era) -> Setup {
    Setup {
        call: Call::Quick(64),
        ..small(Transport::Stdio, era)
    }
}

/// A call over stdio of which 64 are open at once.
pub(crate) fn pipelined(era: Era) -> Setup {
    Setup {
        window: 64,
        ..small(Transport::Stdio, era)
    }
}

/// A call over HTTP on each of so many connections.
pub(crate) fn connected(connections: usize, era: Era) -> Setup {
    Setup {
        connections,
        ..small(Transport::Http, era)
    }
}

/// A larger text, one at a time, in the handshake era.
pub(crate) fn large(transport: Transport, bytes: usize) -> Setup {
    Setup {
        call: Call::Echo(bytes),
        ..small(transport, Era::Legacy)
    }
}

/// So many tools besides.
pub(crate) const CATALOGUES: [usize; 3] = [10, 1_000, 10_000];

pub(crate) const SIZES: [usize; 3] = [4096, 65_536, 1_048_576];

/// The sections of the table, for `--sections`.
pub(crate) const SECTIONS: [&str; 7] = [
    "stdio",
    "http",
    "payload",
    "counts",
    "memory",
    "client",
    "footprint",
];

/// All rows.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = counted_rows();
    rows.extend(stdio_rows());
    rows.extend(http_rows());
    rows.extend(other_rows());
    rows
}

fn counted_rows() -> Vec<Row> {
    let row = |title, cells| row("counts", title, cells);
    let stdio = |era| small(Transport::Stdio, era);
    let http = |era| small(Transport::Http, era);
    let add = |era| Setup {
        call: Call::Add,
        ..small(Transport::Stdio, era)
    };
    vec![
        row(
            "stdio, instructions a call",
            counted(Probe::Instructions, stdio, Unit::Count),
        ),
        row(
            "stdio, system calls a call",
            counted(Probe::SystemCalls, stdio, Unit::Few),
        ),
        row(
            "stdio, quick tool, instructions a call",
            counted(Probe::Instructions, quick, Unit::Count),
        ),
        row(
            "stdio, quick tool, system calls a call",
            counted(Probe::SystemCalls, quick, Unit::Few),
        ),
        row(
            "stdio, allocations for an `add`",
            counted(Probe::Allocations, add, Unit::Few),
        ),
        row(
            "HTTP, instructions a call",
            counted(Probe::Instructions, http, Unit::Count),
        ),
        row(
            "HTTP, system calls a call",
            counted(Probe::SystemCalls, http, Unit::Few),
        ),
        row(
            "stdio, legacy, instructions a call beside 10 / 1,000 / 10,000 tools",
            CATALOGUES
                .map(|tools| (Probe::Beside(tools), Field::Number, Unit::Count))
                .into(),
        ),
        row(
            "stdio, legacy, list of 1,000 tools, instructions a byte",
            vec![(Probe::List(1_000), Field::Number, Unit::Few)],
        ),
    ]
}

fn row(section: &'static str, title: &'static str, cells: Vec<Cell>) -> Row {
    Row {
        section,
        title,
        cells,
    }
}

fn sizes(transport: Transport) -> Vec<Cell> {
    let cell = |bytes| {
        (
            Probe::Timed(large(transport, bytes)),
            Field::Rate,
            Unit::Count,
        )
    };
    SIZES.map(cell).into()
}

fn stdio_rows() -> Vec<Row> {
    let alone = |era| small(Transport::Stdio, era);
    let calls = "stdio, one at a time, calls/s";
    let many = "stdio, 64 in flight, calls/s";
    let large = "stdio, 4 KiB / 64 KiB / 1 MiB, calls/s";
    vec![
        row("stdio", calls, both(alone, Field::Rate, Unit::Count)),
        row(
            "stdio",
            "stdio, one at a time, p50",
            both(alone, Field::P50, Unit::Time),
        ),
        row(
            "stdio",
            "stdio, one at a time, p99",
            both(alone, Field::P99, Unit::Time),
        ),
        row(
            "stdio",
            "stdio, quick tool, p50",
            both(quick, Field::P50, Unit::Time),
        ),
        row("stdio", many, both(pipelined, Field::Rate, Unit::Count)),
        row(
            "stdio",
            "stdio, 64 in flight, CPU a call",
            both(pipelined, Field::Cpu, Unit::Time),
        ),
        row(
            "stdio",
            "stdio, 64 in flight, resident at most",
            both(pipelined, Field::Resident, Unit::Bytes),
        ),
        row("payload", large, sizes(Transport::Stdio)),
    ]
}

fn http_rows() -> Vec<Row> {
    let one = |era| connected(1, era);
    let many = |era| connected(16, era);
    let calls = "HTTP, 1 connection, calls/s";
    let more = "HTTP, 16 connections, calls/s";
    let large = "HTTP, 4 KiB / 64 KiB / 1 MiB, calls/s";
    vec![
        row("http", calls, both(one, Field::Rate, Unit::Count)),
        row(
            "http",
            "HTTP, 1 connection, p50",
            both(one, Field::P50, Unit::Time),
        ),
        row("http", more, both(many, Field::Rate, Unit::Count)),
        row(
            "http",
            "HTTP, 16 connections, p99",
            both(many, Field::P99, Unit::Time),
        ),
        row(
            "http",
            "HTTP, 16 connections, CPU a call",
            both(many, Field::Cpu, Unit::Time),
        ),
        row(
            "http",
            "HTTP, 16 connections, resident at most",
            both(many, Field::Resident, Unit::Bytes),
        ),
        row("payload", large, sizes(Transport::Http)),
    ]
}

fn other_rows() -> Vec<Row> {
    let one = |probe, unit| vec![(probe, Field::Number, unit)];
    let start = ERAS.map(|era| (Probe::Start(era), Field::Number, Unit::Time));
    let client = |field, unit| vec![(Probe::Client, field, unit)];
    vec![
        row("memory", SESSION, one(Probe::Sessions, Unit::Bytes)),
        row("memory", STREAM, one(Probe::Listens, Unit::Bytes)),
        row("memory", "stdio, start to first response", start.into()),
        row(
            "client",
            "client, one at a time, calls/s",
            client(Field::Rate, Unit::Count),
        ),
        row("client", "client, p50", client(Field::P50, Unit::Time)),
        row(
            "client",
            "client, CPU a call",
            client(Field::Cpu, Unit::Time),
        ),
        row(
            "client",
            "client, instructions a call",
            one(Probe::ClientInstructions, Unit::Count),
        ),
        row(
            "client",
            "client, allocations a call",
            one(Probe::ClientAllocations, Unit::Few),
        ),
        row(
            "footprint",
            "hello server, stripped",
            one(Probe::HelloBytes, Unit::Bytes),
        ),
        row(
            "footprint",
            "hello server, resident",
            one(Probe::HelloMemory, Unit::Bytes),
        ),
        row(
            "footprint",
            "hello server, crates",
            one(Probe::HelloCrates, Unit::Few),
        ),
        row(
            "footprint",
            "hello server, cold release build, CPU",
            one(Probe::HelloBuild, Unit::Seconds),
        ),
    ]
}

const SESSION: &str = "memory for an idle legacy session";
const STREAM: &str = "memory for a listen stream, its connection included";

/// The rows of the short table.
pub(crate) const HEADLINES: [&str; 14] = [
    "stdio, instructions a call",
    "stdio, system calls a call",
    "stdio, one at a time, calls/s",
    "stdio, one at a time, p50",
    "stdio, 64 in flight, calls/s",
    "stdio, 64 in flight, resident at most",
    "stdio, 4 KiB / 64 KiB / 1 MiB, calls/s",
    "HTTP, instructions a call",
    "HTTP, 1 connection, calls/s",
    "HTTP, 16 connections, calls/s",
    "HTTP, 4 KiB / 64 KiB / 1 MiB, calls/s",
    SESSION,
    STREAM,
    "client, one at a time, calls/s",
];

/// The table, with the servers as columns.
pub(crate) fn markdown(rows: &[Row], entries: &[Entry], results: &Results) -> String {
    let mut lines = Vec::new();
    let titles: Vec<_> = entries.iter().map(|entry| entry.title).collect();
    lines.push(format!(
        "| 64-byte `echo`, legacy / modern | {} |",
        titles.join(" | ")
    ));
    lines.push(format!("|---|{}", "---|".repeat(entries.len())));
    for row in rows {
        let cells: Vec<_> = entries
            .iter()
            .map(|entry| cell(row, entry, results))
            .collect();
        if cells.iter().any(|cell| cell != "–") {
            lines.push(format!("| {} | {} |", row.title, cells.join(" | ")));
        }
    }
    lines.join("\n") + "\n"
}

/// What the empty cells mean, one line for each reason.
pub(crate) fn lacks(rows: &[Row], entries: &[Entry]) -> String {
    let mut found: Vec<(&str, Vec<&str>, Vec<&str>)> = Vec::new();
    for row in rows {
        for entry in entries {
            for why in row.cells.iter().filter_map(|(probe, ..)| probe.lack(entry)) {
                let at = found.iter().position(|(known, ..)| *known == why);
                let at = at.unwrap_or_else(|| {
                    found.push((why, Vec::new(), Vec::new()));
                    found.len() - 1
                });
                let (_, names, titles) = &mut found[at];
                for (list, name) in [(names, entry.name), (titles, row.title)] {
                    if !list.contains(&name) {
                        list.push(name);
                    }
                }
            }
        }
    }
    let line = |(why, names, titles): &(&str, Vec<&str>, Vec<&str>)| {
        let what = match titles.len() {
            ..4 => format!(" ({})", titles.join("; ")),
            _ => String::new(),
        };
        format!("- {}: {why}{what}", names.join(", "))
    };
    let lines: Vec<_> = found.iter().map(line).collect();
    format!("Why a cell is empty (–):\n\n{}\n", lines.join("\n"))
}

fn cell(row: &Row, entry: &Entry, results: &Results) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (probe, field, unit) in &row.cells {
        let failed = matches!(
            results.outcome(entry.name, *probe),
            Some(Outcome::Failed(_))
        );
        let number = results.number(entry.name, *probe, *field);
        parts.push(match number {
            Some(number) => written(number, *unit),
            None if failed => "failed".to_owned(),
            None => "–".to_owned(),
        });
    }
    if parts.iter().all(|part| part == "–") {
        return "–".to_owned();
    }
    parts.join(" / ")
}

/// A number with two or three digits, and its unit.
pub(crate) fn written(number: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => scaled(number, &[(1e6, " M"), (1e3, " k"), (1.0, "")]),
        Unit::Few => digits(number),
        Unit::Time => scaled(
            number,
            &[(1.0, " s"), (1e-3, " ms"), (1e-6, " µs"), (1e-9, " ns")],
        ),
        Unit::Bytes => scaled(number, &[(1e6, " MB"), (1e3, " KB"), (1.0, " B")]),
        Unit::Seconds => digits(number) + " s",
    }
}

fn scaled(number: f64, scales: &[(f64, &str)]) -> String {
    let fits = scales.iter().find(|(scale, _)| number >= *scale);
    let (scale, name) = fits.or(scales.last()).copied().unwrap_or((1.0, ""));
    digits(number / scale) + name
}

fn digits(number: f64) -> String {
    let places = match number {
        _ if number >= 99.95 => 0,
        _ if number >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{number:.places$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, unit, text) in [
            (141_234.0, Unit::Count, "141 k"),
            (2_040_000.0, Unit::Count, "2.04 M"),
            (387.4, Unit::Count, "387"),
            (2.0, Unit::Few, "2"),
            (2.25, Unit::Few, "2.25"),
            (0.000_071, Unit::Time, "71 µs"),
            (0.000_005_14, Unit::Time, "5.14 µs"),
            (54_321.0, Unit::Bytes, "54.3 KB"),
            (0.0, Unit::Bytes, "0 B"),
        ] {
            assert_eq!(written(number, unit), text);
        }
    }
}
