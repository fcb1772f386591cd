//! Time as a number. The machines compare and add instants; they never read a clock.

use core::time::Duration;

/// Nanoseconds since an epoch that the caller chose, typically the start of the process.
///
/// A type of our own, rather than `std::time::Instant`, because it has a zero, exists without std
/// and can be written down in a test.
///
/// ```
/// use core::time::Duration;
/// use mcp_proto::time::Instant;
///
/// let start = Instant::ZERO;
/// let later = start.saturating_add(Duration::from_millis(5));
/// assert_eq!(later.duration_since(start), Duration::from_millis(5));
/// assert_eq!(start.duration_since(later), Duration::ZERO);
/// ```
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The epoch itself.
    pub const ZERO: Self = Self(0);
    /// The end of time, 584 years after the epoch.
    pub const MAX: Self = Self(u64::MAX);

    /// An instant `nanos` nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// This instant moved into the future, stopping at [`Instant::MAX`].
    #[must_use]
    pub const fn saturating_add(self, by: Duration) -> Self {
        let nanos = by.as_nanos();
        if nanos > u64::MAX as u128 {
            Self::MAX
        } else {
            Self(self.0.saturating_add(nanos as u64))
        }
    }

    /// How long after `earlier` this instant is; zero where it is not.
    #[must_use]
    pub const fn duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
