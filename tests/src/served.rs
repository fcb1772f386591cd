//! Programs that serve HTTP for the length of a test: a fixture, and the recorder in front of it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::peers;

/// A running server and its URL; it ends when this is dropped.
#[derive(Debug)]
pub struct Served {
    process: Child,
    // Kept open: the recorder serves until its input ends.
    stdin: Option<ChildStdin>,
    url: String,
}

impl Served {
    /// Starts `program http --port 0` and waits for the URL on its standard error.
    ///
    /// # Panics
    /// When it cannot be started or ends without printing one.
    #[must_use]
    pub fn fixture(program: &str) -> Self {
        Self::program(Command::new(program).args(["http", "--port", "0"]))
    }

    /// Starts a server and waits for the URL on its standard error.
    ///
    /// # Panics
    /// When it cannot be started or ends without printing one.
    #[must_use]
    pub fn program(command: &mut Command) -> Self {
        let mut process = spawn(command.stderr(Stdio::piped()));
        let stderr = process.stderr.take().expect("it is piped");
        let url = first_url(stderr, true);
        Self {
            process,
            stdin: None,
            url,
        }
    }

    /// Puts a recorder in front of `upstream`; use its [`Self::url`] instead.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn recorder(log: &Path, upstream: &str) -> Self {
        let mut command = peers::script("http_tee.py");
        command.arg(log).arg(upstream);
        let mut process = spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let stdout = process.stdout.take().expect("it is piped");
        let url = first_url(stdout, false);
        let stdin = process.stdin.take();
        Self {
            process,
            stdin,
            url,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends a recorder, so that its recording is complete.
    ///
    /// # Panics
    /// When it cannot be waited for.
    pub fn finish(mut self) {
        drop(self.stdin.take());
        self.process.wait().expect("a child can be waited for");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(command: &mut Command) -> Child {
    command
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"))
}

/// The first URL in what a program prints; the rest goes on to our standard error, so that its pipe
/// never fills.
fn first_url(output: impl Read + Send + 'static, pass_on: bool) -> String {
    let mut lines = BufReader::new(output).lines();
    let mut before = String::new();
    let url = loop {
        let line = lines
            .next()
            .unwrap_or_else(|| panic!("no URL was printed:\n{before}"));
        let line = line.expect("what it prints is text");
        if let Some(at) = line.find("http://") {
            let rest = &line[at..];
            break rest.split_whitespace().next().unwrap_or(rest).to_owned();
        }
        before += &line;
        before.push('\n');
    };
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if pass_on {
                eprintln!("{line}");
            }
        }
    });
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_found_in_what_is_printed() {
        let printed = "starting\nserving on http://127.0.0.1:8000/mcp now\nmore\n";
        assert_eq!(
            first_url(printed.as_bytes(), false),
            "http://127.0.0.1:8000/mcp"
        );
    }

    #[test]
    #[should_panic(expected = "no URL was printed:\nport is taken")]
    fn a_server_without_a_url_is_a_failure() {
        let _ = first_url("port is taken\n".as_bytes(), false);
    }
}
