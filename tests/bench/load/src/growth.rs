//! How rate and memory grow with what there is more of; a picture each.

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
    offered: fn(&Entry) -> bool,
    measure: fn(&Entry, usize) -> Result<Point, String>,
}

/// What was seen at one point.
struct Point {
    rate: f64,
    resident: f64,
}

const CURVES: [Curve; 5] = [
    Curve {
        file: "connections",
        title: "HTTP keep-alive, one call at a time on each connection (2026-07-28, 64 bytes)",
        axis: "connections",
        points: &[1, 4, 16, 64, 256, 1000],
        offered: |entry| entry.takes(Transport::Http, Era::Modern),
        measure: |entry, count| timed(entry, connected(count, Era::Modern)),
    },
    Curve {
        file: "message-size",
        title: "stdio, one call at a time (2025-11-25)",
        axis: "bytes of text, there and back",
        points: &[
            64, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_000_000,
        ],
        offered: |entry| entry.takes(Transport::Stdio, Era::Legacy),
        measure: |entry, bytes| timed(entry, large(Transport::Stdio, bytes)),
    },
    Curve {
        file: "in-flight",
        title: "stdio, calls open at the same time (2025-11-25, 64 bytes)",
        axis: "calls in flight",
        points: &[1, 4, 16, 64, 256, 1000],
        offered: |entry| entry.takes(Transport::Stdio, Era::Legacy),
        measure: |entry, window| {
            let setup = Setup {
                window,
                ..pipelined(Era::Legacy)
            };
            timed(entry, setup)
        },
    },
    Curve {
        file: "listeners",
        title: "HTTP, calls on one connection beside open listen streams (2026-07-28)",
        axis: "listen streams, each on its connection",
        points: &[1, 10, 100, 1000, 9000],
        offered: |entry| entry.listens && entry.takes(Transport::Http, Era::Modern),
        measure: |entry, count| beside(measure::beside_listeners(&entry.roomy(), count, brief())?),
    },
    Curve {
        file: "sessions",
        title: "HTTP, calls on one connection beside idle sessions (2025-11-25)",
        axis: "sessions",
        points: &[1, 10, 100, 1000, 10_000],
        offered: |entry| entry.sessions && entry.takes(Transport::Http, Era::Legacy),
        measure: |entry, count| beside(measure::beside_sessions(&entry.roomy(), count, brief())?),
    },
];

fn brief() -> Until {
    Until::Time {
        warm_up: Duration::from_millis(100),
        measured: Duration::from_millis(400),
    }
}

fn timed(entry: &Entry, setup: Setup) -> Result<Point, String> {
    beside(measure::timed(entry, setup, brief())?)
}

fn beside(report: crate::drive::Report) -> Result<Point, String> {
    match &report.complaint {
        Some(why) => Err(format!("{} wrong responses: {why}", report.wrong)),
        None => Ok(Point {
            rate: report.rate(),
            resident: report.memory_after.resident as f64 * 1024.0,
        }),
    }
}

/// Points that would take longer than this are left out.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a point is expected to take, given the one before it: most grow no faster than their number.
fn takes_too_long(spent: Duration, before: usize, next: usize) -> bool {
    spent.mul_f64(next as f64 / before as f64) > PATIENCE
}

/// Draws all curves for the servers in machine code.
pub(crate) fn run(entries: &[Entry]) -> Result<(), String> {
    let docs = folder().join("docs");
    std::fs::create_dir_all(&docs).map_err(|error| error.to_string())?;
    let all = roster::all();
    for curve in CURVES {
        let mut rates = Panel::new("calls/s");
        let mut memory = Panel::new("resident bytes");
        let mut rows = format!("server\t{}\tcalls/s\tresident bytes\n", curve.axis);
        let offered = |entry: &&Entry| entry.native && (curve.offered)(entry);
        for entry in entries.iter().filter(offered) {
            let place = all.iter().position(|other| other.name == entry.name);
            let place = place.unwrap_or_default();
            let points = line(&curve, entry, &mut rows);
            let of = |value: fn(&Point) -> f64| {
                let pair = |(across, point): &(usize, Point)| (*across as f64, value(point));
                points.iter().map(pair).collect()
            };
            rates
                .lines
                .push(Line::new(entry.name, place, of(|point| point.rate)));
            memory
                .lines
                .push(Line::new(entry.name, place, of(|point| point.resident)));
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
        write("tsv", &rows)?;
        eprintln!("drawn: {}", curve.file);
    }
    Ok(())
}

/// The points of one server, as far as it goes; each, and why it ends, is added to the rows.
fn line(curve: &Curve, entry: &Entry, rows: &mut String) -> Vec<(usize, Point)> {
    let mut points = Vec::new();
    let mut before: Option<(usize, Duration)> = None;
    for &at in curve.points {
        if before.is_some_and(|(last, spent)| takes_too_long(spent, last, at)) {
            *rows += &format!("{}\t{at}\tleft out: it would take too long\n", entry.name);
            break;
        }
        let started = Instant::now();
        match (curve.measure)(entry, at) {
            Ok(point) => {
                let (rate, resident) = (point.rate, point.resident);
                *rows += &format!("{}\t{at}\t{rate:.0}\t{resident:.0}\n", entry.name);
                points.push((at, point));
            }
            Err(why) => {
                let why = why.split(['\r', '\n']).next().unwrap_or_default();
                *rows += &format!("{}\t{at}\tfailed: {why}\n", entry.name);
                break;
            }
        }
        before = Some((
            at,
            started.elapsed().saturating_sub(Duration::from_millis(600)),
        ));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_take_too_long_is_foreseen() {
        assert!(!takes_too_long(Duration::from_secs(1), 100, 1000));
        assert!(takes_too_long(Duration::from_secs(4), 100, 1000));
    }
}
