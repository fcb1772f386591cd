//! What happened, as one number; and as text, if somebody wants to read it.

use std::{
    cell::RefCell,
    fmt::{self, Write as _},
    rc::Rc,
};

/// The text of a trace, which outlives a run that ends in a panic.
pub(crate) type Text = Rc<RefCell<String>>;

/// FNV-1a over everything that happened.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    text: Option<Text>,
}

impl Trace {
    pub(crate) fn new(text: Option<Text>) -> Self {
        Self {
            hash: 0xCBF2_9CE4_8422_2325,
            text,
        }
    }

    /// Adds one event.
    pub(crate) fn note(&mut self, event: fmt::Arguments<'_>) {
        // Writing to memory cannot fail.
        let _ = writeln!(self, "{event}");
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}

impl fmt::Write for Trace {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for byte in part.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        if let Some(text) = &self.text {
            text.borrow_mut().push_str(part);
        }
        Ok(())
    }
}
