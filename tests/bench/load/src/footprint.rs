//! How big the smallest server is: its file, its memory, its crates, and the time it takes to build.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::measure::Measured;
use crate::roster::{Entry, folder};
use crate::server::Server;
use crate::wire::{INITIALIZE, Transport};

fn hello(entry: &Entry) -> Result<PathBuf, String> {
    let hello = entry.hello.clone().ok_or("it has no small program here")?;
    if hello.exists() {
        Ok(hello)
    } else {
        Err(format!("not built: {}", hello.display()))
    }
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The size of the program without its symbols.
pub(crate) fn stripped_bytes(entry: &Entry) -> Measured {
    let stripped = folder().join("target/scratch/stripped");
    let parent = stripped.parent().ok_or("no folder")?;
    std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    run(Command::new("strip")
        .arg("-o")
        .arg(&stripped)
        .arg(hello(entry)?))?;
    let length = std::fs::metadata(&stripped)
        .map_err(|error| error.to_string())?
        .len();
    Ok(length as f64)
}

/// What it occupies after the handshake.
pub(crate) fn resident_bytes(entry: &Entry) -> Measured {
    let mut small = entry.clone();
    small.stdio = Some(vec![hello(entry)?]);
    let mut server = Server::start(&small, Transport::Stdio, &[], Duration::from_secs(20))?;
    let mut conn = server.connect()?;
    conn.exchange(format!("{INITIALIZE}\n").as_bytes())?;
    Ok(server.watched().memory().resident as f64 * 1024.0)
}

/// The crates in its tree, itself included.
pub(crate) fn crates(entry: &Entry) -> Measured {
    let manifest = entry
        .hello_manifest
        .as_ref()
        .ok_or("it has no small program here")?;
    let mut command = Command::new("cargo");
    command.args([
        "tree",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--manifest-path",
    ]);
    let text = run(command.arg(manifest))?;
    let name = |line: &str| {
        line.split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let all: BTreeSet<_> = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(name)
        .collect();
    Ok(all.len() as f64)
}

/// Where the CPU seconds of builds from nothing are kept: they take minutes, and depend on the
/// machine's kind but hardly on what else it does.
fn kept() -> PathBuf {
    folder().join("docs/cold-build.tsv")
}

/// CPU seconds of a release build from nothing, as they were measured last.
pub(crate) fn kept_build_seconds(entry: &Entry) -> Option<f64> {
    let text = std::fs::read_to_string(kept()).ok()?;
    let row = text.lines().find_map(|line| line.strip_prefix(entry.name));
    row?.trim_start().split('\t').next()?.parse().ok()
}

/// Builds from nothing, and keeps how many CPU seconds it took.
pub(crate) fn measured_build_seconds(entry: &Entry) -> Measured {
    let seconds = build_seconds(entry)?;
    let text = std::fs::read_to_string(kept()).unwrap_or_default();
    let heading = "server\tCPU seconds of a cold release build";
    let others = text.lines().skip(1);
    let others = others.filter(|line| line.split('\t').next() != Some(entry.name));
    let mut rows = vec![heading.to_owned()];
    rows.extend(others.map(str::to_owned));
    rows.push(format!("{}\t{seconds:.1}", entry.name));
    let at = |error: std::io::Error| error.to_string();
    std::fs::create_dir_all(folder().join("docs")).map_err(at)?;
    std::fs::write(kept(), rows.join("\n") + "\n").map_err(at)?;
    Ok(seconds)
}

/// CPU seconds of a release build from nothing.
fn build_seconds(entry: &Entry) -> Measured {
    let manifest = entry
        .hello_manifest
        .as_ref()
        .ok_or("it has no small program here")?;
    let target = folder().join("target/cold");
    // Left over from before, or not there.
    let _ = std::fs::remove_dir_all(&target);
    let before = children_cpu();
    let mut command = Command::new("cargo");
    command
        .args(["build", "--release", "--manifest-path"])
        .arg(manifest);
    run(command
        .env("CARGO_TARGET_DIR", &target)
        .stdin(Stdio::null()))?;
    Ok((children_cpu() - before).as_secs_f64())
}

/// The CPU time of all children that have been waited for, and theirs.
fn children_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(13).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    let second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_secs_f64(ticks as f64 / second as f64)
}
