//! The members of an object, borrowed from its text.

use mcp_proto::json::{Json, Raw};

use super::problems::Report;

/// The members that have a place among the names.
#[derive(Debug)]
pub(super) struct Members<'a, const N: usize>([Option<Raw<'a>>; N]);

impl<'a, const N: usize> Members<'a, N> {
    pub(super) fn get(&self, index: usize) -> Option<Raw<'a>> {
        self.0.get(index).copied().flatten()
    }
}

pub(super) fn read<'a, const N: usize>(
    object: Option<&'a Json>,
    report: &mut Report<'_>,
) -> Members<'a, N> {
    let mut members = Members([None; N]);
    if let Some(object) = object {
        read_into(object, &mut members.0, report);
    }
    members
}

/// Once for all numbers of members.
fn read_into<'a>(object: &'a Json, members: &mut [Option<Raw<'a>>], report: &mut Report<'_>) {
    if !object.is_object() {
        report.no_object();
        return;
    }
    for (name, value) in object.as_raw().members() {
        let Some(index) = report.index_of(&name) else {
            report.unknown(&name);
            continue;
        };
        match members.get_mut(index) {
            Some(place @ None) => *place = Some(value),
            _ => report.twice(index),
        }
    }
}
