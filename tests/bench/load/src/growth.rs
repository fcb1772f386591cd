//! How rate and memory grow with what there is more of; a picture each.

use std::time::Duration;

use crate::drive::Until;
use crate::measure::{self, Setup};
use crate::plot::{Line, Panel, Picture};
use crate::roster::{Entry, folder};
use crate::table::{connected, large, pipelined};
use crate::wire::{Era, Transport};

/// One thing of which there is more and more.
struct Curve {
    file: &'static str,
    title: &'static str,
    axis: &'static str,
    points: &'static [usize],
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
        measure: |entry, count| timed(entry, connected(count, Era::Modern)),
    },
    Curve {
        file: "message-size",
        title: "stdio, one call at a time (2025-11-25)",
        axis: "bytes of text, there and back",
        points: &[
            64, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_000_000,
        ],
        measure: |entry, bytes| timed(entry, large(Transport::Stdio, bytes)),
    },
    Curve {
        file: "in-flight",
        title: "stdio, calls open at the same time (2025-11-25, 64 bytes)",
        axis: "calls in flight",
        points: &[1, 4, 16, 64, 256, 1000],
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
        measure: |entry, count| beside(measure::beside_listeners(&entry.roomy(), count, brief())?),
    },
    Curve {
        file: "sessions",
        title: "HTTP, calls on one connection beside idle sessions (2025-11-25)",
        axis: "sessions",
        points: &[1, 10, 100, 1000, 10_000],
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

/// Draws all curves for the servers in machine code.
pub(crate) fn run(entries: &[Entry]) -> Result<(), String> {
    let docs = folder().join("docs");
    std::fs::create_dir_all(&docs).map_err(|error| error.to_string())?;
    for curve in CURVES {
        let mut rates = Panel::new("calls/s");
        let mut memory = Panel::new("resident bytes");
        let mut rows = vec![format!("server\t{}\tcalls/s\tresident bytes", curve.axis)];
        for entry in entries.iter().filter(|entry| entry.native) {
            let (mut rate, mut resident) = (Vec::new(), Vec::new());
            for point in curve.points {
                match (curve.measure)(entry, *point) {
                    Ok(found) => {
                        rate.push((*point as f64, found.rate));
                        resident.push((*point as f64, found.resident));
                        let (rate, bytes) = (found.rate, found.resident);
                        rows.push(format!("{}\t{point}\t{rate:.0}\t{bytes:.0}", entry.name));
                    }
                    Err(why) => {
                        rows.push(format!("{}\t{point}\tfailed: {why}", entry.name));
                        break;
                    }
                }
            }
            rates.lines.push(Line::new(entry.name, rate));
            memory.lines.push(Line::new(entry.name, resident));
        }
        let picture = Picture {
            title: curve.title,
            axis: curve.axis,
            panels: [rates, memory],
        };
        let write = |name: String, text: &str| {
            std::fs::write(docs.join(name), text).map_err(|error| error.to_string())
        };
        write(format!("{}.svg", curve.file), &picture.svg())?;
        write(format!("{}.tsv", curve.file), &(rows.join("\n") + "\n"))?;
        eprintln!("drawn: {}", curve.file);
    }
    Ok(())
}
