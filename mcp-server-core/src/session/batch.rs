//! Answers that travel together: 2025-03-26 only (basic, Batching: receivers MUST support them).

use alloc::vec::Vec;

/// Names an open batch. It may be used again once the batch is closed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct BatchId(usize);

/// The batches that still lack an answer.
#[derive(Debug)]
pub(super) struct Batches {
    open: Vec<Option<Batch>>,
    // Bytes of all answers that wait for others, and how many there may be.
    held: usize,
    most: usize,
    overflowed: bool,
}

#[derive(Debug)]
struct Batch {
    origin: u32,
    // How many requests are owed an answer, and one for the reader of the batch.
    missing: usize,
    // The answers, each behind `[` or `,`.
    answers: Vec<u8>,
}

impl Batches {
    /// None yet; their answers may come to `most` bytes while they wait for others.
    pub(super) fn new(most: usize) -> Self {
        Self {
            open: Vec::new(),
            held: 0,
            most,
            overflowed: false,
        }
    }

    /// Opens a batch that stays open until [`leave`](Self::leave).
    pub(super) fn open(&mut self, origin: u32) -> BatchId {
        let batch = Some(Batch {
            origin,
            missing: 1,
            answers: Vec::new(),
        });
        match self.open.iter().position(Option::is_none) {
            Some(at) => {
                self.open[at] = batch;
                BatchId(at)
            }
            None => {
                self.open.push(batch);
                BatchId(self.open.len() - 1)
            }
        }
    }

    /// Waits for one more answer.
    pub(super) fn join(&mut self, id: BatchId) {
        if let Some(batch) = self.get(id) {
            batch.missing += 1;
        }
    }

    /// Adds an answer; that alone does not make it complete.
    pub(super) fn add(&mut self, id: BatchId, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(batch) = self.get(id) else { return };
        let before = batch.answers.len();
        batch.answers.push(if before == 0 { b'[' } else { b',' });
        write(&mut batch.answers);
        let added = batch.answers.len() - before;
        // One answer that is longer than the bound alone is nobody's fault.
        self.overflowed |= self.held > 0 && self.held + added > self.most;
        self.held += added;
    }

    /// Waits for one answer less. Where it was the last one, the whole answer is given out, unless
    /// there is none: a batch of notifications, or one whose requests were all cancelled.
    pub(super) fn leave(&mut self, id: BatchId) -> Option<(u32, Vec<u8>)> {
        let batch = self.get(id)?;
        batch.missing -= 1;
        if batch.missing > 0 {
            return None;
        }
        let Batch {
            origin,
            mut answers,
            ..
        } = self.open[id.0].take()?;
        self.held -= answers.len();
        if answers.is_empty() {
            return None;
        }
        answers.push(b']');
        Some((origin, answers))
    }

    /// Nobody waits for any of them any more.
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.held = 0;
        self.overflowed = false;
    }

    /// Whether more waits than may be held.
    pub(super) fn have_overflowed(&self) -> bool {
        self.overflowed
    }

    fn get(&mut self, id: BatchId) -> Option<&mut Batch> {
        self.open.get_mut(id.0)?.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(batches: &mut Batches, id: BatchId, text: &str) {
        batches.add(id, |out| out.extend_from_slice(text.as_bytes()));
    }

    #[test]
    fn a_batch_is_answered_when_the_last_answer_is_there() {
        let mut batches = Batches::new(4);
        let (one, two) = (batches.open(1), batches.open(2));
        batches.join(one);
        batches.join(one);
        batches.join(two);
        assert_eq!(batches.leave(two), None);
        add(&mut batches, one, "5");
        assert_eq!(
            (batches.leave(one), batches.leave(one), batches.held),
            (None, None, 2)
        );
        add(&mut batches, one, "6");
        assert_eq!(batches.leave(one), Some((1, b"[5,6]".to_vec())));
        // Nothing was answered: nothing is sent, and the place is free again.
        assert_eq!((batches.leave(two), batches.held), (None, 0));
        assert_eq!(batches.open(3), one);
        assert!(!batches.have_overflowed());
    }

    #[test]
    fn so_many_bytes_of_answers_may_wait() {
        let with = |most: usize| {
            let mut batches = Batches::new(most);
            let id = batches.open(1);
            for answer in ["12", "34"] {
                batches.join(id);
                add(&mut batches, id, answer);
            }
            batches
        };
        let held = with(usize::MAX).held;
        assert!(held >= 4);
        assert!(!with(held).have_overflowed());
        assert!(with(held - 1).have_overflowed());
    }

    #[test]
    fn answers_that_wait_are_bounded() {
        let mut batches = Batches::new(8);
        let id = batches.open(1);
        batches.join(id);
        add(&mut batches, id, "1234567890");
        assert!(!batches.have_overflowed(), "one long answer");
        add(&mut batches, id, "1");
        assert!(batches.have_overflowed());
    }
}
