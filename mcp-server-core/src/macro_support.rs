//! What the attribute macros' code calls. No part of the public interface.

pub use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
pub use core::pin::Pin;

use mcp_proto::json::Json;
use serde::Serialize;

use crate::error::ToolError;

/// A value of an attribute's `meta(…)`. What is no JSON becomes `null`.
#[must_use]
pub fn json<T: Serialize + ?Sized>(value: &T) -> Json {
    Json::new(value).unwrap_or_else(|_| Json::null())
}

/// For arguments that were all there and are not: never seen.
#[must_use]
pub fn unread() -> ToolError {
    ToolError::internal("an argument was neither read nor refused")
}

/// A parameter's default, to be told in the schema where it can be serialized.
///
/// `(&DefaultOf(&value)).json()` finds the first of the two traits that applies.
#[derive(Debug)]
pub struct DefaultOf<'a, T>(pub &'a T);

/// For values that can be serialized.
pub trait WrittenDefault {
    /// The value's JSON, unless it is `null`.
    fn json(&self) -> Option<Json>;
}

impl<T: Serialize> WrittenDefault for DefaultOf<'_, T> {
    fn json(&self) -> Option<Json> {
        Json::new(self.0).ok().filter(|json| !json.is_null())
    }
}

/// For the others.
pub trait UnknownDefault {
    /// Nothing.
    fn json(&self) -> Option<Json>;
}

impl<T> UnknownDefault for &DefaultOf<'_, T> {
    fn json(&self) -> Option<Json> {
        None
    }
}
