//! What the kernel knows of a process.

use std::time::Duration;

/// A process that is looked at from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched(pub(crate) u32);

/// Kibibytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) peak: u64,
    /// Resident and its own: what grows with what it holds.
    pub(crate) own: u64,
}

impl Watched {
    /// CPU time so far, ended threads included.
    pub(crate) fn cpu(self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        let second = rustix::param::clock_ticks_per_second().max(1);
        Duration::from_secs_f64(ticks as f64 / second as f64)
    }

    pub(crate) fn memory(self) -> Memory {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.and_then(|text| text.parse().ok()).unwrap_or(0)
        };
        Memory {
            resident: field("VmRSS:"),
            peak: field("VmHWM:"),
            own: field("RssAnon:"),
        }
    }

    /// Lets the peak start anew from what is resident now.
    pub(crate) fn reset_peak(self) {
        // Where it is not allowed, the peak is that of the whole life.
        let _ = std::fs::write(format!("/proc/{}/clear_refs", self.0), "5");
    }
}

/// As many open files as the system allows; children inherit it.
pub(crate) fn allow_many_files() {
    let resource = rustix::process::Resource::Nofile;
    let mut limit = rustix::process::getrlimit(resource);
    limit.current = limit.maximum;
    // What then cannot be opened fails by itself.
    let _ = rustix::process::setrlimit(resource, limit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory() {
        let memory = Watched(std::process::id()).memory();
        assert!(memory.own > 0 && memory.own <= memory.resident);
        assert!(memory.resident <= memory.peak);
    }
}
