//! Components of one kind, in the order of their registration and found by name.

use alloc::{string::String, sync::Arc, vec::Vec};
use mcp_proto::uri::UriTemplate;

use super::component::{Component, ComponentKind, Definition, Entry};
use crate::error::BuildError;

/// What happens when a component is added under a name that is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Duplicates {
    /// It is an error.
    #[default]
    Error,
    /// The new one takes the old one's place, also in the list.
    Replace,
    /// The new one is dropped.
    KeepFirst,
}

/// Entries are shared between a service and its successors, so that a change costs a copy of
/// pointers and equal entries are known by their address.
#[derive(Debug)]
pub(super) struct Table<D, H> {
    slots: Vec<Slot<D, H>>,
    // Positions in `slots`, sorted by the key's length and then by the key: most are told apart
    // without reading them.
    index: Vec<u32>,
    // How many keys are shorter than so many bytes, up to one more than the longest has.
    shorter: Vec<u32>,
}

#[derive(Debug)]
struct Slot<D, H> {
    entry: Arc<Entry<D, H>>,
    enabled: bool,
}

impl<D, H> Clone for Slot<D, H> {
    fn clone(&self) -> Self {
        Self {
            entry: Arc::clone(&self.entry),
            enabled: self.enabled,
        }
    }
}

impl<D, H> Clone for Table<D, H> {
    fn clone(&self) -> Self {
        Self {
            slots: self.slots.clone(),
            index: self.index.clone(),
            shorter: self.shorter.clone(),
        }
    }
}

impl<D, H> Default for Table<D, H> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            index: Vec::new(),
            shorter: Vec::new(),
        }
    }
}

impl<D: Definition, H> Table<D, H> {
    /// Whether nothing is registered, disabled components included.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The enabled entries, in order.
    pub(super) fn enabled(&self) -> impl Iterator<Item = &Arc<Entry<D, H>>> {
        self.slots
            .iter()
            .filter(|slot| slot.enabled)
            .map(|slot| &slot.entry)
    }

