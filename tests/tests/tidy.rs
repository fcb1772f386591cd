//! The rules of the house that no lint knows: which crate may use what, and how long things may be.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use mcp_tests::source::Source;

/// Of lines outside test modules.
const LONGEST_FILE: usize = 600;
/// From the signature to the closing brace.
const LONGEST_FUNCTION: usize = 70;

const CORES: [&str; 3] = ["mcp-proto", "mcp-server-core", "mcp-client-core"];
const BINDINGS: [&str; 3] = ["bind-blocking", "bind-tokio", "bind-async-std"];

/// Each crate and the crates of this workspace that it may depend on: no arrow ever runs back.
const ARROWS: [(&str, &str, &[&str]); 10] = [
    ("mcp-proto", "mcp-proto", &[]),
    (
        "mcp-server-core/macros",
        "mcp-server-macros",
        &["mcp-proto"],
    ),
    (
        "mcp-server-core",
        "mcp-server-core",
        &["mcp-proto", "mcp-server-macros"],
    ),
    ("mcp-client-core", "mcp-client-core", &["mcp-proto"]),
    (
        "mcp-server-core/file-tasks",
        "mcp-file-tasks",
        &["mcp-proto", "mcp-server-core"],
    ),
    ("bind-blocking", "bind-blocking", &CORES),
    ("bind-tokio", "bind-tokio", &CORES),
    ("bind-async-std", "bind-async-std", &CORES),
    (
        "tests",
        "mcp-tests",
        &[
            "mcp-proto",
            "mcp-server-core",
            "mcp-client-core",
            "bind-blocking",
            "bind-tokio",
            "bind-async-std",
            "mcp-file-tasks",
        ],
    ),
    ("tests/world", "mcp-world", &CORES),
];

/// The programs that only the benchmarks need, in a workspace of their own.
const BENCHES: [&str; 9] = [
    "tests/bench/hello/ours",
    "tests/bench/hello/rmcp",
    "tests/bench/load",
    "tests/bench/null",
    "tests/bench/ours",
    "tests/bench/peers/rmcp",
    "tests/bench/peers/rust-mcp-sdk",
    "tests/bench/peers/tower-mcp",
    "tests/bench/stopwatch",
];

/// What of std would be I/O, a clock, a thread or a process in a core: modules, and items by path.
const MODULES_NOT_IN_CORES: [&str; 6] = ["env", "fs", "net", "os", "process", "thread"];
const ITEMS_NOT_IN_CORES: [(&str, &str); 5] = [
    ("io", "stderr"),
    ("io", "stdin"),
    ("io", "stdout"),
    ("time", "Instant"),
    ("time", "SystemTime"),
];

/// All crates in the repository but the fuzz targets.
fn crates() -> impl Iterator<Item = &'static str> {
    ARROWS.iter().map(|(folder, ..)| *folder).chain(BENCHES)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate is in the workspace")
}

/// Every Rust file below a folder of the workspace, sorted.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries {
        let path = entry.expect("a folder is readable").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The sources of a crate, without its test files; a nested crate has its own.
fn sources(folder: &str) -> Vec<Source> {
    let files = rust_files(&root().join(folder).join("src"));
    assert!(!files.is_empty(), "{folder} has no sources");
    let all: Vec<_> = files.iter().map(|file| Source::read(file)).collect();
    let reachable = reachable(&root().join(folder).join("src"), &all);
    all.into_iter()
        .filter(|source| reachable.contains(&source.path))
        .collect()
}

fn is_root(path: &Path, src: &Path) -> bool {
    let in_bin = path.starts_with(src.join("bin"));
    in_bin || path == src.join("lib.rs") || path == src.join("main.rs")
}

/// The files that a crate's roots declare outside tests, directly or not.
fn reachable(src: &Path, all: &[Source]) -> BTreeSet<PathBuf> {
    let mut found: BTreeSet<PathBuf> = all
        .iter()
        .map(|source| source.path.clone())
        .filter(|path| is_root(path, src))
        .collect();
    loop {
        let mut more = found.clone();
        for source in all.iter().filter(|source| found.contains(&source.path)) {
            for module in source.module_files() {
                let [file, folder] = module_paths(&source.path, src, &module);
                more.extend([file, folder].into_iter().filter(|path| path.exists()));
            }
            more.extend(named_files(source));
        }
        if more == found {
            return found;
        }
        found = more;
    }
}

/// The files beside a source that it names, as `#[path = "x.rs"]` does.
fn named_files(source: &Source) -> Vec<PathBuf> {
    let names = source.strings.iter().map(|(_, text)| Path::new(text));
    names
        .filter(|name| name.extension().is_some_and(|end| end == "rs"))
        .map(|name| source.path.with_file_name(name))
        .filter(|path| path.exists())
        .collect()
}

