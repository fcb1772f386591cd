//! The official conformance suite: run as its authors do, and judged more strictly.
//!
//! The suite passes a scenario that has no failure. Here a scenario passes only without failures
//! and warnings, with at least one success of its own, and where the suite did not give it up.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::peers::{self, Group};

/// How long one run of the suite may take: many times what it takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// What the suite adds to every scenario; it succeeds where nothing was said at all.
const NOT_ITS_OWN: &str = "wire-schema-valid";

/// Which side is tested.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Leg<'a> {
    /// A server, by its URL.
    Server(&'a str),
    /// A client, by the command that the suite runs with a URL added.
    Client(&'a str),
}

impl Leg<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Server(_) => "server",
            Self::Client(_) => "client",
        }
    }

    fn option(self) -> [String; 2] {
        match self {
            Self::Server(url) => ["--url".into(), url.into()],
            Self::Client(command) => ["--command".into(), command.into()],
        }
    }
}

/// Which scenarios are run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Set {
    /// All that a revision requires, and those that it lists without scoring them.
    Requirements(&'static str),
    /// Everything that the 0.1 line of the suite has.
    AllOf01,
}

impl Set {
    fn group(self) -> Group {
        match self {
            Self::Requirements(_) => Group::Conformance,
            Self::AllOf01 => Group::Conformance01,
        }
    }

    fn options(self) -> [&'static str; 2] {
        match self {
            Self::Requirements(revision) => ["--requirements", revision],
            Self::AllOf01 => ["--suite", "all"],
        }
    }

    /// The scenarios of one leg, as the installed suite lists them itself.
    ///
    /// # Panics
    /// Where the suite's list cannot be read.
    #[must_use]
    pub fn scenarios(self, leg: Leg<'_>) -> Vec<String> {
        let entry = peers::conformance(self.group());
        match self {
            Self::Requirements(revision) => {
                let folder = entry
                    .parent()
                    .and_then(Path::parent)
                    .expect("two folders up");
                let file = folder.join("requirements").join(format!("{revision}.yaml"));
                let text = fs::read_to_string(&file)
                    .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                required(&text, leg.name())
            }
            Self::AllOf01 => {
                let output = Command::new(peers::node())
                    .args([entry.as_os_str(), "list".as_ref()])
                    .arg(format!("--{}", leg.name()))
                    .output()
                    .unwrap_or_else(|error| panic!("the suite cannot be run: {error}"));
                let text = String::from_utf8_lossy(&output.stdout);
                listed(&text)
            }
        }
    }
}

// The scenarios of one leg in a file of requirements: the leg's own list, and those of
// `not_scored` that name the leg.
fn required(yaml: &str, leg: &str) -> Vec<String> {
    let (mut section, mut unscored) = ("", "");
    let mut scenarios = Vec::new();
    for line in yaml.lines() {
        let entry = line.trim_start();
        if entry.is_empty() || entry.starts_with('#') {
            continue;
        }
        if entry.len() == line.len() {
            section = line.split(':').next().unwrap_or_default();
        } else if let Some(name) = entry.strip_prefix("- scenario: ") {
            unscored = name;
        } else if entry == format!("leg: {leg}") && section == "not_scored" {
            scenarios.push(unscored.to_owned());
        } else if let Some(name) = entry.strip_prefix("- ").filter(|_| section == leg) {
            scenarios.push(name.to_owned());
        }
    }
    scenarios
}

// The lines `  - name [revisions]` of the suite's own list.
fn listed(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix("- "))
        .filter_map(|entry| entry.split_whitespace().next())
        .map(Into::into)
        .collect()
}

/// What became of one scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The scenario's name.
    pub scenario: String,
    /// Why it does not pass; nothing where it does.
    pub problems: Vec<String>,
}

