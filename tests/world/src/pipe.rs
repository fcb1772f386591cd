//! One direction of a byte stream. It loses nothing and reorders nothing, but it cuts, waits and
//! breaks as it likes.

use std::collections::VecDeque;

/// How bytes come through.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Only where a step says so.
    Stopped,
    /// At once, in pieces of at most so many bytes.
    Pieces(usize),
}

/// One direction of a byte stream.
#[derive(Debug)]
pub(crate) struct Pipe {
    bytes: VecDeque<u8>,
    pub(crate) flow: Flow,
    /// How much it holds before its writer has to wait.
    room: usize,
    /// Its writer writes nothing more.
    ended: bool,
    /// Its reader was told so.
    told: bool,
    /// What is written goes nowhere.
    broken: bool,
}

impl Pipe {
    pub(crate) fn new(room: usize) -> Self {
        Self {
            bytes: VecDeque::new(),
            flow: Flow::Pieces(usize::MAX),
            room,
            ended: false,
            told: false,
            broken: false,
        }
    }

    /// Takes as much of the front of `bytes` as there is room for. Tells whether it took any.
    pub(crate) fn write(&mut self, bytes: &mut Vec<u8>) -> bool {
        if self.broken || self.ended {
            let any = !bytes.is_empty();
            bytes.clear();
            return any;
        }
        let count = self.room.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend(bytes.drain(..count));
        count > 0
    }

    /// Somebody else writes, between two messages if the writer is between two.
    pub(crate) fn intrude(&mut self, text: &str) {
        if !self.broken && !self.ended {
            self.bytes.extend(text.bytes());
        }
    }

    /// The writer writes nothing more.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// It breaks: the last `lost` bytes are lost, and the reader sees the end after the others.
    pub(crate) fn cut(&mut self, lost: usize) {
        let left = self.bytes.len().saturating_sub(lost);
        self.bytes.truncate(left);
        self.ended = true;
        self.broken = true;
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether all was read that was written.
    pub(crate) fn is_dry(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes come through now without a step of their own.
    pub(crate) fn due(&self) -> usize {
        match self.flow {
            Flow::Stopped => 0,
            Flow::Pieces(most) => most.min(self.bytes.len()),
        }
    }

    /// At most so many bytes.
    pub(crate) fn read(&mut self, most: usize) -> Vec<u8> {
        let count = most.min(self.bytes.len());
        self.bytes.drain(..count).collect()
    }

    /// Whether the reader is to be told of the end now; once.
    pub(crate) fn take_end(&mut self) -> bool {
        let due = self.ended && !self.told && self.bytes.is_empty();
        self.told |= due;
        due
    }
}
