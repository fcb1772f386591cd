//! Work that one thread at a time does, for all, and for which nobody waits.

use std::{
    mem,
    sync::atomic::{AtomicU8, Ordering},
};

const NOBODY: u8 = 0;
const SOMEBODY: u8 = 1;
/// Somebody is at it, and there is more to do.
const AGAIN: u8 = 2;

#[derive(Debug, Default)]
pub(super) struct Turns(AtomicU8);

impl Turns {
    /// Has the work done that there is by now. Whoever finds nobody at it does it, until nothing has
    /// come meanwhile; anyone else, the one who is at it included, returns at once.
    pub(super) fn take(&self, mut work: impl FnMut()) {
        if self.0.swap(AGAIN, Ordering::AcqRel) != NOBODY {
            return;
        }
        let leave = Leave(self);
        loop {
            // What comes from here on is for the next round.
            self.0.swap(SOMEBODY, Ordering::AcqRel);
            work();
            let done =
                self.0
                    .compare_exchange(SOMEBODY, NOBODY, Ordering::AcqRel, Ordering::Relaxed);
            if done.is_ok() {
                return mem::forget(leave);
            }
        }
    }
}

/// Lets others have a turn after one that has panicked.
struct Leave<'a>(&'a Turns);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.0.store(NOBODY, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::atomic::AtomicU32,
        thread,
    };

    #[test]
    fn everything_is_done_by_one_at_a_time() {
        let (turns, to_do) = (Turns::default(), AtomicU32::new(0));
        let (inside, done) = (AtomicU32::new(0), AtomicU32::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        to_do.fetch_add(1, Ordering::Relaxed);
                        turns.take(|| {
                            assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                            done.fetch_add(to_do.swap(0, Ordering::Relaxed), Ordering::Relaxed);
                            inside.fetch_sub(1, Ordering::Relaxed);
                        });
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), 40_000);
    }

    #[test]
    fn what_comes_in_a_turn_is_done_in_the_next_round() {
        let (turns, mut rounds) = (Turns::default(), 0);
        turns.take(|| {
            rounds += 1;
            if rounds < 3 {
                turns.take(|| panic!("somebody is at it"));
            }
        });
        assert_eq!(rounds, 3);
    }

    #[test]
    fn a_panic_leaves_the_turn_to_others() {
        let turns = Turns::default();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            turns.take(|| std::panic::resume_unwind(Box::new(())));
        }));
        assert!(panicked.is_err());
        let mut done = false;
        turns.take(|| done = true);
        assert!(done);
    }
}
