//! Values that would lead a careless handler out of the folder it serves.

use super::percent;

/// How often a value is decoded again: handlers that decode what is decoded already exist.
const ROUNDS: usize = 3;

/// Whether `value` has a `..` segment, is an absolute path, or holds a backslash or NUL, as it is
/// or once it is decoded further.
pub(super) fn is_unsafe(value: &str) -> bool {
    if leads_out(value) {
        return true;
    }
    let mut again = percent::decode(value, false);
    for _ in 0..ROUNDS {
        match again {
            Some(decoded) if leads_out(&decoded) => return true,
            Some(decoded) if decoded.contains('%') => again = percent::decode(&decoded, false),
            _ => return false,
        }
    }
    false
}

fn leads_out(value: &str) -> bool {
    value.starts_with('/')
        || value.contains(['\\', '\0'])
        || value.split('/').any(|segment| segment == "..")
}
