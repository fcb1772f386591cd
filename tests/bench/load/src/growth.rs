//! How rate and memory grow with what there is more of; a picture each, and what bends its lines.

use std::time::{Duration, Instant};

use crate::drive::Until;
use crate::measure::{self, Setup};
use crate::plot::{Line, Panel, Picture};
use crate::roster::{self, Entry, folder};
use crate::table::{connected, large, pipelined};
use crate::wire::{Era, Transport};

/// One thing of which there is more and more.
struct Curve {
    file: &'static str,
    title: &'static str,
    axis: &'static str,
    points: &'static [usize],
    /// Whether each of them is opened before anything is measured.
    opens: bool,
    offered: fn(&Entry) -> bool,
    measure: fn(&Entry, usize, Until) -> Result<Point, String>,
    /// What bends the lines, by design.
    bends: &'static str,
}

/// What was seen at one point.
struct Point {
    rate: f64,
    resident: f64,
}

/// As much text as a message of 4 MiB, the most that the crates' defaults take, has room for.
const LARGEST: usize = 4 * 1_048_576 - 1024;

const CURVES: [Curve; 5] = [
    Curve {
        file: "connections",
        title: "HTTP keep-alive, one call at a time on each connection (2026-07-28, 64 bytes)",
        axis: "connections",
        points: &[1, 4, 16, 64, 256, 1000],
        opens: true,
        offered: |entry| entry.takes(Transport::Http, Era::Modern),
        measure: |entry, count, until| timed(entry, connected(count, Era::Modern), until),
        bends: "\
The rate grows until every core is busy, the load generator's one thread among them, which is so \
from about 16 connections on; from there on it is level, and a further connection only waits. Where \
a line falls again, it is what each wake-up costs: with more connections fewer requests are ready \
each time that a thread or task looks. rmcp's default begins low because of the 40 ms [above](#oddities), \
and gains with each connection that waits beside the others. Memory is level while the program \
itself is most of it, and then goes up with the connections: buffers, and a task or its like for each.",
    },
    Curve {
        file: "message-size",
        title: "stdio, one call at a time, texts of different size (2025-11-25)",
        axis: "bytes of text, there and back",
        points: &[64, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, LARGEST],
        opens: false,
        offered: |entry| entry.takes(Transport::Stdio, Era::Legacy),
        measure: |entry, bytes, until| timed(entry, large(Transport::Stdio, bytes), until),
        bends: "\
As long as a message is short, a call costs what its envelope and two context switches cost: the \
lines are level. They bend where the bytes begin to cost more than that, between 4 and 64 KiB. A \
pipe holds 64 KiB: beyond, one message takes several reads and writes, and both sides wait for each \
other, so bytes per second are level and calls per second fall with the size. Memory follows the \
largest message: the input, the handler's own copy, the output.",
    },
    Curve {
        file: "in-flight",
        title: "stdio, calls open at the same time (2025-11-25, 64 bytes)",
        axis: "calls in flight",
        points: &[1, 4, 16, 64, 256, 1000],
        opens: false,
        offered: |entry| entry.takes(Transport::Stdio, Era::Legacy),
        measure: |entry, window, until| {
            let setup = Setup {
                window,
                ..pipelined(Era::Legacy)
            };
            timed(entry, setup, until)
        },
        bends: "\
With one, the rate is that of two context switches. With more, one read brings many calls and one \
write takes many answers, until only instructions are left: from some 64 on the lines are level, \
each at what its instructions allow. Our servers begin no more than `Limits::calls_in_flight` calls \
at once and let no more than `Limits::calls_parked` wait, 64 each by default: memory stays level. \
The rest is left unread as long as these end quickly. Memory rises where a server takes in whatever \
comes.",
    },
    Curve {
        file: "listeners",
        title: "HTTP, calls on one connection beside open listen streams (2026-07-28)",
        axis: "listen streams, each on a connection of its own",
        points: &[1, 10, 100, 1000, 10_000],
        opens: true,
        offered: |entry| entry.listens && entry.takes(Transport::Http, Era::Modern),
        measure: |entry, count, until| {
            seen(measure::beside_listeners(&entry.own(0), count, until)?)
        },
        bends: "\
A call looks at no stream: the rate is level. Memory is level while the program itself is most of \
it; from about 1,000 streams on it goes up with them, by what the table has as memory for each.",
    },
    Curve {
        file: "sessions",
        title: "HTTP, calls on one connection beside idle sessions (2025-11-25)",
        axis: "sessions",
        points: &[1, 10, 100, 1000, 10_000],
        opens: true,
        offered: |entry| entry.sessions && entry.takes(Transport::Http, Era::Legacy),
        measure: |entry, count, until| seen(measure::beside_sessions(&entry.own(0), count, until)?),
        bends: "\
A call finds its session in a tree and looks at no other: the rate is level. Memory goes up with the \
sessions as soon as they are more than the program itself, by what the table has as memory for each.",
    },
];

