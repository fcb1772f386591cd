//! Reads lines, writes lines: two system calls a call, and no JSON.

use std::io::{Read, Write};

use memchr::memchr;

fn main() -> std::io::Result<()> {
    let mut input = std::fs::File::from(owned(&std::io::stdin())?);
    let mut output = std::fs::File::from(owned(&std::io::stdout())?);
    let mut buffer = vec![0; 64 * 1024];
    let (mut start, mut seen, mut end) = (0, 0, 0);
    let null = bench_null::Null::default();
    let mut answers = Vec::new();
    loop {
        while let Some(length) = memchr(b'\n', &buffer[seen..end]) {
            let line_end = seen + length;
            let before = answers.len();
            null.answer(&buffer[start..line_end], &mut answers);
            if answers.len() > before {
                answers.push(b'\n');
            }
            start = line_end + 1;
            seen = start;
        }
        if !answers.is_empty() {
            output.write_all(&answers)?;
            answers.clear();
        }
        seen = end;
        if start > 0 {
            buffer.copy_within(start..end, 0);
            (seen, end, start) = (seen - start, end - start, 0);
        }
        if end == buffer.len() {
            buffer.resize(end * 2, 0);
        }
        match input.read(&mut buffer[end..])? {
            0 => return Ok(()),
            read => end += read,
        }
    }
}

/// The stream without the buffer and the lock that std puts around it.
fn owned(stream: &impl std::os::fd::AsFd) -> std::io::Result<std::os::fd::OwnedFd> {
    stream.as_fd().try_clone_to_owned()
}
