//! The page that a server shows to a browser, in a real one.

use std::{
    fs,
    process::{Command, Output},
};

use mcp_tests::{peers, served::Served};

/// A Chromium without a window, in a profile of its own; `None` where there is none.
fn chromium(label: &str) -> Option<Command> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    let Some(name) = names.iter().copied().find(found) else {
        let _ = peers::skip("there is no Chromium here");
        return None;
    };
    let profile = peers::scratch(&format!("chromium-{label}"));
    let mut command = Command::new(name);
    command
        .args("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run".split(' '))
        .args("--disable-background-networking --disable-component-update".split(' '))
        .args("--disable-sync --enable-logging=stderr --virtual-time-budget=2000".split(' '))
        .arg(format!("--user-data-dir={}", profile.display()));
    Some(command)
}

fn check(fixture: &str, label: &str) {
    let Some(mut browser) = chromium(label) else {
        return;
    };
    let served = Served::fixture(fixture);
    let home = served.url().strip_suffix("mcp").expect("the endpoint");
    let output = browser.args(["--dump-dom", home]).output();
    let Output { stdout, stderr, .. } = output.expect("it can be run");
    let (page, log) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    for part in [
        "<title>Fixture · MCP server</title>",
        "<h1>Fixture</h1>",
        "<code>test_simple_text</code>",
        "Returns a fixed text.",
        "<code>test://static-text</code>",
        "<code>test_simple_prompt</code>",
        &format!(">{}</pre>", served.url()),
        "\"mcpServers\"",
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}\n{log}");
    }
    // What it prints of its own concerns are no complaints about the page.
    let complaints: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    // A browser that is sent to the endpoint itself sees the same.
    let mut browser = chromium(&format!("{label}-endpoint")).expect("it was there a moment ago");
    let output = browser.args(["--dump-dom", served.url()]).output();
    let page = output.expect("it can be run").stdout;
    assert!(String::from_utf8_lossy(&page).contains("<h1>Fixture</h1>"));
}

/// What shows that complaints would be seen.
#[test]
fn a_browser_complains_where_there_is_reason() {
    let Some(mut browser) = chromium("complaint") else {
        return;
    };
    let file = peers::scratch("complaint.html");
    let page = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\"><style>p{}</style>";
    fs::write(&file, page).expect("the scratch folder is writable");
    let url = format!("file://{}", file.display());
    let output = browser.args(["--dump-dom", &url]).output();
    let log = output.expect("it can be run").stderr;
    assert!(String::from_utf8_lossy(&log).contains("CONSOLE"));
}

macro_rules! bindings {
    ($($binding:ident: $fixture:literal,)*) => {$(
        #[test]
        fn $binding() {
            check(env!(concat!("CARGO_BIN_EXE_", $fixture)), $fixture);
        }
    )*};
}

bindings! {
    blocking_shows_its_page: "fixture-blocking",
    tokio_shows_its_page: "fixture-tokio",
    smol_shows_its_page: "fixture-smol",
    async_std_shows_its_page: "fixture-async-std",
}
