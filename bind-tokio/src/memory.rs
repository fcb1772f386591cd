//! Two connected ends in memory, for tests of servers and clients without a process or a socket.

use tokio::io::{DuplexStream, ReadHalf, WriteHalf, duplex, split};

/// Bytes that fit between the two ends before a writer has to wait: as a pipe's.
const CAPACITY: usize = 64 * 1024;

/// The reading side of one end.
pub type PipeReader = ReadHalf<DuplexStream>;
/// The writing side of one end. The other end's input ends when both sides of this one are dropped,
/// or when it is shut down.
pub type PipeWriter = WriteHalf<DuplexStream>;

/// Two ends: what is written to one is read from the other.
///
/// ```
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (mut client, mut server) = bind_tokio::memory_pair();
/// client.1.write_all(b"hello").await?;
/// drop(client);
/// let mut text = String::new();
/// server.0.read_to_string(&mut text).await?;
/// assert_eq!(text, "hello");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn memory_pair() -> ((PipeReader, PipeWriter), (PipeReader, PipeWriter)) {
    let (here, there) = duplex(CAPACITY);
    (split(here), split(there))
}
