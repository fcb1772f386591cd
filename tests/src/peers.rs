//! The peers that others wrote: installed once, run as child processes, their reports read.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The exit code of `tests/peers/setup` when node or npm is missing.
const MISSING_TOOL: i32 = 3;

/// A part of what `tests/peers/setup` installs.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Group {
    /// The Python SDK and FastMCP.
    Python,
    /// The client's half of FastMCP's tasks.
    FastmcpTasks,
    /// MCP Apps as their own package has them.
    NpmApps,
    /// The TypeScript clients, the three npm servers and a Node that is new enough for all.
    Npm,
    /// The second line of the TypeScript SDK, for servers.
    NpmServer,
    /// The official conformance suite, 0.2 line.
    Conformance,
    /// The official conformance suite, 0.1 line.
    Conformance01,
}

impl Group {
    const ALL: [Self; 7] = [
        Self::Python,
        Self::FastmcpTasks,
        Self::NpmApps,
        Self::Npm,
        Self::NpmServer,
        Self::Conformance,
        Self::Conformance01,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::FastmcpTasks => "fastmcp-tasks",
            Self::NpmApps => "npm-apps",
            Self::Npm => "npm",
            Self::NpmServer => "npm-server",
            Self::Conformance => "conformance",
            Self::Conformance01 => "conformance-0.1",
        }
    }
}

/// Installs the peers of `groups` unless they are there already; false when this machine cannot.
///
/// Several tests and test programs may call this at once; the script installs once. Where a tool is
/// missing, the reason is said and the caller returns early: `if !setup(&[..]) { return; }`.
///
/// # Panics
/// When an installation fails, and when `CI` is `true` and anything is missing: nothing is skipped
/// there.
#[must_use]
pub fn setup(groups: &[Group]) -> bool {
    static DONE: [OnceLock<Result<(), String>>; Group::ALL.len()] =
        [const { OnceLock::new() }; Group::ALL.len()];
    for group in groups {
        let done = DONE[*group as usize].get_or_init(|| install(*group));
        if let Err(why) = done {
            return skip(why);
        }
    }
    true
}

/// Says on standard error why a test is skipped, and gives false.
///
/// # Panics
/// When `CI` is `true`.
#[must_use]
pub fn skip(why: &str) -> bool {
    assert!(!in_ci(), "nothing is skipped in CI: {why}");
    // Not by `println!`: the test harness hides that of tests that pass.
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
    false
}

/// Whether this tool is installed, which tells its version; where not, the test is [skipped](skip).
#[must_use]
pub fn has(tool: &str) -> bool {
    let there = Command::new(tool)
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok();
    there || skip(&format!("{tool} is not installed"))
}

/// Whether the environment says that this is a CI run.
#[must_use]
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

fn install(group: Group) -> Result<(), String> {
    let run = Command::new("python3")
        .arg(scripts().join("setup"))
        .arg(group.name())
        .stdin(Stdio::null())
        .output();
    let output = run.map_err(|error| format!("python3 cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => Ok(()),
        Some(MISSING_TOOL) => Err(said.trim().to_owned()),
        _ => panic!("tests/peers/setup failed:\n{said}"),
    }
}

/// Where the committed scripts are.
#[must_use]
pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".peers")
}

/// The Python that has the peers' packages.
#[must_use]
pub fn python() -> PathBuf {
    installed().join("python/bin/python")
}

/// A Node that is new enough for every peer: the installed one, elsewhere than on Linux the system's.
#[must_use]
pub fn node() -> PathBuf {
    let own = installed().join("npm/node_modules/.bin/node");
    if own.exists() {
        own
    } else {
        PathBuf::from("node")
    }
}

/// The entry file of one of the three npm servers: `everything`, `filesystem` or `memory`.
#[must_use]
pub fn npm_server(name: &str) -> PathBuf {
    installed().join(format!(
        "npm/node_modules/@modelcontextprotocol/server-{name}/dist/index.js"
    ))
}

/// The entry file of the conformance suite.
#[must_use]
pub fn conformance(line: Group) -> PathBuf {
    installed()
        .join(line.name())
        .join("node_modules/@modelcontextprotocol/conformance/dist/index.js")
}

/// A command that runs a committed script with the interpreter its ending asks for.
#[must_use]
pub fn script(name: &str) -> Command {
    let interpreter = if Path::new(name).extension().is_some_and(|end| end == "mjs") {
        node()
    } else {
        python()
    };
    let mut command = Command::new(interpreter);
    command.arg(scripts().join(name));
    command
}

