//! The Model Context Protocol's vocabulary, without I/O.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod base64;
mod binding;
pub mod encode;
pub mod frame;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "http")]
pub mod http;
pub mod json;
pub mod limits;
pub mod meta;
pub mod method;
pub mod page;
pub mod pump;
pub mod request;
pub mod rpc;
pub mod time;
pub mod types;
pub mod uri;
pub mod version;

mod wire;
