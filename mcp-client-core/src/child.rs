//! What is to be known about a server that is a child process: what it inherits, how it is ended,
//! and how much of what it says beside the protocol is kept.
//!
//! Nothing here starts, reads or signals anything: that is the loop's part.

use alloc::{borrow::ToOwned, collections::VecDeque, string::String, vec::Vec};
use core::time::Duration;
use std::ffi::{OsStr, OsString};

/// The variables that a server inherits unless it is given more: what programs need to run at all,
/// and nothing that may hold a secret.
#[cfg(not(windows))]
pub const INHERITED: &[&str] = &[
    "HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER",
];
/// The variables that a server inherits unless it is given more: what programs need to run at all,
/// and nothing that may hold a secret.
#[cfg(windows)]
pub const INHERITED: &[&str] = &[
    "APPDATA",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "PATH",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERPROFILE",
];

/// How a server is ended (2025-11-25, basic/lifecycle, "Shutdown", stdio): its input first, and
/// then, after so long each, in these ways.
pub const SHUTDOWN: [(Duration, Signal); 2] = [
    (Duration::from_secs(2), Signal::Terminate),
    (Duration::from_secs(2), Signal::Kill),
];

/// How long a server may still be heard after its process has ended, where another process holds
/// its pipes. Then it is as if they had been closed: nobody is there who would answer.
pub const LINGER: Duration = Duration::from_secs(2);

/// How a process is told to end.
#[expect(clippy::exhaustive_enums, reason = "there are two")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Asked: SIGTERM.
    Terminate,
    /// Made to: SIGKILL.
    Kill,
}

/// The whole environment of a server: of `ours`, what is [`INHERITED`], and `given`, where a value
/// of `None` takes a variable away.
///
/// ```
/// use mcp_client_core::child;
///
/// let ours = [("PATH", "/bin"), ("HOME", "/root"), ("TOKEN", "secret")];
/// let given = [("DEBUG", Some("1")), ("HOME", None)];
/// let server = child::environment(
///     ours.map(|(name, value)| (name.into(), value.into())),
///     given.iter().map(|(name, value)| (name.as_ref(), value.map(AsRef::as_ref))),
/// );
/// assert_eq!(server, [("PATH".into(), "/bin".into()), ("DEBUG".into(), "1".into())]);
/// ```
#[must_use]
pub fn environment<'a>(
    ours: impl IntoIterator<Item = (OsString, OsString)>,
    given: impl IntoIterator<Item = (&'a OsStr, Option<&'a OsStr>)>,
) -> Vec<(OsString, OsString)> {
    let mut variables: Vec<_> = ours
        .into_iter()
        .filter(|(name, value)| is_inherited(name, value))
        .collect();
    for (name, value) in given {
        variables.retain(|(other, _)| !is_same(other, name));
        variables.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }
    variables
}

fn is_inherited(name: &OsStr, value: &OsStr) -> bool {
    let known = INHERITED.iter().any(|known| is_same(name, known.as_ref()));
    // A value that is an exported shell function could run code in a shell below.
    known && !value.as_encoded_bytes().starts_with(b"()")
}

fn is_same(name: &OsStr, other: &OsStr) -> bool {
    if cfg!(windows) {
        name.eq_ignore_ascii_case(other)
    } else {
        name == other
    }
}

/// The end of what a server wrote to standard error: at most [`Tail::BYTES`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail(VecDeque<u8>);

impl Tail {
    /// 64 KiB: enough for a panic with its backtrace.
    pub const BYTES: usize = 64 * 1024;

    /// Takes in what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(Self::BYTES)..];
        let excess = (self.0.len() + bytes.len()).saturating_sub(Self::BYTES);
        self.0.drain(..excess);
        self.0.extend(bytes);
    }

    /// What is kept, as text as far as it is any.
    #[must_use]
    pub fn text(&self) -> String {
        let (front, back) = self.0.as_slices();
        String::from_utf8_lossy(&[front, back].concat()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn pairs(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    }

    #[test]
    fn a_server_inherits_what_programs_need_and_no_code() {
        let ours = pairs(&[
            ("PATH", "/bin"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("TERM", "() { evil; }"),
            ("LD_PRELOAD", "x.so"),
        ]);
        assert_eq!(environment(ours, []), pairs(&[("PATH", "/bin")]));
    }

    #[test]
    fn what_is_given_replaces_what_is_inherited() {
        let ours = pairs(&[("PATH", "/bin"), ("HOME", "/root")]);
        let given = [("PATH", Some("/opt")), ("TOKEN", Some("x")), ("HOME", None)];
        let given = given
            .iter()
            .map(|(name, value)| (OsStr::new(name), value.map(OsStr::new)));
        assert_eq!(
            environment(ours, given),
            pairs(&[("PATH", "/opt"), ("TOKEN", "x")])
        );
    }

    #[test]
    fn a_tail_keeps_the_last_of_it() {
        let mut tail = Tail::default();
        tail.push(&vec![b'a'; Tail::BYTES]);
        tail.push(b"the end");
        let text = tail.text();
        assert_eq!(text.len(), Tail::BYTES);
        assert!(text.starts_with('a') && text.ends_with("athe end"));
        tail.push(&vec![b'b'; 3 * Tail::BYTES]);
        assert_eq!(tail.text(), "b".repeat(Tail::BYTES));
    }
}
