//! The path by which generated code reaches mcp-server-core.
//!
//! Callers depend on a binding, which exports the core as `__core`, or on the core itself. Which of
//! them, and under which name, is written in the caller's manifest.

use std::{fs, path::Path, path::PathBuf};

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

/// The packages that have a `__core`; the core first, since the others are a step further away.
const PACKAGES: [&str; 4] = [
    "mcp-server-core",
    "bind-blocking",
    "bind-tokio",
    "bind-async-std",
];

/// `override_path` is what the attribute's option `crate` says.
pub(crate) fn core_path(override_path: Option<&syn::Path>) -> syn::Result<TokenStream> {
    if let Some(path) = override_path {
        return Ok(quote!(#path::__core));
    }
    let name =
        std::env::var_os("CARGO_MANIFEST_DIR").and_then(|folder| find(&PathBuf::from(folder)));
    let Some(name) = name else {
        return Err(syn::Error::new(
            Span::call_site(),
            "cannot see which crate to reach mcp-server-core through: add bind-blocking, bind-tokio, bind-async-std or \
             mcp-server-core to the dependencies, or say it with `crate = path::to::one`",
        ));
    };
    let name = Ident::new(&name.replace('-', "_"), Span::call_site());
    Ok(quote!(::#name::__core))
}

/// The name of the first of the packages that the manifest in `folder` depends on.
fn find(folder: &Path) -> Option<String> {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    let dependencies = dependencies(&manifest);
    let inherited = || {
        let roots = folder
            .ancestors()
            .skip(1)
            .map(|folder| folder.join("Cargo.toml"));
        let mut texts = roots.filter_map(|path| fs::read_to_string(path).ok());
        texts
            .find(|text| text.contains("[workspace"))
            .map(|text| self::dependencies(&text))
            .unwrap_or_default()
    };
    choose(&dependencies, inherited).or_else(|| own_name(&manifest))
}

fn choose(dependencies: &[Dependency], inherited: impl Fn() -> Vec<Dependency>) -> Option<String> {
    let own = dependencies
        .iter()
        .filter(|dependency| dependency.section != Section::Workspace);
    let mut named: Vec<(usize, &Dependency)> = own
        .filter_map(|dependency| {
            let package = if dependency.inherited {
                let all = inherited();
                let above = all.iter().find(|above| {
                    above.section == Section::Workspace && above.key == dependency.key
                });
                above.map_or_else(
                    || dependency.key.clone(),
                    |above| above.package().to_owned(),
                )
            } else {
                dependency.package().to_owned()
            };
            Some((
                PACKAGES.iter().position(|known| *known == package)?,
                dependency,
            ))
        })
        .collect();
    // What is certainly there, before what only tests have and what a feature may turn off.
    named.sort_by_key(|(rank, dependency)| {
        (
            dependency.optional,
            dependency.section == Section::Dev,
            *rank,
        )
    });
    named.first().map(|(_, dependency)| dependency.key.clone())
}

/// The core's own tests and examples name it by its own name.
fn own_name(manifest: &str) -> Option<String> {
    let mut in_package = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            in_package = line == "[package]";
        } else if in_package {
            let name = line
                .split_once('=')
                .filter(|(key, _)| key.trim() == "name")
                .and_then(|(_, value)| string(value));
            if let Some(name) = name {
                return PACKAGES.contains(&&*name).then_some(name);
            }
        }
    }
    None
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Normal,
    Dev,
    Workspace,
}

#[derive(Debug)]
struct Dependency {
    section: Section,
    key: String,
    renamed: Option<String>,
    inherited: bool,
    optional: bool,
}

impl Dependency {
    fn package(&self) -> &str {
        self.renamed.as_deref().unwrap_or(&self.key)
    }
}

/// The dependencies in a manifest. TOML as far as dependencies are written in practice: tables,
/// inline tables and dotted keys, each on a line of its own.
fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    // The section that lines belong to, and the dependency where the section is its table.
    let mut place: Option<(Section, Option<String>)> = None;
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            place = header.split(']').next().and_then(section);
            continue;
        }
        let (Some((section, table)), Some((key, value))) = (&place, line.split_once('=')) else {
            continue;
        };
        let (name, settings) = match table {
            Some(name) => (name.clone(), format!("{} = {}", key.trim(), value)),
            None => match key.trim().split_once('.') {
                Some((name, setting)) => (name.to_owned(), format!("{setting} = {value}")),
                None => (key.trim().to_owned(), value.to_owned()),
            },
        };
        let name = name.trim_matches(['"', '\'']).to_owned();
        if name.starts_with('#') {
            continue;
        }
        let known = found
            .iter()
            .position(|dependency| dependency.section == *section && dependency.key == name);
        let index = known.unwrap_or_else(|| {
            let (renamed, inherited, optional) = (None, false, false);
            found.push(Dependency {
                section: *section,
                key: name,
                renamed,
                inherited,
                optional,
            });
            found.len() - 1
        });
        let dependency = &mut found[index];
        dependency.renamed = setting(&settings, "package")
            .and_then(string)
            .or_else(|| dependency.renamed.take());
        dependency.inherited |= setting(&settings, "workspace").is_some_and(is_true);
        dependency.optional |= setting(&settings, "optional").is_some_and(is_true);
    }
    found
}

