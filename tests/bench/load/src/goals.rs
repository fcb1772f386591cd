//! What was set as a goal, and whether one run has met it.

use crate::probe::{Field, Probe, Results, small};
use crate::table::{CATALOGUES, Unit, connected, large, pipelined, quick, written};
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
    goals.extend(catalogue());
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
    let probe = Probe::SystemCalls(quick(Era::Legacy));
    let value = Value::Plain(("blocking", probe, Field::Number), Unit::Few);
    let what = "stdio, bind-blocking: system calls a call of a quick tool";
    goals.push(goal(what, value, Bound::AtMost(2.05)));
    goals
}

fn catalogue() -> Vec<Goal> {
    let number = |server, probe| (server, probe, Field::Number);
    let [few, ..] = CATALOGUES;
    let mut goals = Vec::new();
    for (server, title) in BINDINGS {
        for many in &CATALOGUES[1..] {
            let of = |tools| number(server, Probe::Beside(tools));
            let what = format!("{title}: instructions a call beside {many} tools, against {few}");
            goals.push(goal(
                what,
                Value::Ratio(of(*many), of(few)),
                Bound::AtMost(1.1),
            ));
        }
        let value = Value::Plain(number(server, Probe::List(1_000)), Unit::Few);
        let what =
            format!("{title}: list of 1,000 tools from what is encoded: instructions a byte");
        // One for each byte that is copied; written anew it takes several for each.
        goals.push(goal(what, value, Bound::AtMost(2.0)));
    }
    goals
}

fn stdio() -> Vec<Goal> {
    let mut goals = Vec::new();
    for (era, era_name) in ERAS {
        let alone = Probe::Timed(small(Transport::Stdio, era));
        for (server, title) in BINDINGS {
            for (field, name) in [(Field::P50, "p50"), (Field::P99, "p99")] {
                let value = Value::Ratio((server, alone, field), ("rmcp-tuned", alone, field));
                let what = format!("stdio, {title}: {name}, {era_name}, against rmcp, tuned");
                goals.push(goal(what, value, Bound::AtMost(1.0)));
            }
        }
        let quick = Probe::Timed(quick(era));
        for (probe, what, most) in [(alone, "", 2.5), (quick, " of a quick tool", 1.5)] {
            let below = ("null", alone, Field::P50);
            let value = Value::Ratio(("blocking", probe, Field::P50), below);
            let what =
                format!("stdio, bind-blocking: p50{what}, {era_name}, against the null server");
            goals.push(goal(what, value, Bound::AtMost(most)));
        }
    }
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
    for (server, title) in BINDINGS {
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
            format!("HTTP, {title}: memory for each of 10,000 idle legacy sessions"),
            plain(server, Probe::Sessions, Unit::Bytes),
            Bound::AtMost(4096.0),
        ));
        goals.push(goal(
            format!("HTTP, {title}: memory for each of 10,000 listen streams"),
            plain(server, Probe::Listens, Unit::Bytes),
            Bound::AtMost(18e3),
        ));
    }
    goals
}

/// The goals of which there are numbers, as Markdown.
pub(crate) fn markdown(results: &Results) -> String {
    let mut text = String::from("| goal | bound | measured | |\n|---|---|---|---|\n");
    for Goal { what, value, bound } in all() {
        let Some((found, unit)) = value.found(results) else {
            continue;
        };
        let times = if matches!(value, Value::Ratio(..)) {
            " ×"
        } else {
            ""
        };
        let write = |number| written(number, unit) + times;
        let (words, limit) = match bound {
            Bound::AtMost(limit) => ("at most", limit),
            Bound::AtLeast(limit) => ("at least", limit),
        };
        let met = match value
            .of_the_limit()
            .and_then(|of_limit| of_limit.found(results))
        {
            _ if bound.admits(found) => "met".to_owned(),
            // What does nothing at all does not reach it on this machine either.
            Some((best, _)) if !bound.admits(best) => {
                format!("**missed**; the limit itself: {}", write(best))
            }
            _ => "**missed**".to_owned(),
        };
        let (limit, found) = (write(limit), write(found));
        text += &format!("| {what} | {words} {limit} | {found} | {met} |\n");
    }
    text
}

impl Bound {
    fn admits(self, number: f64) -> bool {
        match self {
            Self::AtMost(limit) => number <= limit,
            Self::AtLeast(limit) => number >= limit,
        }
    }
}

impl Value {
    fn found(self, results: &Results) -> Option<(f64, Unit)> {
        let number = |(server, probe, field): Source| results.number(server, probe, field);
        Some(match self {
            Self::Plain(source, unit) => (number(source)?, unit),
            Self::Ratio(above, below) => {
                let ratio = number(above)? / number(below)?.max(1e-12);
                (ratio, Unit::Few)
            }
            Self::Difference(one, other, unit) => ((number(one)? - number(other)?).max(0.0), unit),
        })
    }

    /// The same of the server that does the least, in comparison with somebody else's.
    fn of_the_limit(self) -> Option<Self> {
        match self {
            Self::Ratio((_, probe, field), below) if below.0.starts_with("rmcp") => {
                Some(Self::Ratio(("null", probe, field), below))
            }
            _ => None,
        }
    }
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

    #[test]
    fn where_the_limit_misses_a_goal_as_well_that_is_said() {
        let probe = Probe::Instructions(small(Transport::Http, Era::Legacy));
        let mut results = Results::default();
        for (server, number) in [("blocking", 90.0), ("rmcp-tuned", 100.0), ("null", 70.0)] {
            results.put(server, probe, Outcome::Number(number));
        }
        let of = |server| (server, probe, Field::Number);
        let value = Value::Ratio(of("blocking"), of("rmcp-tuned"));
        let limit = value.of_the_limit().and_then(|limit| limit.found(&results));
        assert_eq!(limit.map(|(found, _)| found), Some(0.7));
        let value = Value::Ratio(of("blocking"), of("null"));
        assert!(value.of_the_limit().is_none(), "it is the limit");
    }
}
