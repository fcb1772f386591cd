//! Times a client's calls, one at a time, and prints what the comparison reads.

use std::time::{Duration, Instant};

/// What a client program is to do: `CLIENT COUNT COMMAND [ARGUMENT]...`.
#[derive(Debug)]
pub struct Job {
    /// How many calls to time.
    pub count: usize,
    /// The server to start.
    pub command: std::process::Command,
}

impl Job {
    /// Reads the program's arguments.
    ///
    /// # Panics
    /// When they are not as they should be.
    #[must_use]
    pub fn from_arguments() -> Self {
        let mut arguments = std::env::args().skip(1);
        let count = arguments.next().and_then(|text| text.parse().ok());
        let program = arguments.next();
        let (Some(count), Some(program)) = (count, program) else {
            panic!("usage: CLIENT COUNT COMMAND [ARGUMENT]...");
        };
        let mut command = std::process::Command::new(program);
        command.args(arguments);
        Self { count, command }
    }
}

/// The text that a client sends and must get back: 64 bytes.
pub const MESSAGE: &str = "The quick brown fox jumps over the lazy dog, again and again and";

/// The durations of calls.
#[derive(Debug)]
pub struct Stopwatch {
    calls: Vec<Duration>,
    started: Instant,
    last: Instant,
    cpu: Duration,
}

impl Stopwatch {
    /// Starts with the first call.
    #[must_use]
    pub fn start(count: usize) -> Self {
        let now = Instant::now();
        Self {
            calls: Vec::with_capacity(count),
            started: now,
            last: now,
            cpu: cpu(),
        }
    }

    /// One call has ended with this text, and the next one starts.
    ///
    /// # Panics
    /// When the text is not [`MESSAGE`].
    pub fn lap(&mut self, text: &str) {
        assert_eq!(text, MESSAGE, "the server answered something else");
        let now = Instant::now();
        self.calls.push(now - self.last);
        self.last = now;
    }

    /// Prints calls per second, p50 and p99 in nanoseconds, and CPU nanoseconds a call.
    pub fn print(mut self) {
        let count = self.calls.len().max(1);
        let cpu = (cpu() - self.cpu).as_nanos() / count as u128;
        let rate = count as f64 / (self.last - self.started).as_secs_f64().max(1e-9);
        self.calls.sort_unstable();
        let at = |share: f64| {
            let index = ((count - 1) as f64 * share) as usize;
            self.calls.get(index).map_or(0, Duration::as_nanos)
        };
        println!("{rate:.0} {} {} {cpu}", at(0.5), at(0.99));
    }
}

/// The CPU time of this process so far, its ended threads included.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}
