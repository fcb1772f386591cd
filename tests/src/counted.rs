//! Programs whose instructions are counted by callgrind.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::peers;

/// Builds programs of this package as they are measured, and tells the folder that they are in.
///
/// # Panics
/// Where they do not build.
#[must_use]
pub fn release(programs: &[&str]) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .args(["build", "--release", "--quiet", "-p", "mcp-tests"]);
    for program in programs {
        cargo.args(["--bin", program]);
    }
    let built = cargo.status().is_ok_and(|status| status.success());
    assert!(built, "{programs:?} do not build");
    let this = std::env::current_exe().unwrap_or_default();
    // This program is in `debug/deps`.
    let target = this.ancestors().nth(3).unwrap_or(Path::new("target"));
    target.join("release")
}

/// Whether callgrind is here; says that a test is skipped where it is not.
#[must_use]
pub fn has_callgrind() -> bool {
    let valgrind = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    valgrind.is_ok() || peers::skip("valgrind is not installed")
}

/// A command that runs a program under callgrind, which writes its count to standard error.
#[must_use]
pub fn callgrind(program: &Path) -> Command {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program);
    valgrind
}

/// The count in what callgrind has written.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn collected(text: &str) -> u64 {
    let count = text
        .split_once("Collected : ")
        .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
    count.unwrap_or_else(|| panic!("callgrind has counted nothing: {text}"))
}