fn module_paths(parent: &Path, src: &Path, module: &str) -> [PathBuf; 2] {
    let is_mod = parent.file_name().is_some_and(|name| name == "mod.rs");
    let folder = if is_mod || is_root(parent, src) {
        parent.parent().expect("a file has a folder").to_owned()
    } else {
        parent.with_extension("")
    };
    [
        folder.join(format!("{module}.rs")),
        folder.join(module).join("mod.rs"),
    ]
}

/// Fails with all the findings at once.
#[derive(Default)]
struct Findings(String);

impl Findings {
    fn add(&mut self, source: &Source, line: usize, what: &str) {
        let path = source.path.strip_prefix(root()).unwrap_or(&source.path);
        writeln!(self.0, "{}:{line}: {what}", path.display()).expect("a string takes it");
    }

    fn none(self) {
        assert!(self.0.is_empty(), "\n{}", self.0);
    }
}

fn manifest(folder: &str) -> String {
    let path = root().join(folder).join("Cargo.toml");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names in `[dependencies]` and `[target.*.dependencies]`, not those of tests.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section == "dependencies" || section.ends_with(".dependencies");
            found.extend(section.strip_prefix("dependencies.").map(str::to_owned));
        } else if let (true, Some((name, _))) = (inside, line.split_once(['=', '.'])) {
            found.push(name.trim().to_owned());
        }
    }
    found
}

#[test]
fn no_crate_depends_backwards() {
    let crates: BTreeMap<_, _> = ARROWS
        .iter()
        .map(|(_, name, allowed)| (*name, *allowed))
        .collect();
    for (folder, name, allowed) in ARROWS {
        for dependency in dependencies(&manifest(folder)) {
            let ours = crates.contains_key(&*dependency);
            assert!(
                !ours || allowed.contains(&&*dependency),
                "{name} may not depend on {dependency}"
            );
        }
    }
}

#[test]
fn every_member_of_the_workspace_is_checked() {
    let manifest = manifest(".");
    let members = manifest.split_once("members = [").expect("a workspace").1;
    let members = members.split_once(']').expect("a list of members").0;
    let listed: BTreeSet<_> = ARROWS.iter().map(|(folder, ..)| *folder).collect();
    let found: BTreeSet<_> = members
        .split(',')
        .map(|member| member.trim().trim_matches('"'))
        .filter(|member| !member.is_empty())
        .collect();
    assert_eq!(found, listed);
}

#[test]
fn dependencies_are_read_in_every_spelling() {
    let text = "[package]\nname = \"x\"\n[dependencies]\na = \"1\"\nb.workspace = true\n[dev-dependencies]\nc = \"1\"\n[target.'cfg(unix)'.dependencies]\nd = { version = \"1\" }\n[dependencies.e]\nversion = \"1\"\n";
    assert_eq!(dependencies(text), ["a", "b", "d", "e"]);
}

#[test]
fn the_cores_and_the_simulator_do_no_io_and_read_no_clock() {
    let mut findings = Findings::default();
    let world = sources("tests/world").into_iter();
    // Its programs print what comes of a run; the simulator itself is as pure as what it simulates.
    let world = world.filter(|source| {
        !source
            .path
            .components()
            .any(|part| part.as_os_str() == "bin")
    });
    for source in CORES.into_iter().flat_map(sources).chain(world) {
        let mut forbid = |path: &str, lines: Vec<usize>| {
            for line in lines {
                findings.add(&source, line, &format!("{path} in a pure crate"));
            }
        };
        for module in MODULES_NOT_IN_CORES {
            let path = format!("std::{module}");
            forbid(&path, source.uses(&path));
            forbid(&path, grouped(&source, "std", module));
        }
        for (module, item) in ITEMS_NOT_IN_CORES {
            let path = format!("std::{module}::{item}");
            forbid(&path, source.uses(&path));
            forbid(&path, grouped(&source, "std", item));
            forbid(&path, grouped(&source, &format!("std::{module}"), item));
        }
        forbid("std::*", source.uses("use std::*"));
    }
    findings.none();
}

/// The lines of `use path::{.., word, ..}`.
fn grouped(source: &Source, path: &str, word: &str) -> Vec<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let groups = source.groups(path).into_iter();
    groups
        .filter(|(_, group)| group.split(|c| !is_word(c)).any(|part| part == word))
        .map(|(line, _)| line)
        .collect()
}

#[test]
fn the_bindings_know_no_method() {
    let names: BTreeSet<_> = mcp_proto::method::METHODS
        .iter()
        .map(|info| info.name)
        .collect();
    assert!(names.contains("tools/call"));
    let mut findings = Findings::default();
    for source in BINDINGS.into_iter().flat_map(sources) {
        for (line, text) in &source.strings {
            if names.contains(&**text) {
                findings.add(
                    &source,
                    *line,
                    &format!("{text:?} is a protocol decision: it belongs in a core"),
                );
            }
        }
    }
    findings.none();
}

