//! Reading what can only be read by blocking: files, terminals, and all input outside of Unix.

use std::{
    io::{self, Read},
    pin::Pin,
    task::{Context, Poll, ready},
    thread,
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    sync::mpsc,
};

const READ_BYTES: usize = 64 * 1024;

/// What a thread of its own reads. Unlike one of the runtime's pool, a thread that waits for input
/// keeps neither the runtime nor the process from ending.
#[derive(Debug)]
pub(super) struct ThreadReader {
    chunks: mpsc::Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    taken: usize,
}

impl ThreadReader {
    pub(super) fn start(mut from: impl Read + Send + 'static) -> io::Result<Self> {
        // One chunk waits while the next is read; more stays with the peer.
        let (sender, chunks) = mpsc::channel(1);
        thread::Builder::new()
            .name("mcp-stdin".into())
            .spawn(move || {
                loop {
                    let mut chunk = vec![0; READ_BYTES];
                    let read = match from.read(&mut chunk) {
                        Ok(0) => return,
                        Ok(count) => {
                            chunk.truncate(count);
                            Ok(chunk)
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                        Err(error) => Err(error),
                    };
                    let failed = read.is_err();
                    if sender.blocking_send(read).is_err() || failed {
                        return;
                    }
                }
            })?;
        Ok(Self {
            chunks,
            chunk: Vec::new(),
            taken: 0,
        })
    }
}

impl AsyncRead for ThreadReader {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.taken == this.chunk.len() {
            match ready!(this.chunks.poll_recv(context)) {
                Some(Ok(chunk)) => (this.chunk, this.taken) = (chunk, 0),
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => return Poll::Ready(Ok(())),
            }
        }
        let rest = &this.chunk[this.taken..];
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..count]);
        this.taken += count;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn a_thread_reads_to_the_end() {
        let text = "0123456789".repeat(20_000);
        let mut reader = ThreadReader::start(io::Cursor::new(text.clone())).unwrap();
        let mut read = String::new();
        reader.read_to_string(&mut read).await.unwrap();
        assert!(read == text);
    }

    #[tokio::test]
    async fn a_failure_is_told() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let mut reader = ThreadReader::start(Broken).unwrap();
        assert_eq!(reader.read_u8().await.unwrap_err().to_string(), "broken");
    }
}
