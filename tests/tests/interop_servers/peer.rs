//! Other people's servers: how they are started, and what with.

use std::fmt;
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mcp_tests::peers;

/// A server, and how it is reached.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// To be started with a pipe.
    Pipe(&'a Peer),
    Http(&'a Running),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pipe(_) => "stdio",
            Self::Http(_) => "http",
        })
    }
}

/// A transport over HTTP.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Http {
    Streamable,
    /// The transport of 2024-11-05.
    Sse,
}

/// What a server is started with.
pub(crate) struct Peer {
    argv: Vec<String>,
    variables: Vec<(&'static str, String)>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Npm,
    Script,
}

impl Peer {
    pub(crate) fn npm(name: &str) -> Self {
        Self::new(Kind::Npm, [peers::node(), peers::npm_server(name)])
    }

    /// A committed script, which takes its port as an option.
    pub(crate) fn script(name: &str) -> Self {
        let interpreter = if name.ends_with(".mjs") {
            peers::node()
        } else {
            peers::python()
        };
        Self::new(Kind::Script, [interpreter, peers::scripts().join(name)])
    }

    fn new(kind: Kind, argv: [std::path::PathBuf; 2]) -> Self {
        Self {
            argv: argv.map(|path| path.display().to_string()).into(),
            variables: Vec::new(),
            kind,
        }
    }

    pub(crate) fn argument(mut self, argument: String) -> Self {
        self.argv.push(argument);
        self
    }

    pub(crate) fn variable(mut self, name: &'static str, value: String) -> Self {
        self.variables.push((name, value));
        self
    }

    /// The command that runs it on a pipe and records what passes.
    pub(crate) fn recorded(&self, log: &Path) -> Command {
        let argv: Vec<_> = self.argv.iter().map(String::as_str).collect();
        let argv = peers::recorded(log, &argv);
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it on a port of its own.
    pub(crate) fn serve(&self, way: Http) -> Running {
        let port = free_port();
        let path = if way == Http::Sse { "sse" } else { "mcp" };
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        match self.kind {
            Kind::Npm => {
                let way = if way == Http::Sse {
                    "sse"
                } else {
                    "streamableHttp"
                };
                command.arg(way).env("PORT", port.to_string());
            }
            Kind::Script => drop(command.args(["--port", &port.to_string()])),
        }
        let said = peers::scratch(&format!("server-{port}.log"));
        let output = File::create(&said).expect("the scratch folder is writable");
        let process = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a descriptor"))
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut running = Running {
            process,
            url: format!("http://127.0.0.1:{port}/{path}"),
        };
        running.wait(port, &said);
        running
    }
}

/// A server that runs until this is dropped.
pub(crate) struct Running {
    process: Child,
    url: String,
}

impl Running {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The exit code, once it has ended by itself.
    pub(crate) fn status(&mut self) -> Option<i32> {
        self.process.wait().ok()?.code()
    }

    fn wait(&mut self, port: u16, said: &Path) {
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = self.process.try_wait().expect("a child can be asked");
            assert!(
                ended.is_none() && Instant::now() < end,
                "it does not listen: {ended:?}\n{}",
                std::fs::read_to_string(said).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

// These servers do not tell which port they have been given, so one is chosen that was free just now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}