/// Which dependencies the section `header` lists, or whose table it is.
fn section(header: &str) -> Option<(Section, Option<String>)> {
    let header = header.trim();
    let kinds = [
        ("workspace.dependencies", Section::Workspace),
        ("dev-dependencies", Section::Dev),
        ("dependencies", Section::Normal),
    ];
    kinds.into_iter().find_map(|(name, section)| {
        // `target.'cfg(…)'.dependencies` ends in the same words.
        let (before, after) = header.rsplit_once(name)?;
        let begins = before.is_empty() || (before.starts_with("target.") && before.ends_with('.'));
        let table = after
            .strip_prefix('.')
            .map(|table| table.trim_matches(['"', '\'']).to_owned());
        (begins && (after.is_empty() || table.is_some())).then_some((section, table))
    })
}

/// What follows `name =` in an inline table or on a line.
fn setting<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.match_indices(name).find_map(|(at, _)| {
        let before = text[..at].trim_end();
        let begins = before.is_empty() || before.ends_with(['{', ',']);
        let value = text[at + name.len()..].trim_start().strip_prefix('=')?;
        begins.then_some(value.trim_start())
    })
}

fn string(value: &str) -> Option<String> {
    let value = value.trim_start();
    let quote = value
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''))?;
    value[1..]
        .split_once(quote)
        .map(|(text, _)| text.to_owned())
}

fn is_true(value: &str) -> bool {
    value.starts_with("true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(manifest: &str, root: &str) -> Option<String> {
        choose(&dependencies(manifest), || dependencies(root)).or_else(|| own_name(manifest))
    }

    #[test]
    fn dependencies_are_found_however_they_are_written() {
        const ROWS: &[(&str, &str)] = &[
            ("[dependencies]\nbind-blocking = \"0.1\"", "bind-blocking"),
            (
                "[dependencies]\n\"bind-blocking\" = { path = \"x\" }",
                "bind-blocking",
            ),
            ("[dependencies]\nbind-tokio.workspace = true", "bind-tokio"),
            (
                "[dependencies]\nmcp = { version = \"1\", package = \"bind-tokio\" } # why",
                "mcp",
            ),
            (
                "[dependencies.mcp]\nversion = \"1\"\npackage = 'bind-async-std'\n",
                "mcp",
            ),
            ("[dependencies.bind-tokio]\nversion = \"1\"", "bind-tokio"),
            (
                "[target.'cfg(unix)'.dependencies]\nbind-tokio = \"1\"",
                "bind-tokio",
            ),
            (
                "[target.'cfg(unix)'.dependencies.bind-tokio]\npath = \"1\"",
                "bind-tokio",
            ),
            (
                "[dev-dependencies]\nbind-tokio = \"1\"\n[dependencies]\nbind-blocking = \"1\"",
                "bind-blocking",
            ),
            (
                "[dependencies]\nbind-tokio = \"1\"\nmcp-server-core = \"1\"",
                "mcp-server-core",
            ),
            (
                "[dependencies]\nmcp-server-core = { version = \"1\", optional = true }\nbind-tokio = \"1\"",
                "bind-tokio",
            ),
            (
                "[dependencies]\n# mcp-server-core = \"1\"\nbind-tokio = \"1\"",
                "bind-tokio",
            ),
            (
                "[package]\nname = \"mcp-server-core\"\n[dependencies]\nserde = \"1\"",
                "mcp-server-core",
            ),
            (
                "[dependencies]\nours = { workspace = true, features = [\"x\"] }",
                "ours",
            ),
            ("[dependencies]\nours.workspace = true", "ours"),
        ];
        let root = "[workspace]\n[workspace.dependencies]\nours = { package = \"bind-blocking\", path = \"x\" }";
        for (manifest, expected) in ROWS {
            assert_eq!(
                found(manifest, root).as_deref(),
                Some(*expected),
                "{manifest}"
            );
        }
    }

    #[test]
    fn what_only_looks_alike_is_not_taken() {
        const ROWS: &[&str] = &[
            "",
            "[build-dependencies]\nbind-tokio = \"1\"",
            "[package.metadata.dependencies]\nbind-tokio = \"1\"",
            "[features]\nbind-tokio = []",
            "[dependencies]\nbind-tokio-extras = \"1\"\nbind-tokio = { package = \"other\" }",
            "[workspace.dependencies]\nbind-tokio = \"1\"",
            "[package]\nname = \"other\"",
        ];
        for manifest in ROWS {
            assert_eq!(found(manifest, ""), None, "{manifest}");
        }
    }
}
