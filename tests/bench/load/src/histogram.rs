//! Durations in buckets that are 1.6 % wide.

use std::time::Duration;

const STEPS: usize = 64;

/// Counts durations.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            buckets: vec![0; 60 * STEPS],
            count: 0,
        }
    }

    pub(crate) fn add(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanos)] += 1;
        self.count += 1;
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The duration that this share of all is not longer than.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let wanted = (self.count as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_nanos(value(index));
            }
        }
        Duration::ZERO
    }
}

fn bucket(nanos: u64) -> usize {
    if nanos < STEPS as u64 {
        return nanos as usize;
    }
    let exponent = 63 - nanos.leading_zeros() as usize;
    let step = (nanos >> (exponent - 6)) as usize & (STEPS - 1);
    ((exponent - 5) * STEPS + step).min(60 * STEPS - 1)
}

fn value(bucket: usize) -> u64 {
    if bucket < STEPS {
        return bucket as u64;
    }
    let exponent = bucket / STEPS + 5;
    let step = (bucket % STEPS + STEPS) as u64;
    step << (exponent - 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_within_two_percent() {
        for nanos in [0, 1, 63, 64, 100, 5_100, 71_234, 1_000_000, 40_000_000_123] {
            let back = value(bucket(nanos)) as f64;
            assert!(
                (nanos as f64 - back).abs() <= nanos as f64 * 0.017,
                "{nanos}: {back}"
            );
        }
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let mut histogram = Histogram::new();
        for micros in 1..=100 {
            histogram.add(Duration::from_micros(micros));
        }
        let median = histogram.quantile(0.5).as_micros();
        assert!((49..=50).contains(&median), "{median}");
        let highest = histogram.quantile(0.99).as_micros();
        assert!((97..=99).contains(&highest), "{highest}");
    }
}
