//! Who owes whom an answer, and until when.

use alloc::vec::Vec;

use crate::time::Instant;

/// Names one open call of one machine. It is never used again for another.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    // Which machine it belongs to, so that one taken to the wrong machine is noticed.
    tag: u32,
    generation: u32,
    slot: u32,
}

impl CallId {
    /// The tag of the machine that the call belongs to; see [`Ledger::new`].
    #[must_use]
    pub const fn tag(self) -> u32 {
        self.tag
    }

    /// The id as a number, for a message or a C interface; see [`CallId::from_u64`].
    ///
    /// It leaves the machine's tag out, and is at most 2^53, which every JSON reader keeps exact.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        (self.generation as u64 & GENERATIONS) << 20 | self.slot as u64
    }

    /// The id that [`as_u64`](Self::as_u64) gave for the machine with this tag.
    #[must_use]
    pub const fn from_u64(tag: u32, id: u64) -> Self {
        Self {
            tag,
            generation: ((id >> 20) & GENERATIONS) as u32,
            slot: (id & 0xF_FFFF) as u32,
        }
    }
}

const GENERATIONS: u64 = 0xFFFF_FFFF;

/// Open calls with their deadlines, found by [`CallId`] in constant time.
///
/// Both sides keep one: the server for the requests it owes answers to, the client for those it
/// waits for. Iteration is in the order of slots, which is deterministic.
#[derive(Debug)]
pub struct Ledger<T> {
    tag: u32,
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    // No deadline is earlier. It may be stale towards the past, never towards the future.
    earliest: Instant,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    // Of the call, while there is one.
    deadline: Instant,
    call: Option<T>,
}

impl<T> Ledger<T> {
    /// An empty ledger of the machine with this tag. Tags need not be unique, but a ticket is
    /// known to be foreign only where they differ.
    #[must_use]
    pub fn new(tag: u32) -> Self {
        Self {
            tag,
            slots: Vec::new(),
            free: Vec::new(),
            earliest: Instant::MAX,
        }
    }

    /// The tag given to [`new`](Self::new).
    #[must_use]
    pub fn tag(&self) -> u32 {
        self.tag
    }

    /// How many calls are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Opens a call.
    pub fn insert(&mut self, call: T, deadline: Instant) -> CallId {
        self.earliest = self.earliest.min(deadline);
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                // Most machines have one call open at a time, and there may be many machines.
                if self.slots.is_empty() {
                    self.slots.reserve_exact(1);
                }
                self.slots.push(Slot {
                    generation: 0,
                    deadline: Instant::MAX,
                    call: None,
                });
                (self.slots.len() - 1) as u32
            }
        };
        let place = &mut self.slots[slot as usize];
        place.generation = place.generation.wrapping_add(1);
        place.deadline = deadline;
        place.call = Some(call);
        CallId {
            tag: self.tag,
            generation: place.generation,
            slot,
        }
    }

    /// The open call of that id.
    #[must_use]
    pub fn get(&self, id: CallId) -> Option<&T> {
        self.slots
            .get(id.slot as usize)
            .filter(|slot| slot.generation == id.generation && id.tag == self.tag)
            .and_then(|slot| slot.call.as_ref())
    }

    /// The open call of that id.
    pub fn get_mut(&mut self, id: CallId) -> Option<&mut T> {
        self.slot_mut(id).and_then(|slot| slot.call.as_mut())
    }

    /// Closes a call.
    pub fn remove(&mut self, id: CallId) -> Option<T> {
        self.get(id)?;
        self.free.push(id.slot);
        if self.is_empty() {
            self.earliest = Instant::MAX;
        }
        self.slots[id.slot as usize].call.take()
    }

    /// Moves a call's deadline.
    pub fn set_deadline(&mut self, id: CallId, deadline: Instant) {
        if let Some(slot) = self.slot_mut(id) {
            slot.deadline = deadline;
            self.earliest = self.earliest.min(deadline);
        }
    }

    /// The open calls, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (CallId, &T)> {
        self.slots.iter().enumerate().filter_map(|(slot, place)| {
            let id = CallId {
                tag: self.tag,
                generation: place.generation,
                slot: slot as u32,
            };
            place.call.as_ref().map(|call| (id, call))
        })
    }

    /// An instant at which [`take_expired`](Self::take_expired) should be called; `None` where no
    /// call has a deadline. It may be earlier than needed, and is then later the next time.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        (self.earliest != Instant::MAX).then_some(self.earliest)
    }

    /// One call whose deadline has come, still open; `None` once there are no more, after which
    /// [`next_deadline`](Self::next_deadline) lies in the future.
    pub fn take_expired(&mut self, now: Instant) -> Option<CallId> {
        if now < self.earliest {
            return None;
        }
        let mut earliest = Instant::MAX;
        for (slot, place) in self.slots.iter_mut().enumerate() {
            if place.call.is_none() {
                continue;
            }
            if place.deadline <= now {
                // Reported once; the owner removes it or sets another deadline.
                place.deadline = Instant::MAX;
                return Some(CallId {
                    tag: self.tag,
                    generation: place.generation,
                    slot: slot as u32,
                });
            }
            earliest = earliest.min(place.deadline);
        }
        self.earliest = earliest;
        None
    }

    fn slot_mut(&mut self, id: CallId) -> Option<&mut Slot<T>> {
        let tag = self.tag;
        self.slots
            .get_mut(id.slot as usize)
            .filter(|slot| slot.generation == id.generation && id.tag == tag && slot.call.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn an_id_names_its_own_call_only() {
        let mut ledger = Ledger::new(1);
        let first = ledger.insert("a", at(5));
        assert_eq!(ledger.get(first), Some(&"a"));
        assert_eq!(ledger.remove(first), Some("a"));
        let second = ledger.insert("b", at(5));
        assert_eq!((ledger.remove(first), ledger.len()), (None, 1));
        assert_eq!(CallId::from_u64(1, second.as_u64()), second);
        assert_eq!(ledger.get(CallId::from_u64(2, second.as_u64())), None);
    }

    #[test]
    fn deadlines_are_told_once_and_never_stay_in_the_past() {
        let mut ledger = Ledger::new(0);
        let (a, b, c) = (
            ledger.insert('a', at(10)),
            ledger.insert('b', at(20)),
            ledger.insert('c', at(10)),
        );
        assert_eq!(ledger.next_deadline(), Some(at(10)));
        assert_eq!(ledger.take_expired(at(9)), None);
        assert_eq!(ledger.take_expired(at(10)), Some(a));
        ledger.remove(a);
        assert_eq!(ledger.take_expired(at(10)), Some(c));
        assert_eq!(ledger.take_expired(at(10)), None);
        assert_eq!(ledger.next_deadline(), Some(at(20)));
        ledger.set_deadline(b, at(30));
        assert_eq!(ledger.take_expired(at(25)), None);
        assert_eq!(ledger.next_deadline(), Some(at(30)));
        ledger.remove(b);
        ledger.remove(c);
        assert_eq!(ledger.next_deadline(), None);
    }
}
