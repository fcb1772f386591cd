//! What was set as a goal, and whether one run has met it.

use crate::probe::{Field, Probe, Results, small};
use crate::table::{Unit, connected, large, pipelined, written};
use crate::wire::{Era, Transport};

/// A bound on a number.
#[derive(Clone, Copy, Debug)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// Where a goal's number comes from.
#[derive(Clone, Copy, Debug)]
enum Value {
    /// As it was measured.
    Plain(Source, Unit),
    /// One divided by another.
    Ratio(Source, Source),
    /// One less another.
    Difference(Source, Source, Unit),
}

type Source = (&'static str, Probe, Field);

/// One goal.
#[derive(Debug)]
struct Goal {
    what: String,
    value: Value,
    bound: Bound,
}

fn goal(what: impl Into<String>, value: Value, bound: Bound) -> Goal {
    Goal {
        what: what.into(),
        value,
        bound,
    }
}

const BINDINGS: [(&str, &str); 3] = [
    ("blocking", "bind-blocking"),
    ("tokio", "bind-tokio"),
    ("smol", "bind-async-std (smol)"),
];

const ERAS: [(Era, &str); 2] = [(Era::Legacy, "legacy"), (Era::Modern, "modern")];

fn instructions(server: &'static str, transport: Transport, era: Era) -> Source {
    let probe = Probe::Instructions(small(transport, era));
    (server, probe, Field::Number)
}

fn all() -> Vec<Goal> {
    let mut goals = counts();
    goals.extend(stdio());
    goals.extend(http());
    goals.extend(payloads());
    goals.extend(client());
    goals.extend(footprint());
    goals
}

fn counts() -> Vec<Goal> {
    let mut goals = Vec::new();
    for (server, title) in BINDINGS {
        let few = server == "blocking";
        for (era, name) in ERAS {
            let most = match (few, era) {
                (true, Era::Legacy) => 8e3,
                (true, Era::Modern) => 12e3,
                (false, Era::Legacy) => 16e3,
                (false, Era::Modern) => 20e3,
            };
            let what = format!("stdio, {title}: instructions a call, {name}");
            let value = Value::Plain(instructions(server, Transport::Stdio, era), Unit::Count);
            goals.push(goal(what, value, Bound::AtMost(most)));
        }
    }
    for (server, title, most) in [
        ("blocking", "bind-blocking", 4.0),
        ("tokio", "bind-tokio", 3.0),
    ] {
        let probe = Probe::SystemCalls(small(Transport::Stdio, Era::Legacy));
        let value = Value::Plain((server, probe, Field::Number), Unit::Few);
        let what = format!("stdio, {title}: system calls a call");
        goals.push(goal(what, value, Bound::AtMost(most + 0.05)));
    }
    goals
}

fn stdio() -> Vec<Goal> {
    let mut goals = Vec::new();
    let alone = Probe::Timed(small(Transport::Stdio, Era::Legacy));
    for (server, title) in BINDINGS {
        for (field, name) in [(Field::P50, "p50"), (Field::P99, "p99")] {
            let value = Value::Ratio((server, alone, field), ("rmcp-tuned", alone, field));
            let what = format!("stdio, {title}: {name} against rmcp, tuned");
            goals.push(goal(what, value, Bound::AtMost(1.0)));
        }
    }
    let value = Value::Ratio(("blocking", alone, Field::P50), ("null", alone, Field::P50));
    let what = "stdio, bind-blocking: p50 against the null server";
    goals.push(goal(what, value, Bound::AtMost(2.5)));
    for (era, name) in ERAS {
        let many = Probe::Timed(pipelined(era));
        let against =
            |server, other| Value::Ratio((server, many, Field::Rate), (other, many, Field::Rate));
        for (server, title, other, least) in [
            ("blocking", "bind-blocking", "rmcp-tuned", 6.0),
            ("blocking", "bind-blocking", "rmcp", 20.0),
            ("blocking", "bind-blocking", "null", 0.25),
            ("tokio", "bind-tokio", "rmcp-tuned", 3.0),
            ("tokio", "bind-tokio", "rmcp", 10.0),
        ] {
            let what = format!("stdio, {title}: 64 in flight, {name}, against {other}");
            goals.push(goal(what, against(server, other), Bound::AtLeast(least)));
        }
        let value = Value::Plain(("blocking", many, Field::Resident), Unit::Bytes);
        let what = format!("stdio, bind-blocking: 64 in flight, {name}, resident at most");
        goals.push(goal(what, value, Bound::AtMost(8.0 * 1_048_576.0)));
    }
    goals
}

fn http() -> Vec<Goal> {
    let mut goals = Vec::new();
    for (era, name) in ERAS {
        for (server, title) in BINDINGS {
            let of = |server| instructions(server, Transport::Http, era);
            let what = format!("HTTP, {title}: instructions a call, {name}, against bare hyper");
            goals.push(goal(
                what,
                Value::Ratio(of(server), of("null")),
                Bound::AtMost(3.0),
            ));
        }
        let rate = |server, connections| {
            let probe = Probe::Timed(connected(connections, era));
            (server, probe, Field::Rate)
        };
        for (server, title, other, connections, least) in [
            ("tokio", "bind-tokio", "null", 16, 0.6),
            ("tokio", "bind-tokio", "rmcp-tuned", 16, 2.5),
            ("blocking", "bind-blocking", "rmcp-tuned", 16, 2.0),
            ("tokio", "bind-tokio", "rmcp-tuned", 1, 2.0),
            ("blocking", "bind-blocking", "rmcp-tuned", 1, 2.0),
        ] {
            let what = format!("HTTP, {title}: {connections} connections, {name}, against {other}");
            let value = Value::Ratio(rate(server, connections), rate(other, connections));
            goals.push(goal(what, value, Bound::AtLeast(least)));
        }
    }
    goals
}

fn payloads() -> Vec<Goal> {
    let mut goals = Vec::new();
    for (transport, name, least) in [
        (Transport::Stdio, "stdio", 3.0),
        (Transport::Http, "HTTP", 2.0),
    ] {
        for (server, title) in BINDINGS {
            let probe = Probe::Timed(large(transport, 1_048_576));
            let rate = |server| (server, probe, Field::Rate);
            let what = format!("{name}, {title}: 1 MiB against rmcp, tuned");
            let value = Value::Ratio(rate(server), rate("rmcp-tuned"));
            goals.push(goal(what, value, Bound::AtLeast(least)));
        }
    }
    goals
}

fn client() -> Vec<Goal> {
    let mut goals = Vec::new();
    for (server, title) in [("blocking", "bind-blocking"), ("tokio", "bind-tokio")] {
        let of = |server, probe| (server, probe, Field::Number);
        let probe = Probe::ClientInstructions;
        let value = Value::Ratio(of(server, probe), of("rmcp", probe));
        let what = format!("client, {title}: instructions a call against rmcp's");
        goals.push(goal(what, value, Bound::AtMost(0.2)));
        let value = Value::Plain(of(server, Probe::ClientAllocations), Unit::Few);
        let what = format!("client, {title}: allocations a call");
        goals.push(goal(what, value, Bound::AtMost(10.0)));
    }
    goals
}

fn footprint() -> Vec<Goal> {
    let of = |server, probe| (server, probe, Field::Number);
    let plain = |server, probe, unit| Value::Plain(of(server, probe), unit);
    let start = Probe::Start(Era::Legacy);
    let mut goals = vec![
        goal(
            "hello server on bind-blocking: stripped",
            plain("blocking", Probe::HelloBytes, Unit::Bytes),
            Bound::AtMost(1e6),
        ),
        goal(
            "hello server on bind-blocking: crates",
            plain("blocking", Probe::HelloCrates, Unit::Few),
            Bound::AtMost(20.0),
        ),
        goal(
            "hello server on bind-blocking: resident",
            plain("blocking", Probe::HelloMemory, Unit::Bytes),
            Bound::AtMost(3.0 * 1_048_576.0),
        ),
        goal(
            "hello server on bind-blocking: cold release build, CPU against rmcp",
            Value::Ratio(
                of("blocking", Probe::HelloBuild),
                of("rmcp", Probe::HelloBuild),
            ),
            Bound::AtMost(0.2),
        ),
        goal(
            "stdio, bind-blocking: start to first response, less the null server's",
            Value::Difference(of("blocking", start), of("null", start), Unit::Time),
            Bound::AtMost(0.002),
        ),
    ];
    for (server, title) in BINDINGS {
        goals.push(goal(
            format!("HTTP, {title}: memory for an idle legacy session"),
            plain(server, Probe::Sessions, Unit::Bytes),
            Bound::AtMost(4096.0),
        ));
        goals.push(goal(
            format!("HTTP, {title}: memory for a listen stream"),
            plain(server, Probe::Listens, Unit::Bytes),
            Bound::AtMost(18e3),
        ));
    }
    goals
}

/// The goals of which there are numbers, as Markdown.
pub(crate) fn markdown(results: &Results) -> String {
    let mut text = String::from("| goal | bound | measured | |\n|---|---|---|---|\n");
    let number = |(server, probe, field): Source| results.number(server, probe, field);
    for Goal { what, value, bound } in all() {
        let (found, unit) = match value {
            Value::Plain(source, unit) => (number(source), unit),
            Value::Ratio(above, below) => {
                let pair = number(above).zip(number(below));
                (
                    pair.map(|(above, below)| above / below.max(1e-12)),
                    Unit::Few,
                )
            }
            Value::Difference(one, other, unit) => {
                let pair = number(one).zip(number(other));
                (pair.map(|(one, other)| (one - other).max(0.0)), unit)
            }
        };
        let Some(found) = found else { continue };
        let times = if matches!(value, Value::Ratio(..)) {
            " ×"
        } else {
            ""
        };
        let (words, limit, met) = match bound {
            Bound::AtMost(limit) => ("at most", limit, found <= limit),
            Bound::AtLeast(limit) => ("at least", limit, found >= limit),
        };
        let (limit, found) = (written(limit, unit), written(found, unit));
        let met = if met { "met" } else { "**missed**" };
        text += &format!("| {what} | {words} {limit}{times} | {found}{times} | {met} |\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Outcome;

    #[test]
    fn goals_without_numbers_are_left_out_and_others_judged() {
        let mut results = Results::default();
        assert_eq!(markdown(&results).lines().count(), 2);
        let probe = Probe::Instructions(small(Transport::Stdio, Era::Legacy));
        results.put("blocking", probe, Outcome::Number(7_900.0));
        results.put("tokio", probe, Outcome::Number(16_100.0));
        let text = markdown(&results);
        assert!(text.contains("| at most 8 k | 7.9 k | met |"), "{text}");
        assert!(
            text.contains("| at most 16 k | 16.1 k | **missed** |"),
            "{text}"
        );
    }
}
