//! The bytes of a request's body, taken out of the connection's.

use super::head::Malformed;

/// Longest line that tells a chunk's size, with its extensions.
const SIZE_LINE_BYTES: usize = 256;
/// Bytes of trailers, which nobody reads.
const TRAILER_BYTES: usize = 8 * 1024;

/// Where in its body a connection is (RFC 9112 §6 and §7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BodyDecoder(Place);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// So many bytes are left.
    Sized(u64),
    /// Before the line that tells a chunk's size.
    Size,
    /// In a chunk with so many bytes left.
    Chunk(u64),
    /// Between a chunk and the next one's size.
    ChunkEnd,
    /// In the trailers, so many bytes of which were read.
    Trailers(usize),
    Done,
}

impl BodyDecoder {
    pub(super) fn sized(length: u64) -> Self {
        Self(if length == 0 {
            Place::Done
        } else {
            Place::Sized(length)
        })
    }

    pub(super) fn chunked() -> Self {
        Self(Place::Size)
    }

    pub(super) fn is_done(&self) -> bool {
        self.0 == Place::Done
    }

    /// The next bytes of the body, and how many of the input's they end at; `None` where more input
    /// is needed or the body is done, so many bytes of the input being used up.
    pub(super) fn decode<'a>(
        &mut self,
        input: &'a [u8],
    ) -> Result<(usize, Option<&'a [u8]>), Malformed> {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            match &mut self.0 {
                Place::Done => return Ok((used, None)),
                Place::Sized(left) | Place::Chunk(left) => {
                    let take = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    if take == 0 {
                        return Ok((used, None));
                    }
                    *left -= take as u64;
                    if *left == 0 {
                        let sized = matches!(self.0, Place::Sized(_));
                        self.0 = if sized { Place::Done } else { Place::ChunkEnd };
                    }
                    return Ok((used + take, Some(&rest[..take])));
                }
                Place::Size => match read_size(rest)? {
                    Some((line, 0)) => {
                        used += line;
                        self.0 = Place::Trailers(0);
                    }
                    Some((line, size)) => {
                        used += line;
                        self.0 = Place::Chunk(size);
                    }
                    None => return Ok((used, None)),
                },
                Place::ChunkEnd => match rest {
                    [b'\r', b'\n', ..] => {
                        used += 2;
                        self.0 = Place::Size;
                    }
                    [] | [b'\r'] => return Ok((used, None)),
                    _ => return Err(Malformed::new("a chunk does not end where it should")),
                },
                Place::Trailers(seen) => match read_trailer(rest, seen)? {
                    Some(2) => {
                        used += 2;
                        self.0 = Place::Done;
                    }
                    Some(line) => used += line,
                    None => return Ok((used, None)),
                },
            }
        }
    }
}

// The length of the line, and the size it tells: digits, and nothing around them but an extension,
// which nobody reads. What else others accept here is how requests are smuggled past them.
fn read_size(input: &[u8]) -> Result<Option<(usize, u64)>, Malformed> {
    const BAD: Malformed = Malformed::new("a chunk's size cannot be read");
    let line = &input[..input.len().min(SIZE_LINE_BYTES)];
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit());
    let (digits, extension) = line.split_at(digits.count());
    if digits.len() > 16 || digits.is_empty() && !line.is_empty() {
        return Err(BAD);
    }
    let end = match extension {
        [] => None,
        [b'\r'] => None,
        [b'\r', b'\n', ..] => Some(digits.len() + 2),
        [b';', ..] => line
            .windows(2)
            .position(|pair| pair == b"\r\n")
            .map(|at| at + 2),
        _ => return Err(BAD),
    };
    match end {
        Some(end) => {
            let digits = std::str::from_utf8(digits).map_err(|_| BAD)?;
            let size = u64::from_str_radix(digits, 16).map_err(|_| BAD)?;
            Ok(Some((end, size)))
        }
        None if line.len() < SIZE_LINE_BYTES => Ok(None),
        None => Err(BAD),
    }
}