fn timed(entry: &Entry, setup: Setup, until: Until) -> Result<Point, String> {
    seen(measure::timed(entry, setup, until)?)
}

fn seen(report: crate::drive::Report) -> Result<Point, String> {
    match &report.complaint {
        Some(why) => Err(format!("{} wrong responses: {why}", report.wrong)),
        None if report.rate() == 0.0 => Err("no call ended in time".to_owned()),
        None => Ok(Point {
            rate: report.rate(),
            resident: report.memory_after.resident as f64 * 1024.0,
        }),
    }
}

/// Points that would take longer than this are left out.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the points of one line have taken so far.
#[derive(Default)]
struct Pace {
    /// The first one: what every point takes.
    first: Duration,
    last: Option<(usize, Duration)>,
}

impl Pace {
    fn add(&mut self, at: usize, spent: Duration) {
        if self.last.is_none() {
            self.first = spent;
        }
        self.last = Some((at, spent.saturating_sub(self.first)));
    }

    /// Whether a point is expected to take too long, where what is opened takes its time.
    fn forbids(&self, next: usize) -> bool {
        let Some((last, spent)) = self.last else {
            return false;
        };
        spent.mul_f64(next as f64 / last as f64) > PATIENCE
    }
}

/// Draws all curves, with so many seconds for each point; gives what to say of them, as Markdown.
pub(crate) fn run(entries: &[Entry], seconds: f64) -> Result<String, String> {
    let docs = folder().join("docs");
    std::fs::create_dir_all(&docs).map_err(|error| error.to_string())?;
    let mut section = String::new();
    for curve in CURVES {
        let started = Instant::now();
        let mut rates = Panel::new("calls/s");
        let mut memory = Panel::new("resident memory, bytes");
        let mut found = Found::new(&curve);
        for entry in entries.iter().filter(|entry| (curve.offered)(entry)) {
            let points = found.line(&curve, entry, seconds);
            let of = |value: fn(&Point) -> f64| {
                let pair = |(across, point): &(usize, Point)| (*across as f64, value(point));
                let points = points.iter().map(pair).collect();
                Line::new(entry.label(), place(entry), points)
            };
            rates.lines.push(of(|point| point.rate));
            memory.lines.push(of(|point| point.resident));
        }
        let picture = Picture {
            title: curve.title,
            axis: curve.axis,
            panels: [rates, memory],
        };
        let write = |end: &str, text: &str| {
            let file = docs.join(curve.file).with_extension(end);
            std::fs::write(file, text).map_err(|error| error.to_string())
        };
        write("svg", &picture.svg())?;
        write("tsv", &found.rows)?;
        section += &found.section(&curve);
        eprintln!("drawn in {} s: {}", started.elapsed().as_secs(), curve.file);
    }
    Ok(section)
}

