//! Servers as processes.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::conn::Conn;
use crate::proc::Watched;
use crate::roster::Entry;
use crate::wire::{Era, Head, Transport};

/// A running server. It is killed when this is dropped, or when it has taken too long.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pipes: Option<(File, File)>,
    address: Option<SocketAddr>,
    path: &'static str,
    // Its end tells the watchdog that all is well.
    _watchdog: Sender<()>,
}

impl Server {
    /// Starts it, under another program if one is given, and waits until it can be reached.
    pub(crate) fn start(
        entry: &Entry,
        transport: Transport,
        under: &[String],
        limit: Duration,
    ) -> Result<Self, String> {
        let command = entry.command(transport).ok_or("it has no such server")?;
        for file in command.iter().filter(|word| word.is_absolute()) {
            if !file.exists() {
                return Err(format!("not built: {}", file.display()));
            }
        }
        let mut words = under.iter().map(Into::into).collect::<Vec<_>>();
        words.extend(command.iter().map(|word| word.clone().into_os_string()));
        let address = match transport {
            Transport::Stdio => {
                words.push("stdio".into());
                None
            }
            Transport::Http => {
                let address = free_address().map_err(|error| error.to_string())?;
                words.extend(["http", "--port"].map(Into::into));
                words.push(address.port().to_string().into());
                Some(address)
            }
        };
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stderr(log(entry.name)?);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", Path::new(&words[0]).display()))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("no pipes".to_owned());
        };
        let input = File::from(std::os::fd::OwnedFd::from(stdin));
        let output = File::from(std::os::fd::OwnedFd::from(stdout));
        let mut server = Self {
            _watchdog: watchdog(child.id(), limit),
            child,
            pipes: Some((input, output)),
            address,
            path: entry.path,
        };
        if let Some(address) = address {
            server.wait_for(address)?;
        }
        Ok(server)
    }

    fn wait_for(&mut self, address: SocketAddr) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(address).is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("it ended at once: {status}"));
            }
            if Instant::now() > deadline {
                return Err("it does not listen".to_owned());
            }
            sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    pub(crate) fn watched(&self) -> Watched {
        Watched(self.child.id())
    }

    /// What the requests of a client begin with.
    pub(crate) fn head(&self, era: Era) -> Option<Head> {
        self.address.map(|address| Head {
            authority: address.to_string(),
            path: self.path,
            era,
            session: None,
        })
    }

    /// A connection: the pipe, of which there is one, or another socket.
    pub(crate) fn connect(&mut self) -> Result<Conn, String> {
        let made = match self.address {
            None => self
                .pipes
                .take()
                .map(|(input, output)| Conn::pipe(input, output)),
            Some(address) => {
                let socket = TcpStream::connect(address).map_err(|error| error.to_string())?;
                Some(Conn::socket(socket).map_err(|error| error.to_string())?)
            }
        };
        made.ok_or_else(|| "its pipe is in use".to_owned())
    }

    /// Lets it end by itself: its input ends, and a server on a socket gets SIGTERM. Needed where
    /// something is written at its end.
    pub(crate) fn finish(mut self) -> Result<(), String> {
        drop(self.pipes.take());
        if self.address.is_some() {
            signal_process(self.served(), Signal::TERM);
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return Ok(());
            }
            sleep(Duration::from_millis(5));
        }
        Err("it does not end".to_owned())
    }

    /// The server itself, where the program that it runs under has started it as a child.
    fn served(&self) -> u32 {
        let pid = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let first = children
            .ok()
            .and_then(|text| text.split_whitespace().next()?.parse().ok());
        first.unwrap_or(pid)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal_process(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended.
        let _ = kill_process(pid, signal);
    }
}

/// Kills a process after so long, unless what is returned has been dropped by then.
pub(crate) fn watchdog(pid: u32, limit: Duration) -> Sender<()> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        use std::sync::mpsc::RecvTimeoutError::Timeout;
        if receiver.recv_timeout(limit) == Err(Timeout) {
            signal_process(pid, Signal::KILL);
        }
    });
    sender
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// Where a server's standard error goes.
fn log(name: &str) -> Result<File, String> {
    let folder = crate::roster::folder().join("target/logs");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    File::create(folder.join(name)).map_err(|error| error.to_string())
}