// The length of the line.
fn read_trailer(input: &[u8], seen: &mut usize) -> Result<Option<usize>, Malformed> {
    const TOO_LONG: Malformed = Malformed::new("the trailers are too long");
    match input.windows(2).position(|pair| pair == b"\r\n") {
        Some(end) => {
            *seen += end + 2;
            (*seen <= TRAILER_BYTES)
                .then_some(Some(end + 2))
                .ok_or(TOO_LONG)
        }
        None if *seen + input.len() < TRAILER_BYTES => Ok(None),
        None => Err(TOO_LONG),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The body, and how many bytes come after it.
    fn all(
        mut decoder: BodyDecoder,
        input: &[u8],
        step: usize,
    ) -> Result<(Vec<u8>, usize), Malformed> {
        let (mut body, mut held) = (Vec::new(), Vec::new());
        let mut rest = input;
        while !decoder.is_done() {
            let (used, data) = decoder.decode(&held)?;
            body.extend_from_slice(data.unwrap_or_default());
            held.drain(..used);
            if used == 0 && !decoder.is_done() {
                assert!(!rest.is_empty(), "the body does not end");
                let (now, later) = rest.split_at(step.min(rest.len()));
                held.extend_from_slice(now);
                rest = later;
            }
        }
        Ok((body, held.len() + rest.len()))
    }

    #[test]
    fn bodies_end_where_they_say() {
        let chunked = b"3\r\nabc\r\n1;ext=\"x\"\r\nd\r\n0\r\nTrailer: 1\r\n\r\nGET";
        for step in 1..chunked.len() {
            let (body, after) = all(BodyDecoder::chunked(), chunked, step).unwrap();
            assert_eq!((body.as_slice(), after), (&b"abcd"[..], 3));
            let (body, after) = all(BodyDecoder::sized(4), b"abcdGET", step).unwrap();
            assert_eq!((body.as_slice(), after), (&b"abcd"[..], 3));
        }
        assert!(BodyDecoder::sized(0).is_done());
    }

    #[test]
    fn chunks_that_lie_are_refused() {
        for input in [
            "x\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            " 5\r\nhello\r\n0\r\n\r\n",
            "-1\r\n",
            "\r\n",
            "0x5\r\n",
            "fffffffffffffffff\r\n",
            "3\r\nabcd\r\n",
            "3\r\nabc\n",
            "3\nabc\n",
            "3 \r\nabc\r\n0\r\n\r\n",
            ";ext\r\n",
        ] {
            assert!(
                all(BodyDecoder::chunked(), input.as_bytes(), 64).is_err(),
                "{input:?}"
            );
        }
    }

    #[test]
    fn what_is_around_the_chunks_has_a_limit() {
        let fits = |input: &str, step| all(BodyDecoder::chunked(), input.as_bytes(), step).is_ok();
        let line = |bytes: usize| {
            let extension = "x".repeat(bytes - "1;\r\n".len());
            format!("1;{extension}\r\nd\r\n0\r\n\r\n")
        };
        let one = |bytes: usize| {
            let trailer = "x".repeat(bytes - "X: \r\n\r\n".len());
            format!("0\r\nX: {trailer}\r\n\r\n")
        };
        let many = |bytes: usize| {
            let last = "x".repeat(bytes % 6);
            let trailers = "X: 1\r\n".repeat(bytes / 6 - 1);
            format!("0\r\n{trailers}{last}X:\r\n\r\n")
        };
        for step in [1, 64, 10_000] {
            assert!(fits(&line(SIZE_LINE_BYTES), step));
            assert!(!fits(&line(SIZE_LINE_BYTES + 1), step));
            for trailers in [&one as &dyn Fn(usize) -> String, &many] {
                assert_eq!(trailers(TRAILER_BYTES).len(), "0\r\n".len() + TRAILER_BYTES);
                assert!(fits(&trailers(TRAILER_BYTES), step));
                assert!(!fits(&trailers(TRAILER_BYTES + 1), step));
            }
        }
        // What cannot end within the limit any more is refused before more of it comes.
        let endless = |first: &str, bytes: usize| {
            let input = format!("{first}{}", "x".repeat(bytes));
            BodyDecoder::chunked().decode(input.as_bytes()).is_ok()
        };
        assert!(endless("1;", SIZE_LINE_BYTES - 3) && !endless("1;", SIZE_LINE_BYTES - 2));
        assert!(endless("0\r\n", TRAILER_BYTES - 1) && !endless("0\r\n", TRAILER_BYTES));
    }
}