/// The arguments of a stdio server whose lines are recorded in `log`, as [`crate::transcript`] reads them.
#[must_use]
pub fn recorded(log: &Path, server: &[&str]) -> Vec<String> {
    let tee = [
        path_text(&python()),
        path_text(&scripts().join("tee.py")),
        path_text(log),
        "--".into(),
    ];
    tee.into_iter()
        .chain(server.iter().map(|&part| part.to_owned()))
        .collect()
}

fn path_text(path: &Path) -> String {
    path.to_str()
        .expect("the checkout's path is UTF-8")
        .to_owned()
}

/// A fresh file name below the target folder's scratch space, for a recording.
#[must_use]
pub fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("mcp-tests-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
    let file = folder.join(name);
    let _ = std::fs::remove_file(&file);
    file
}

/// An example of a binding, as `cargo test --workspace` builds it beside the tests; `None`, and said so,
/// where it was not built.
///
/// # Panics
/// When `CI` is `true` and it was not built.
#[must_use]
pub fn example(name: &str) -> Option<PathBuf> {
    let this = std::env::current_exe().ok()?;
    let path = this.parent()?.parent()?.join("examples").join(name);
    if path.exists() {
        return Some(path);
    }
    let why = format!(
        "{} was not built; run `cargo test --workspace`",
        path.display()
    );
    let _ = skip(&why);
    None
}

/// One line of a script's report.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// Whether it held.
    pub ok: bool,
    /// What was found.
    pub detail: Value,
}

/// What a script found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Its checks, in order.
    pub checks: Vec<Check>,
    /// Whether it ended with exit code 0.
    pub success: bool,
    /// What it and the server wrote to standard error.
    pub stderr: String,
}

impl Report {
    fn read(output: &Output) -> Result<Self, String> {
        let stdout = String::from_utf8_lossy(&output.stdout);
        let checks = stdout.lines().map(read_check).collect::<Result<_, _>>()?;
        Ok(Self {
            checks,
            success: output.status.success(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Everything that is wrong, as lines; empty when `at_least` checks ran and all were ok.
    #[must_use]
    pub fn problems(&self, at_least: usize) -> Vec<String> {
        let failed = self.checks.iter().filter(|check| !check.ok);
        let mut problems: Vec<_> = failed
            .map(|check| format!("{}: {}", check.name, check.detail))
            .collect();
        if self.checks.len() < at_least {
            let names: Vec<_> = self.checks.iter().map(|check| &check.name).collect();
            problems.push(format!(
                "only {} of {at_least} checks ran: {names:?}",
                names.len()
            ));
        }
        if problems.is_empty() && !self.success {
            problems.push("the script failed without a failed check".to_owned());
        }
        if !problems.is_empty() {
            problems.push(format!("standard error:\n{}", tail(&self.stderr, 40)));
        }
        problems
    }
}

fn read_check(line: &str) -> Result<Check, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("{error} in {line}"))?;
    let name = value["check"].as_str();
    let (Some(name), Some(ok)) = (name, value["ok"].as_bool()) else {
        return Err(format!("not a check: {line}"));
    };
    Ok(Check {
        name: name.to_owned(),
        ok,
        detail: value["detail"].clone(),
    })
}

/// The last `count` lines.
#[must_use]
pub fn tail(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Runs a committed script that prints one JSON line a check.
///
/// # Panics
/// When the script cannot be started or prints anything else.
#[must_use]
pub fn run_script<S: AsRef<str>>(name: &str, arguments: &[S]) -> Report {
    let output = script(name)
        .args(arguments.iter().map(AsRef::as_ref))
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{name} cannot be run: {error}"));
    Report::read(&output).unwrap_or_else(|error| {
        panic!(
            "{name}: {error}\n{}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn report(stdout: &str, code: i32) -> Result<Report, String> {
        Report::read(&Output {
            status: std::process::ExitStatus::from_raw(code << 8),
            stdout: stdout.into(),
            stderr: b"noise".to_vec(),
        })
    }

    #[test]
    fn a_report_is_clean_only_when_every_check_ran_and_held() {
        let good = r#"{"check": "a", "ok": true, "detail": 1}"#;
        let bad = r#"{"check": "b", "ok": false, "detail": "why"}"#;
        let problems = |text: &str, code, least| report(text, code).unwrap().problems(least);
        assert_eq!(problems(good, 0, 1), Vec::<String>::new());
        assert_eq!(problems(bad, 1, 1)[0], "b: \"why\"");
        assert!(problems(good, 0, 2)[0].starts_with("only 1 of 2"));
        assert!(problems(good, 1, 1)[0].contains("without a failed check"));
        assert!(problems("", 1, 0)[0].contains("without a failed check"));
    }

    #[test]
    fn what_is_not_a_check_is_not_passed_over() {
        for text in ["hello", "{}", r#"{"check": "a"}"#, "[]"] {
            assert!(report(text, 0).is_err(), "{text}");
        }
    }
}
