//! What is sorted in one piece of memory: sets of no more than some hundreds, members of objects.
//!
//! An ordered map of the standard library would be faster with thousands, and brings some kilobytes
//! of code for each type that it holds.

use alloc::{borrow::Cow, vec::Vec};
use core::borrow::Borrow;

/// Sorts the members of an object. Here, so that there is one such function.
pub(crate) fn sort_by_name(members: &mut [(Cow<'_, str>, &str)]) {
    members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
}

/// A sorted set.
#[derive(Debug)]
pub(crate) struct Sorted<T>(Vec<T>);

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord> Sorted<T> {
    fn find<Q: Ord + ?Sized>(&self, value: &Q) -> Result<usize, usize>
    where
        T: Borrow<Q>,
    {
        self.0.binary_search_by(|there| there.borrow().cmp(value))
    }

    pub(crate) fn contains<Q: Ord + ?Sized>(&self, value: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.find(value).is_ok()
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, value: &Q) -> Option<&T>
    where
        T: Borrow<Q>,
    {
        self.find(value).ok().map(|at| &self.0[at])
    }

    /// Whether it was not there before.
    pub(crate) fn insert(&mut self, value: T) -> bool {
        let place = self.find(&value);
        if let Err(at) = place {
            self.0.insert(at, value);
        }
        place.is_err()
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, value: &Q)
    where
        T: Borrow<Q>,
    {
        if let Ok(at) = self.find(value) {
            self.0.remove(at);
        }
    }

    pub(crate) fn pop_first(&mut self) -> Option<T> {
        match self.0.is_empty() {
            true => None,
            false => Some(self.0.remove(0)),
        }
    }

    /// In their order.
    #[cfg(any(feature = "http", test))]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[cfg(feature = "std")]
    pub(crate) fn into_vec(self) -> Vec<T> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;

    #[test]
    fn it_is_sorted_and_holds_nothing_twice() {
        let mut set: Sorted<Arc<str>> = Sorted::default();
        assert_eq!(
            ["c", "a", "b", "a"].map(|name| set.insert(name.into())),
            [true, true, true, false]
        );
        assert!(set.contains("a") && !set.contains("d") && set.iter().is_sorted());
        set.remove("b");
        set.remove("d");
        assert_eq!((set.len(), set.pop_first().as_deref()), (2, Some("a")));
        assert_eq!(set.into_vec(), ["c".into()]);
        assert!(Sorted::<u8>::default().is_empty());
    }
}