/// Where a server stands among all: that chooses its colour.
fn place(entry: &Entry) -> usize {
    let all = roster::all();
    let place = all.iter().position(|other| other.name == entry.name);
    place.unwrap_or_default()
}

/// The numbers of one curve, and which lines end early.
struct Found {
    rows: String,
    ends: Vec<String>,
}

impl Found {
    fn new(curve: &Curve) -> Self {
        Self {
            rows: format!("server\t{}\tcalls/s\tresident bytes\n", curve.axis),
            ends: Vec::new(),
        }
    }

    /// The points of one server, as far as it goes.
    fn line(&mut self, curve: &Curve, entry: &Entry, seconds: f64) -> Vec<(usize, Point)> {
        let until = Until::Time {
            warm_up: Duration::from_secs_f64(seconds / 4.0),
            measured: Duration::from_secs_f64(seconds),
        };
        let mut points = Vec::new();
        let mut pace = Pace::default();
        for (index, &at) in curve.points.iter().enumerate() {
            // An interpreter takes seconds to start: every other point shows where it stands.
            if !entry.native && index % 2 == 1 && at != curve.points[curve.points.len() - 1] {
                continue;
            }
            if curve.opens && pace.forbids(at) {
                self.end(entry, at, "left out, for it would take too long");
                break;
            }
            let started = Instant::now();
            match (curve.measure)(entry, at, until) {
                Ok(point) => {
                    let (rate, resident) = (point.rate, point.resident);
                    self.rows += &format!("{}\t{at}\t{rate:.0}\t{resident:.0}\n", entry.name);
                    points.push((at, point));
                }
                Err(why) => {
                    let why = why.split(['\r', '\n']).next().unwrap_or_default();
                    self.end(entry, at, &format!("failed: {why}"));
                    break;
                }
            }
            pace.add(at, started.elapsed());
        }
        points
    }

    fn end(&mut self, entry: &Entry, at: usize, why: &str) {
        self.rows += &format!("{}\t{at}\t{why}\n", entry.name);
        self.ends.push(format!("- {} at {at}: {why}", entry.name));
    }

    fn section(&self, curve: &Curve) -> String {
        let Curve {
            file, title, bends, ..
        } = curve;
        let ends = match &self.ends[..] {
            [] => String::new(),
            ends => format!("\nLines that end early:\n\n{}\n", ends.join("\n")),
        };
        format!(
            "### {}\n\n![{title}](docs/{file}.svg)\n\n{}\n{ends}\nThe numbers: [{file}.tsv](docs/{file}.tsv).\n\n",
            heading(file),
            wrapped(bends)
        )
    }
}

fn heading(file: &str) -> String {
    let words = file.replace('-', " ");
    let (first, rest) = words.split_at(1);
    first.to_uppercase() + rest
}

/// In lines of no more than 120 bytes.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, String::len);
        if last > 0 && last + 1 + word.len() > 120 {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_take_too_long_is_foreseen() {
        let mut pace = Pace::default();
        assert!(!pace.forbids(1));
        pace.add(1, Duration::from_secs(5));
        assert!(!pace.forbids(100), "every point takes that");
        pace.add(100, Duration::from_secs(6));
        assert!(!pace.forbids(1000));
        pace.add(100, Duration::from_secs(9));
        assert!(pace.forbids(1000));
    }

    #[test]
    fn a_section_shows_its_picture_and_says_what_ends_early() {
        let [curve, ..] = CURVES;
        let mut found = Found::new(&curve);
        let entry = &roster::all()[0];
        found.end(entry, 64, "failed: no answer");
        let section = found.section(&curve);
        assert!(section.contains("](docs/connections.svg)"), "{section}");
        assert!(section.contains("- null at 64: failed: no answer"));
        assert!(section.lines().all(|line| line.len() <= 120));
        assert!(found.rows.ends_with("null\t64\tfailed: no answer\n"));
    }
}