/// Runs one set of scenarios and judges each of them. Every scenario of the set has a verdict, also
/// one of which the suite says nothing.
///
/// # Panics
/// Where the suite cannot be run, or does not end.
#[must_use]
pub fn run(set: Set, leg: Leg<'_>, label: &str) -> Vec<Verdict> {
    let results = peers::scratch(&format!("conformance-{label}"));
    let log = results.with_extension("log");
    let status = run_suite(set, leg, &results, &log).unwrap_or_else(|error| {
        let said = fs::read_to_string(&log).unwrap_or_default();
        panic!(
            "the suite cannot be run: {error}\n{}",
            peers::tail(&said, 20)
        )
    });
    // Its own verdict is looser than ours, and told by the same numbers.
    println!(
        "{label}: the suite ended with {status}, its output is in {}",
        log.display()
    );
    let mut found = BTreeMap::new();
    collect(&results, &results, leg, &mut found);
    let mut verdicts: Vec<Verdict> = Vec::new();
    for scenario in set.scenarios(leg) {
        let problems = match found.remove(&scenario) {
            Some(checks) => judge(&checks),
            None => vec!["the suite has not run it, or has given it up".into()],
        };
        verdicts.push(Verdict { scenario, problems });
    }
    for scenario in found.into_keys() {
        let problems = vec!["the suite has run it without listing it".into()];
        verdicts.push(Verdict { scenario, problems });
    }
    verdicts
}

fn run_suite(set: Set, leg: Leg<'_>, results: &Path, log: &Path) -> io::Result<ExitStatus> {
    let output = fs::File::create(log)?;
    let child = Command::new(peers::node())
        .arg(peers::conformance(set.group()))
        .arg(leg.name())
        .args(leg.option())
        .args(set.options())
        .arg("-o")
        .arg(results)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()?;
    wait(child)
}

fn wait(mut child: Child) -> io::Result<ExitStatus> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() > end {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::other("it did not end in time"));
        }
        thread::sleep(Duration::from_millis(20));
    }
}

// The suite writes `server-NAME-TIME/checks.json`; the client leg leaves out the prefix. Names may
// contain a slash.
fn collect(root: &Path, folder: &Path, leg: Leg<'_>, found: &mut BTreeMap<String, Value>) {
    let entries = fs::read_dir(folder).map_or_else(|_| Vec::new(), |list| list.flatten().collect());
    for entry in entries {
        let path = entry.path();
        if !path.is_dir() {
            continue;
        }
        if let Some(checks) = read_checks(&path) {
            found.insert(scenario_of(root, &path, leg), checks);
        } else {
            collect(root, &path, leg, found);
        }
    }
}

