//! The pipes to a child process, where nobody can be called back from them.

use std::{
    io,
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
};

use super::stream::Plain;

/// Nothing: reading ends with the pipe.
#[derive(Debug)]
pub(super) struct HangUp;

/// The server's standard streams.
pub(super) struct Pipes {
    pub(super) input: Plain<ChildStdin>,
    pub(super) output: ChildStdout,
    pub(super) errors: ChildStderr,
    pub(super) hang_up: HangUp,
    pub(super) errors_hang_up: HangUp,
}

impl Pipes {
    /// Takes the streams of a child that was started with pipes.
    pub(super) fn of(child: &mut Child) -> io::Result<Self> {
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other(
                "the server's standard streams are no pipes",
            ));
        };
        Ok(Self {
            input: Plain(input),
            output,
            errors,
            hang_up: HangUp,
            errors_hang_up: HangUp,
        })
    }
}