#[test]
fn files_and_functions_are_short() {
    let mut findings = Findings::default();
    for source in crates().flat_map(sources) {
        if source.lines > LONGEST_FILE {
            let what = format!("{} lines, {LONGEST_FILE} at most", source.lines);
            findings.add(&source, 1, &what);
        }
        for function in source.functions() {
            if function.length > LONGEST_FUNCTION {
                let what = format!(
                    "fn {} has {} lines, {LONGEST_FUNCTION} at most",
                    function.name, function.length
                );
                findings.add(&source, function.line, &what);
            }
        }
    }
    findings.none();
}

#[test]
fn nothing_is_unsafe() {
    let mut findings = Findings::default();
    for source in crates().flat_map(sources) {
        for line in source.uses("unsafe") {
            findings.add(&source, line, "unsafe");
        }
    }
    findings.none();
}

#[test]
fn no_file_is_dead() {
    for folder in crates() {
        let src = root().join(folder).join("src");
        let all: Vec<_> = rust_files(&src)
            .iter()
            .map(|file| Source::read(file))
            .collect();
        // Test modules are blanked in a `Source`; their declarations are looked for in the raw text.
        let declared = |path: &Path| {
            let stem = path.file_stem().expect("a file has a name");
            let stem = if stem == "mod" {
                path.parent()
                    .and_then(Path::file_name)
                    .expect("it has a folder")
            } else {
                stem
            };
            let wanted = format!("mod {};", stem.to_string_lossy());
            let named = all
                .iter()
                .any(|source| named_files(source).iter().any(|file| file == path));
            named
                || all.iter().any(|source| {
                    source.path != path
                        && std::fs::read_to_string(&source.path)
                            .is_ok_and(|text| text.contains(&wanted))
                })
        };
        for source in &all {
            let path = &source.path;
            assert!(
                is_root(path, &src) || declared(path),
                "{} is in no module",
                path.display()
            );
        }
    }
}

#[test]
fn every_fuzz_target_has_a_corpus() {
    let manifest = manifest("fuzz");
    let mut names = Vec::new();
    let mut in_bin = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_bin = line == "[[bin]]";
        } else if let (true, Some(name)) = (in_bin, line.strip_prefix("name = ")) {
            names.push(name.trim_matches('"').to_owned());
        }
    }
    assert!(!names.is_empty(), "no fuzz target");
    for name in names {
        let corpus = root().join("fuzz/corpus").join(&name);
        let inputs = std::fs::read_dir(&corpus).map_or(0, Iterator::count);
        assert!(inputs > 0, "{name} has no corpus in {}", corpus.display());
    }
}

/// The names of all tests, beside the code and in files of their own.
fn tests() -> BTreeSet<String> {
    let folders = crates().map(|folder| format!("{folder}/src"));
    let others = ["tests/tests", "tests/world/tests"].map(str::to_owned);
    let mut names = BTreeSet::new();
    for file in folders
        .chain(others)
        .flat_map(|folder| rust_files(&root().join(folder)))
    {
        let code = std::fs::read_to_string(file).expect("a source is readable");
        for test in code.split("#[test]").skip(1) {
            let name = test
                .split_once("fn ")
                .and_then(|(_, rest)| rest.split_once('('));
            names.extend(name.map(|(name, _)| name.to_owned()));
        }
    }
    names
}

#[test]
fn every_promise_of_security_is_shown_by_a_test() {
    let text = std::fs::read_to_string(root().join("SECURITY.md")).expect("there is a SECURITY.md");
    let tests = tests();
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let promises: Vec<_> = rows
        .filter(|line| !line.starts_with("| promise "))
        .collect();
    assert!(!promises.is_empty(), "SECURITY.md has no table");
    for row in promises {
        let shown_by = row.trim_end_matches([' ', '|']).rsplit(" | ").next();
        let names = shown_by.unwrap_or_default().split('`').skip(1).step_by(2);
        let names: Vec<_> = names.collect();
        assert!(!names.is_empty(), "nothing shows: {row}");
        for name in names {
            assert!(tests.contains(name), "SECURITY.md names no test: {name}");
        }
    }
}

#[test]
fn the_readme_and_ci_run_the_same_tests() {
    let script = std::fs::read_to_string(root().join(".ci/run")).expect(".ci/run is readable");
    let command = script
        .lines()
        .find_map(|line| line.strip_prefix("test_command=(")?.strip_suffix(')'))
        .expect(".ci/run names its test command");
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README.md");
    let commands = readme
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    assert!(
        commands.into_iter().any(|line| line == command),
        "README.md does not name `{command}`"
    );
}
