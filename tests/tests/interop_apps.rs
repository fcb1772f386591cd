//! Our app, other people's hosts: what the example says of its page is accepted by the schemas of
//! `@modelcontextprotocol/ext-apps`, and is what that package's own server says.

use std::process::Command;

use mcp_tests::{
    peers::{self, Group},
    served::Served,
};

/// The checks of the script, its own end included.
const CHECKS: usize = 6;

fn drive(mode: &str, is_http: bool) {
    if !peers::setup(&[Group::Npm, Group::NpmApps]) {
        return;
    }
    let Some(app) = peers::example("app") else {
        return;
    };
    let mut arguments = vec!["--mode".to_owned(), mode.to_owned()];
    let served = is_http.then(|| Served::program(Command::new(&app).arg("0")));
    match &served {
        Some(served) => arguments.extend(["--url".to_owned(), served.url().to_owned()]),
        None => arguments.extend(["--".to_owned(), app.display().to_string()]),
    }
    let problems = peers::run_script("ts_apps_host.mjs", &arguments).problems(CHECKS);
    assert!(problems.is_empty(), "{mode}:\n{}", problems.join("\n"));
}

#[test]
fn a_host_of_2025_11_25_shows_our_app() {
    drive("legacy", false);
}

#[test]
fn a_host_of_2026_07_28_shows_our_app() {
    drive("auto", false);
}

#[test]
fn hosts_over_http_show_our_app() {
    drive("legacy", true);
    drive("auto", true);
}