fn read_checks(folder: &Path) -> Option<Value> {
    let text = fs::read_to_string(folder.join("checks.json")).ok()?;
    // One that is cut off is no list, and judged as that.
    Some(serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn scenario_of(root: &Path, folder: &Path, leg: Leg<'_>) -> String {
    /// `-2026-01-31T00-00-00-000Z`
    const TIME: usize = 25;
    let name = folder.strip_prefix(root).unwrap_or(folder);
    let name = name.to_string_lossy().replace('\\', "/");
    let name = &name[..name.len().saturating_sub(TIME)];
    match leg {
        Leg::Server(_) => name.strip_prefix("server-").unwrap_or(name),
        Leg::Client(_) => name,
    }
    .to_owned()
}

/// Why a scenario with these checks does not pass; nothing where it does.
#[must_use]
pub fn judge(checks: &Value) -> Vec<String> {
    let Some(checks) = checks.as_array() else {
        return vec!["its checks cannot be read".into()];
    };
    let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let mut problems = Vec::new();
    let mut successes = 0;
    for check in checks {
        match check["status"].as_str() {
            Some("SUCCESS") => successes += usize::from(text(check, "id") != NOT_ITS_OWN),
            Some("SKIPPED" | "INFO") => {}
            _ => problems.push(format!(
                "{} {}: {} {}",
                text(check, "status"),
                text(check, "id"),
                text(check, "description"),
                text(check, "errorMessage"),
            )),
        }
    }
    if problems.is_empty() && successes == 0 {
        problems.push("none of its own checks has succeeded".into());
    }
    problems
}

/// A scenario that does not pass yet.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "to be written down in tables")]
pub struct NotYet {
    /// The scenario's name.
    pub scenario: &'static str,
    /// What is missing.
    pub why: &'static str,
}

/// What is wrong: scenarios that fail although they are not expected to, and those of the list that
/// pass or do not exist, so that the list can only become shorter.
#[must_use]
pub fn compare(verdicts: &[Verdict], not_yet: &[NotYet]) -> Vec<String> {
    let excused = |name: &str| not_yet.iter().find(|entry| entry.scenario == name);
    let mut wrong = Vec::new();
    for Verdict { scenario, problems } in verdicts {
        match (problems.is_empty(), excused(scenario)) {
            (false, None) => wrong.push(format!("{scenario}:\n    {}", problems.join("\n    "))),
            (true, Some(entry)) => wrong.push(format!(
                "{scenario} passes: take it from the list of what is missing ({})",
                entry.why
            )),
            (true, None) | (false, Some(_)) => {}
        }
    }
    for entry in not_yet {
        if !verdicts
            .iter()
            .any(|verdict| verdict.scenario == entry.scenario)
        {
            wrong.push(format!("{} is no scenario of this set", entry.scenario));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checks(statuses: &[(&str, &str)]) -> Value {
        let check = |(id, status): &(&str, &str)| json!({"id": id, "status": status});
        statuses.iter().map(check).collect()
    }

    #[test]
    fn only_a_scenario_without_blemish_and_with_a_success_of_its_own_passes() {
        let passes = |statuses| judge(&checks(statuses)).is_empty();
        assert!(passes(&[("a", "SUCCESS"), ("b", "SKIPPED"), ("c", "INFO")]));
        assert!(!passes(&[("a", "SUCCESS"), ("b", "WARNING")]));
        assert!(!passes(&[("a", "SUCCESS"), ("b", "FAILURE")]));
        assert!(!passes(&[("a", "SUCCESS"), ("b", "SOMETHING")]));
        assert!(!passes(&[("wire-schema-valid", "SUCCESS")]));
        assert!(!passes(&[("a", "SKIPPED")]));
        assert!(!passes(&[]));
        assert!(!judge(&Value::Null).is_empty());
    }

    #[test]
    fn the_list_of_what_is_missing_can_only_shrink() {
        let verdict = |name: &str, problems: &[&str]| Verdict {
            scenario: name.into(),
            problems: problems.iter().map(|&problem| problem.into()).collect(),
        };
        let verdicts = [verdict("good", &[]), verdict("bad", &["why"])];
        let not_yet = |scenario| NotYet {
            scenario,
            why: "later",
        };
        assert_eq!(compare(&verdicts, &[not_yet("bad")]), [""; 0]);
        assert_eq!(compare(&verdicts, &[]), ["bad:\n    why"]);
        let wrong = compare(
            &verdicts,
            &[not_yet("bad"), not_yet("good"), not_yet("gone")],
        );
        assert!(wrong[0].starts_with("good passes") && wrong[1].starts_with("gone is no"));
    }

    #[test]
    fn names_are_read_as_the_suite_writes_them() {
        let yaml = "server:\n  - ping\n  - a/b\nclient:\n  - tools_call\nnot_scored:\n  - scenario: x\n    leg: client\n  - scenario: y\n    leg: server\n    note: >-\n      - z\n";
        assert_eq!(required(yaml, "server"), ["ping", "a/b", "y"]);
        assert_eq!(required(yaml, "client"), ["tools_call", "x"]);
        assert_eq!(
            listed("Server scenarios:\n  - ping [2025-11-25]\n  - a/b\n"),
            ["ping", "a/b"]
        );
        let folder = Path::new("r/server-ping-2026-11-25T09-50-26-123Z");
        assert_eq!(scenario_of(Path::new("r"), folder, Leg::Server("")), "ping");
        let folder = Path::new("r/auth/x-2026-11-25T09-50-26-123Z");
        assert_eq!(
            scenario_of(Path::new("r"), folder, Leg::Client("")),
            "auth/x"
        );
    }
}