    /// Every entry, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Entry<D, H>> {
        self.slots.iter().map(|slot| &*slot.entry)
    }

    /// The enabled entry of that name.
    pub(super) fn get(&self, key: &str) -> Option<&Entry<D, H>> {
        let slot = &self.slots[self.find(key).ok()?];
        slot.enabled.then_some(&*slot.entry)
    }

    /// Where the enabled entry of that name is; for [`at`](Self::at) of this very table.
    pub(super) fn position(&self, key: &str) -> Option<u32> {
        let at = self.find(key).ok()?;
        // There are no more than 2^32; see `insert`.
        self.slots[at].enabled.then_some(at as u32)
    }

    /// The enabled entry at that position.
    pub(super) fn at(&self, position: u32) -> Option<&Entry<D, H>> {
        let slot = self.slots.get(position as usize)?;
        slot.enabled.then_some(&*slot.entry)
    }

    /// The enabled entries with their positions, in order.
    pub(super) fn places(&self) -> impl Iterator<Item = (u32, &Entry<D, H>)> {
        (0..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.enabled)
            .map(|(at, slot)| (at, &*slot.entry))
    }

    /// Whether there is an entry of that name, enabled or not.
    pub(super) fn contains(&self, key: &str) -> bool {
        self.find(key).is_ok()
    }

    /// The position of `key` in `slots`, or where it belongs in `index`.
    fn find(&self, key: &str) -> Result<usize, usize> {
        let (start, end) = (
            self.shorter_than(key.len()),
            self.shorter_than(key.len() + 1),
        );
        let of_that_length = &self.index[start..end];
        of_that_length
            .binary_search_by(|at| (*self.slots[*at as usize].entry.key).cmp(key))
            .map(|at| of_that_length[at] as usize)
            .map_err(|at| start + at)
    }

    fn shorter_than(&self, length: usize) -> usize {
        let count = self.shorter.get(length);
        count.map_or(self.index.len(), |count| *count as usize)
    }

    // One key of that length more.
    fn count_key(&mut self, length: usize) {
        let longer = length + 1;
        if self.shorter.len() <= longer {
            self.shorter.resize(longer + 1, self.index.len() as u32);
        }
        self.shorter[longer..]
            .iter_mut()
            .for_each(|count| *count += 1);
    }

    /// Adds a component at the end. Tells whether the table changed.
    pub(super) fn insert(
        &mut self,
        component: Component<D, H>,
        pattern: Option<UriTemplate>,
        duplicates: Duplicates,
    ) -> Result<bool, BuildError> {
        let key: Arc<str> = component.definition.key().into();
        let place = self.find(&key);
        if let (Ok(_), Duplicates::Error) = (place, duplicates) {
            return Err(BuildError::Duplicate {
                kind: D::KIND.as_str(),
                name: String::from(&*key),
            });
        }
        let enabled = component.enabled;
        let slot = Slot {
            entry: Arc::new(Entry {
                key,
                #[cfg(feature = "http")]
                mirrored: component.definition.mirrored(),
                component,
                pattern,
            }),
            enabled,
        };
        match (place, duplicates) {
            (Ok(_), Duplicates::KeepFirst) => return Ok(false),
            (Ok(at), _) => self.slots[at] = slot,
            (Err(at), _) => {
                self.count_key(slot.entry.key.len());
                // More than 2^32 components do not fit into memory.
                self.index.insert(at, self.slots.len() as u32);
                self.slots.push(slot);
            }
        }
        Ok(true)
    }

    /// Takes a component out. Tells whether it was there.
    pub(super) fn remove(&mut self, key: &str) -> bool {
        let Ok(gone) = self.find(key) else {
            return false;
        };
        self.slots.remove(gone);
        // They have been counted when the key was added.
        self.shorter[key.len() + 1..]
            .iter_mut()
            .for_each(|count| *count -= 1);
        self.index.retain(|at| *at as usize != gone);
        for at in &mut self.index {
            *at -= u32::from(*at as usize > gone);
        }
        true
    }

    /// Shows or hides what `choose` picks. Tells how many changed.
    pub(super) fn set_enabled(
        &mut self,
        enabled: bool,
        mut choose: impl FnMut(ComponentKind, &str, &[String]) -> bool,
    ) -> usize {
        let mut changed = 0;
        for slot in &mut self.slots {
            let entry = &slot.entry;
            if slot.enabled != enabled && choose(D::KIND, &entry.key, entry.tags()) {
                slot.enabled = enabled;
                changed += 1;
            }
        }
        changed
    }

    /// Whether clients would be told another list than by `other`.
    pub(super) fn lists_differ(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (self.enabled(), other.enabled());
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return false,
                (Some(a), Some(b)) if Arc::ptr_eq(a, b) || a.definition() == b.definition() => {}
                _ => return true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_proto::types::Prompt;

    fn add(
        table: &mut Table<Prompt, u32>,
        name: &str,
        handler: u32,
        duplicates: Duplicates,
    ) -> Result<bool, BuildError> {
        table.insert(Component::new(Prompt::new(name), handler), None, duplicates)
    }

    fn listed(table: &Table<Prompt, u32>) -> Vec<(&str, u32)> {
        table
            .enabled()
            .map(|entry| (&**entry.key(), *entry.handler()))
            .collect()
    }

    #[test]
    fn order_is_that_of_registration_and_names_are_found() {
        let mut table = Table::default();
        for (at, name) in ["m", "zone", "ab", "q"].into_iter().enumerate() {
            assert_eq!(
                add(&mut table, name, at as u32, Duplicates::Error),
                Ok(true)
            );
        }
        assert_eq!(listed(&table), [("m", 0), ("zone", 1), ("ab", 2), ("q", 3)]);
        assert!(table.remove("zone"));
        assert!(!table.remove("zone"));
        assert_eq!(listed(&table), [("m", 0), ("ab", 2), ("q", 3)]);
        for (name, handler) in [
            ("m", Some(0)),
            ("zone", None),
            ("ab", Some(2)),
            ("q", Some(3)),
            ("b", None),
            ("zo", None),
        ] {
            assert_eq!(
                table.get(name).map(|entry| *entry.handler()),
                handler,
                "{name}"
            );
        }
    }

    #[test]
    fn the_policy_decides_about_duplicates() {
        let cases = [
            (Duplicates::Error, None, 1),
            (Duplicates::Replace, Some(true), 2),
            (Duplicates::KeepFirst, Some(false), 1),
        ];
        for (policy, changed, handler) in cases {
            let mut table = Table::default();
            assert_eq!(add(&mut table, "x", 1, policy), Ok(true));
            assert_eq!(add(&mut table, "y", 9, policy), Ok(true));
            assert_eq!(add(&mut table, "x", 2, policy).ok(), changed, "{policy:?}");
            assert_eq!(listed(&table), [("x", handler), ("y", 9)], "{policy:?}");
        }
    }

    #[test]
    fn what_is_disabled_is_not_found() {
        let mut table = Table::default();
        for name in ["a", "b", "c"] {
            assert_eq!(add(&mut table, name, 0, Duplicates::Error), Ok(true));
        }
        let before = table.clone();
        assert_eq!(table.set_enabled(false, |_, name, _| name != "c"), 2);
        assert_eq!(table.set_enabled(false, |_, name, _| name != "c"), 0);
        assert_eq!(listed(&table), [("c", 0)]);
        assert!(table.get("a").is_none() && table.contains("a"));
        assert!(table.lists_differ(&before) && !table.lists_differ(&table.clone()));
        assert_eq!(table.set_enabled(true, |_, _, _| true), 2);
        assert!(!table.lists_differ(&before));
    }
}
