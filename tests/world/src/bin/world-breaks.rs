//! Breaks the product in each way of `breaks.txt` and tells which law has noticed after how many
//! sessions: `world-breaks [--only WORD] [--sessions 60000] [--seed 0]`, in the repository.
//!
//! What is broken is a copy of the last commit, under `target`. The rows are those of the README.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use mcp_world::Break;

/// What is rare is written by hand.
const CORPUS: &str = "fuzz/corpus/world";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let value = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1).map(String::as_str)
    };
    let only = value("--only").unwrap_or_default();
    let sessions = value("--sessions").unwrap_or("60000");
    let seed = value("--seed").unwrap_or("0");
    match judge_all(
        only,
        &[
            "--first",
            "--corpus",
            CORPUS,
            "--sessions",
            sessions,
            "--seed",
            seed,
        ],
    ) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}

fn judge_all(only: &str, run: &[&str]) -> Result<bool, String> {
    let root = PathBuf::from(said(
        Command::new("git").args(["rev-parse", "--show-toplevel"]),
    )?);
    let list = fs::read_to_string(root.join("tests/world/breaks.txt"));
    let list = list.map_err(|error| format!("breaks.txt: {error}"))?;
    let all = Break::read_all(&list).map_err(|unfit| format!("breaks.txt: {unfit}"))?;
    let copy = root.join("target/breaks");
    if !copy.exists() {
        let mut clone = Command::new("git");
        said(
            clone
                .args(["clone", "-q", "--shared"])
                .arg(&root)
                .arg(&copy),
        )?;
    }
    let head = said(
        Command::new("git")
            .arg("-C")
            .arg(&root)
            .args(["rev-parse", "HEAD"]),
    )?;
    let mut checkout = Command::new("git");
    said(
        checkout
            .arg("-C")
            .arg(&copy)
            .args(["checkout", "-qf", &head]),
    )?;
    println!("| law | what is broken | noticed by | sessions |\n|---|---|---|---|");
    let mut noticed = true;
    for one in all.iter().filter(|one| one.what.contains(only)) {
        let (law, count) = judge(one, &copy, run)?;
        println!("| {} | {} | {law} | {count} |", one.law, one.what);
        noticed &= one.law.split(", ").any(|known| law.starts_with(known));
    }
    Ok(noticed)
}

/// Breaks the copy, runs the world in it, and mends it.
fn judge(one: &Break, copy: &Path, run: &[&str]) -> Result<(String, String), String> {
    let file = copy.join(&one.file);
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", one.what);
    let whole = fs::read_to_string(&file).map_err(|error| told(&error))?;
    let broken = one.apply(&whole).map_err(|unfit| told(&unfit))?;
    fs::write(&file, broken).map_err(|error| told(&error))?;
    let built = said(
        Command::new("cargo")
            .current_dir(copy)
            .env("CARGO_TARGET_DIR", copy.join("target"))
            .args(["build", "-q", "--profile", "simulation"])
            .args(["-p", "mcp-world", "--bin", "world-run"]),
    );
    fs::write(&file, whole).map_err(|error| told(&error))?;
    built?;
    let output = Command::new(copy.join("target/simulation/world-run"))
        .current_dir(copy)
        .args(run)
        .output();
    let output = output.map_err(|error| told(&error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let law = text.split(": ").find(|part| is_law(part));
    let whole = output.status.success();
    let law = law.unwrap_or(if whole { "none" } else { "an assertion" });
    let count = text
        .lines()
        .find_map(|line| line.split_once(" sessions with "));
    let count = count.map_or("?", |(count, _)| count);
    Ok((law.to_owned(), count.to_owned()))
}

/// Whether this is one law's name, or several.
fn is_law(text: &str) -> bool {
    text.split(", ").all(|name| {
        let digits = name.strip_prefix(|first: char| first.is_ascii_uppercase());
        digits.is_some_and(|digits| digits.parse::<u8>().is_ok())
    })
}

/// What a command says, without the end of its line.
fn said(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?}: {errors}"));
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}
