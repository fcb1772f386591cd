//! Log messages.

use super::Meta;
use crate::{
    json::Json,
    wire::{names, wire},
};
use alloc::string::String;

names! {
    /// The severities of RFC 5424, least severe first, so that they compare.
    pub enum LoggingLevel {
        /// Details for whoever debugs.
        Debug = "debug",
        /// What goes on.
        Info = "info",
        /// Normal, but worth noting.
        Notice = "notice",
        /// Something may be wrong.
        Warning = "warning",
        /// Something failed.
        Error = "error",
        /// A component failed.
        Critical = "critical",
        /// Somebody must act at once.
        Alert = "alert",
        /// The system is unusable.
        Emergency = "emergency",
    }
}

wire! {
    /// Parameters of `logging/setLevel`; gone in 2026-07-28, where requests carry a level.
    pub struct SetLevelParams {
        /// The least severity to send.
        pub level: LoggingLevel = "level",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl SetLevelParams {
    /// Asks for messages of this severity and above.
    #[must_use]
    pub fn new(level: LoggingLevel) -> Self {
        Self { level, meta: None }
    }
}

wire! {
    /// Parameters of `notifications/message`.
    pub struct LogParams {
        /// The severity.
        pub level: LoggingLevel = "level",
        /// Which part of the server speaks.
        pub logger: Option<String> = opt "logger",
        /// What it says: a string or any other value.
        pub data: Json = "data",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl LogParams {
    /// A message.
    #[must_use]
    pub fn new(level: LoggingLevel, data: Json) -> Self {
        Self {
            level,
            logger: None,
            data,
            meta: None,
        }
    }
}
