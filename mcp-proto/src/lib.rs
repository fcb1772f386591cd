//! The Model Context Protocol's vocabulary, without I/O.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod json;
pub mod time;
pub mod version;
