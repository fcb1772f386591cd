//! One measurement of one server, from the command line.

use std::time::Duration;

use crate::drive::{Report, Until};
use crate::measure::{self, Counts, Setup};
use crate::options::Options;
use crate::roster::{self, Entry};
use crate::wire::{Call, Era, Transport};

const KNOWN: [&str; 8] = [
    "transport",
    "era",
    "call",
    "connections",
    "window",
    "seconds",
    "calls",
    "count",
];

/// Runs a command such as `run` or `instructions`.
pub(crate) fn run(command: &str, arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let options = Options::read(arguments, &KNOWN)?;
    let [name] = &options.words[..] else {
        return Err(format!("{command} needs the name of a server"));
    };
    let all = roster::all();
    let entry = all.iter().find(|entry| entry.name == name);
    let entry = entry.ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|entry| entry.name).collect();
        format!("there is no {name:?}; there are: {}", names.join(", "))
    })?;
    let setup = setup(&options)?;
    let count = options.value("count", 500)?;
    let calls = options.value("calls", 500)?;
    let counts = Counts {
        few: 100,
        many: 100 + calls,
    };
    match command {
        "run" => timed(entry, setup, &options)?,
        "instructions" => {
            let number = measure::instructions(entry, setup, counts)?;
            println!("{number:.0} instructions a call");
        }
        "system-calls" => {
            let number = measure::system_calls(entry, setup, counts)?;
            println!("{number:.2} system calls a call");
        }
        "allocations" => {
            let number = measure::allocations(entry, setup, counts)?;
            println!("{number:.2} allocations a call");
        }
        "start" => {
            let found = measure::first_response(entry, setup.era, 11)?;
            println!("{found:.2?} to the first response");
        }
        "sessions" => {
            let number = measure::session_bytes(&entry.own(0), count)?;
            println!("{number:.0} bytes a session");
        }
        "listens" => {
            let number = measure::listen_bytes(&entry.own(0), count)?;
            println!("{number:.0} bytes a stream");
        }
        "client" => {
            let report = measure::client(entry, options.value("calls", 20_000)?)?;
            println!("{report:.2?}");
            let instructions = measure::client_instructions(entry, counts)?;
            let allocations = measure::client_allocations(entry, counts)?;
            println!("{instructions:.0} instructions, {allocations:.2} allocations a call");
        }
        _ => {
            return Err(format!(
                "there is no command {command:?}; see mcp-bench help"
            ));
        }
    }
    Ok(())
}

fn setup(options: &Options) -> Result<Setup, String> {
    let transport = match options.text("transport").unwrap_or("stdio") {
        "stdio" => Transport::Stdio,
        "http" => Transport::Http,
        other => return Err(format!("there is no transport {other:?}")),
    };
    let era = match options.text("era").unwrap_or("legacy") {
        "legacy" => Era::Legacy,
        "modern" => Era::Modern,
        other => return Err(format!("there is no era {other:?}")),
    };
    let call = match options.text("call").unwrap_or("64") {
        "add" => Call::Add,
        "quick" => Call::Quick(64),
        bytes => {
            let bytes = bytes.parse();
            Call::Echo(bytes.map_err(|_| "--call is add, quick or a number of bytes")?)
        }
    };
    Ok(Setup {
        transport,
        era,
        call,
        connections: options.value("connections", 1)?,
        window: options.value("window", 1)?,
    })
}

fn timed(entry: &Entry, setup: Setup, options: &Options) -> Result<(), String> {
    let measured = Duration::from_secs_f64(options.value("seconds", 2.0)?);
    let until = if options.text("calls").is_some() {
        Until::Calls(options.value("calls", 0)?)
    } else {
        Until::Time {
            warm_up: measured.mul_f64(0.2),
            measured,
        }
    };
    print(&measure::timed(entry, setup, until)?);
    Ok(())
}

fn print(report: &Report) {
    println!(
        "{:.0} calls/s, p50 {:.1?}, p99 {:.1?}, CPU {:.2?} a call",
        report.rate(),
        report.latency.quantile(0.5),
        report.latency.quantile(0.99),
        report.cpu_per_call()
    );
    println!(
        "memory: {} KiB before, {} KiB after, {} KiB at most",
        report.memory_before.resident, report.memory_after.resident, report.memory_after.peak
    );
    if let Some(complaint) = &report.complaint {
        println!("{} wrong responses, the first: {complaint}", report.wrong);
    }
}
