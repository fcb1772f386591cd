//! The protocol's revisions and the two eras they fall into.

use core::fmt;

/// A published revision of the Model Context Protocol, ordered by date.
///
/// ```
/// use mcp_proto::version::{Era, ProtocolVersion};
///
/// let version = ProtocolVersion::parse("2025-06-18").unwrap();
/// assert!(version < ProtocolVersion::LATEST);
/// assert_eq!(version.era(), Era::Handshake);
/// assert_eq!(version.as_str(), "2025-06-18");
/// ```
// Exhaustive within a release on purpose: every encoder decides for every revision.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProtocolVersion {
    /// 2024-11-05: the first; HTTP with two endpoints.
    V2024_11_05,
    /// 2025-03-26: Streamable HTTP, batches, tool annotations, audio.
    V2025_03_26,
    /// 2025-06-18: structured output, elicitation, titles, resource links.
    V2025_06_18,
    /// 2025-11-25: icons, URL elicitation, tools in sampling, experimental tasks.
    V2025_11_25,
    /// 2026-07-28: stateless; `_meta` on every request instead of a handshake.
    V2026_07_28,
}

/// How a connection's version and capabilities become known.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Era {
    /// An `initialize` exchange opens a session: 2024-11-05 to 2025-11-25.
    Handshake,
    /// Every request carries its version and capabilities in `_meta`: from 2026-07-28 on.
    Stateless,
}

impl ProtocolVersion {
    /// Every revision, oldest first.
    pub const ALL: [Self; 5] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
        Self::V2026_07_28,
    ];
    /// The newest revision.
    pub const LATEST: Self = Self::V2026_07_28;
    /// The newest revision that an `initialize` exchange can agree on.
    pub const LATEST_HANDSHAKE: Self = Self::V2025_11_25;

    /// The revision's name on the wire: its date.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision of that name, if it is one we know.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == name)
    }

    /// The era this revision belongs to.
    #[must_use]
    pub const fn era(self) -> Era {
        match self {
            Self::V2026_07_28 => Era::Stateless,
            _ => Era::Handshake,
        }
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
