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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;

    #[test]
    fn what_is_no_json_is_null() {
        assert_eq!(json("a \"b\"").as_str(), r#""a \"b\"""#);
        assert_eq!(json(&[1, 2]).as_str(), "[1,2]");
        let no_json = BTreeMap::from([([1, 2], 3)]);
        assert_eq!(json(&no_json), Json::null());
    }

    #[test]
    fn an_argument_that_is_neither_read_nor_refused_is_the_servers_fault() {
        assert!(unread().is_internal());
    }

    #[test]
    fn a_default_is_told_where_it_can_be() {
        struct NoJson;
        // As the macro writes it, for a parameter whose type it does not know.
        macro_rules! told {
            ($value:expr) => {{
                let value = $value;
                (&DefaultOf(&value)).json()
            }};
        }
        assert_eq!(told!(7), Some(Json::new(&7).unwrap()));
        assert_eq!(told!("x"), Some(Json::new("x").unwrap()));
        assert_eq!(told!(None::<u8>), None, "as if there were none");
        assert_eq!(told!(BTreeMap::from([([1, 2], 3)])), None);
        assert_eq!(told!(NoJson), None);
    }
}
