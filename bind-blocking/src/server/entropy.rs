//! The system's randomness, of which ids and keys are made.

/// Fills `bytes`. Tells whether the system has any; Linux does since 3.17.
#[cfg(target_os = "linux")]
pub(super) fn fill(mut bytes: &mut [u8]) -> bool {
    use rustix::{
        io::Errno,
        rand::{GetRandomFlags, getrandom},
    };
    while !bytes.is_empty() {
        match getrandom(&mut *bytes, GetRandomFlags::empty()) {
            Ok(count @ 1..) => bytes = bytes.get_mut(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            _ => return false,
        }
    }
    true
}

/// Fills `bytes`. Tells whether the system has any.
#[cfg(not(target_os = "linux"))]
pub(super) fn fill(bytes: &mut [u8]) -> bool {
    getrandom::fill(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_filled() {
        // More than one system call gives at once on any system that limits it.
        let mut seen = [0_u8; 1000];
        for _ in 0..10 {
            let mut bytes = [0; 1000];
            assert!(fill(&mut bytes));
            seen.iter_mut()
                .zip(bytes)
                .for_each(|(seen, byte)| *seen |= byte);
        }
        assert!(seen.iter().all(|byte| *byte != 0));
        assert!(fill(&mut []));
    }
}
