//! Which versions of everything are compared: those that are there, not those that were asked for.

use std::path::Path;
use std::process::Command;

use crate::roster::folder;

/// One sentence that names them all.
pub(crate) fn sentence() -> String {
    let lock = read(&folder().join("Cargo.lock"));
    let crates = [
        "rmcp",
        "tower-mcp",
        "rust-mcp-sdk",
        "hyper",
        "tokio",
        "axum",
    ];
    let mut all: Vec<String> = crates.iter().map(|name| in_lock(&lock, name)).collect();
    let peers = folder().join("../.peers");
    for (title, package) in [("Python SDK", "mcp"), ("FastMCP", "fastmcp")] {
        all.push(format!(
            "{title} {}",
            installed(&peers.join("python"), package)
        ));
    }
    let sdk = peers.join("npm/node_modules/@modelcontextprotocol/sdk/package.json");
    all.push(format!("TypeScript SDK {}", in_package(&read(&sdk))));
    for program in ["python/bin/python", "npm/node_modules/.bin/node"] {
        all.extend(said_by(&peers.join(program)));
    }
    format!("Versions: {}.", all.join(", "))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

const UNKNOWN: &str = "(unknown)";

/// A crate and its version; of several the highest one that is listed.
fn in_lock(lock: &str, name: &str) -> String {
    let line = format!("name = \"{name}\"\nversion = \"");
    let found = lock.rsplit_once(&line);
    let version = found.and_then(|(_, rest)| rest.split('"').next());
    format!("{name} {}", version.unwrap_or(UNKNOWN))
}

fn in_package(package: &str) -> &str {
    let found = package.split_once("\"version\": \"");
    let version = found.and_then(|(_, rest)| rest.split('"').next());
    version.unwrap_or(UNKNOWN)
}

/// The version of a Python package, by the name of the folder that describes it.
fn installed(environment: &Path, package: &str) -> String {
    let folders = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten();
    let prefix = format!("{package}-");
    folders(&environment.join("lib"))
        .flat_map(|python| folders(&python.path().join("site-packages")).collect::<Vec<_>>())
        .find_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(&prefix)?.strip_suffix(".dist-info")?;
            Some(version.to_owned())
        })
        .unwrap_or_else(|| UNKNOWN.to_owned())
}

fn said_by(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Some(
        said.strip_prefix('v')
            .map_or(said.clone(), |version| format!("Node {version}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_lists_them() {
        let lock = "[[package]]\nname = \"rmcp\"\nversion = \"3.11.0\"\n";
        assert_eq!(in_lock(lock, "rmcp"), "rmcp 3.11.0");
        assert_eq!(in_lock(lock, "rm"), "rm (unknown)");
        assert_eq!(in_package("{\n  \"version\": \"1.2.3\",\n}"), "1.2.3");
        assert!(
            sentence().starts_with("Versions: rmcp 3."),
            "{}",
            sentence()
        );
    }
}
