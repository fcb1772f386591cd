//! What is brought back to whoever keeps states, and what is not.

use alloc::{boxed::Box, format, string::String, sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicUsize, Ordering};

use mcp_proto::{limits::Limits, method::Method, time::Instant, version::ProtocolVersion};

use super::{Bound, SealedStates, StateKeeper, States, StoredStates, own::OwnStates};
use crate::call::Peer;

const NOW: Instant = Instant::from_nanos(1000);
const EXPIRES: Instant = Instant::from_nanos(2000);
const KEY: [u8; 32] = [7; 32];

fn bound(change: impl FnOnce(&mut Peer), method: Method, name: &str, with: &str) -> Bound {
    let mut peer = Peer::new(ProtocolVersion::LATEST);
    peer.subject = Some("ada".into());
    change(&mut peer);
    Bound::new(&peer, method, name, Some(with))
}

fn own() -> Bound {
    bound(|_| {}, Method::CallTool, "delete", r#"{"file":"a"}"#)
}

fn others() -> Vec<Bound> {
    let with = r#"{"file":"a"}"#;
    let older = ProtocolVersion::V2025_11_25;
    Vec::from([
        bound(
            |of| of.subject = Some("eve".into()),
            Method::CallTool,
            "delete",
            with,
        ),
        bound(|of| of.subject = None, Method::CallTool, "delete", with),
        bound(|of| of.version = older, Method::CallTool, "delete", with),
        bound(|_| {}, Method::GetPrompt, "delete", with),
        bound(|_| {}, Method::CallTool, "rename", with),
        bound(|_| {}, Method::CallTool, "delete", r#"{"file":"b"}"#),
        bound(|_| {}, Method::CallTool, "delete", "{}"),
    ])
}

fn sealed() -> SealedStates {
    SealedStates::new(KEY, [1; 16])
}

fn stored() -> StoredStates {
    let mut count = 0_u8;
    StoredStates::new(10_000, move || {
        count += 1;
        [count; 16]
    })
}

#[test]
fn a_state_comes_back_for_its_own_call_until_it_expires() {
    let keepers: [Box<dyn StateKeeper>; 2] = [Box::new(sealed()), Box::new(stored())];
    for keeper in keepers {
        let kept = keeper.keep("the state", &own(), EXPIRES).unwrap();
        for other in others() {
            assert_eq!(
                keeper.recall(&kept, &other, NOW),
                None,
                "{keeper:?} {other:?}"
            );
        }
        let last = Instant::from_nanos(1999);
        assert_eq!(
            keeper.recall(&kept, &own(), last).as_deref(),
            Some("the state")
        );
        let kept = keeper.keep("the state", &own(), EXPIRES).unwrap();
        assert_eq!(keeper.recall(&kept, &own(), EXPIRES), None, "{keeper:?}");
        assert_eq!(keeper.recall("", &own(), NOW), None);
        assert_eq!(keeper.recall("no state at all", &own(), NOW), None);
    }
    let mut keeper = OwnStates::new(10_000);
    let kept = keeper.keep("the state", &own(), EXPIRES);
    for other in others() {
        assert_eq!(keeper.recall(&kept, &other, NOW), None);
    }
    assert_eq!(
        keeper.recall(&kept, &own(), NOW).as_deref(),
        Some("the state")
    );
    assert_eq!(keeper.recall(&kept, &own(), NOW), None, "the second time");
    let kept = keeper.keep("the state", &own(), EXPIRES);
    assert_eq!(keeper.recall(&kept, &own(), EXPIRES), None);
}

#[test]
fn a_sealed_state_tells_nothing_and_bears_no_change() {
    let keeper = sealed();
    let kept = keeper.keep("the state", &own(), EXPIRES).unwrap();
    let again = keeper.keep("the state", &own(), EXPIRES).unwrap();
    assert_ne!(kept, again, "equal states cannot be told to be equal");
    let bytes = mcp_proto::base64::decode(&kept).unwrap();
    assert!(!bytes.windows(5).any(|part| part == b"state"));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let changed = mcp_proto::base64::encode(&changed);
            assert_eq!(keeper.recall(&changed, &own(), NOW), None, "byte {at}");
        }
        let short = mcp_proto::base64::encode(&bytes[..at]);
        assert_eq!(keeper.recall(&short, &own(), NOW), None, "{at} bytes");
    }
    for longer in [
        format!("{kept}-TAMPERED"),
        format!("{kept}AAAA"),
        format!("AAAA{kept}"),
    ] {
        assert_eq!(keeper.recall(&longer, &own(), NOW), None);
    }
    assert!(
        !format!("{keeper:?}").contains('7'),
        "its key is nobody's business"
    );
}

#[test]
fn keys_are_rotated_without_a_gap() {
    let (old, new) = (KEY, [8; 32]);
    let first = SealedStates::new(old, [1; 16]);
    let second = SealedStates::new(old, [2; 16]).and_opens(new);
    let third = SealedStates::new(new, [3; 16]).and_opens(old);
    let fourth = SealedStates::new(new, [4; 16]);
    let keepers = [&first, &second, &third, &fourth];
    for (sealing, keeper) in keepers.iter().enumerate() {
        let kept = keeper.keep("x", &own(), EXPIRES).unwrap();
        for (opening, other) in keepers.iter().enumerate() {
            let opens = other.recall(&kept, &own(), NOW).is_some();
            let knows = !matches!((sealing < 2, opening), (true, 3) | (false, 0));
            assert_eq!(opens, knows, "sealed by {sealing}, opened by {opening}");
        }
    }
}

#[test]
fn an_ephemeral_key_is_told_of_when_it_is_used() {
    let told = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&told);
    let keeper = SealedStates::ephemeral([5; 32]).on_first(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(keeper.recall("x", &own(), NOW), None);
    assert_eq!(told.load(Ordering::Relaxed), 0);
    let kept = keeper.keep("x", &own(), EXPIRES).unwrap();
    let _ = keeper.keep("y", &own(), EXPIRES).unwrap();
    assert_eq!(told.load(Ordering::Relaxed), 1);
    let other = SealedStates::ephemeral([6; 32]);
    assert_eq!(other.recall(&kept, &own(), NOW), None, "another process");
}

#[test]
fn what_counts_once_is_refused_the_second_time() {
    let often = sealed();
    let kept = often.keep("x", &own(), EXPIRES).unwrap();
    assert!(often.recall(&kept, &own(), NOW).is_some());
    assert!(
        often.recall(&kept, &own(), NOW).is_some(),
        "a request that is sent again"
    );
    let once = sealed().once_only();
    let kept = once.keep("x", &own(), EXPIRES).unwrap();
    assert_eq!(
        once.recall(&kept, &others()[0], NOW),
        None,
        "does not use it up"
    );
    assert!(once.recall(&kept, &own(), NOW).is_some());
    assert_eq!(once.recall(&kept, &own(), NOW), None);
    let stored = stored();
    let kept = stored.keep("x", &own(), EXPIRES).unwrap();
    assert!(stored.recall(&kept, &own(), NOW).is_some());
    assert_eq!(stored.recall(&kept, &own(), NOW), None);
}

#[test]
fn no_more_used_states_are_remembered_than_65_536() {
    let once = sealed().once_only();
    let nonce = |number: u32| {
        let mut nonce = [0; 24];
        nonce[..4].copy_from_slice(&number.to_le_bytes());
        nonce
    };
    for number in 0..65_536 {
        assert!(once.is_unused(nonce(number), EXPIRES, NOW), "{number}");
    }
    assert!(
        !once.is_unused(nonce(65_536), EXPIRES, NOW),
        "rather none than one twice"
    );
    let later = Instant::from_nanos(3000);
    assert!(
        once.is_unused(nonce(65_536), later, EXPIRES),
        "the others have expired"
    );
}

#[test]
fn a_connection_keeps_as_many_bytes_of_states_as_it_may() {
    let one = |keeper: &mut OwnStates| keeper.keep("x", &own(), EXPIRES);
    let mut alone = OwnStates::new(0);
    one(&mut alone);
    for (most, kept) in [(2 * alone.bytes(), true), (2 * alone.bytes() - 1, false)] {
        let mut limits = Limits::default();
        limits.kept_state_bytes = most;
        let mut states = States::new(&limits);
        let [first, _] = [(); 2].map(|()| states.keep(None, "x", &own(), EXPIRES).unwrap());
        let recalled = states.recall(None, &first, &own(), NOW);
        assert_eq!(recalled.is_some(), kept, "{most}");
    }
}

#[test]
fn what_is_kept_here_is_bounded() {
    let one = |state: &str| {
        let mut keeper = OwnStates::new(0);
        keeper.keep(state, &own(), EXPIRES);
        keeper.bytes()
    };
    let size = one("x");
    // The oldest gives way.
    for (room, kept) in [(2 * size, true), (2 * size - 1, false)] {
        let mut keeper = OwnStates::new(room);
        let first = keeper.keep("x", &own(), EXPIRES);
        let second = keeper.keep("x", &own(), EXPIRES);
        assert_eq!(keeper.recall(&first, &own(), NOW).is_some(), kept);
        assert!(keeper.recall(&second, &own(), NOW).is_some());
        assert_eq!(keeper.bytes(), 0);
    }
    // The newest is refused, until another has expired or was brought back.
    let stored = stored();
    let long = "x".repeat(4000);
    let kept: Vec<String> = (0..3)
        .map(|_| stored.keep(&long, &own(), EXPIRES).unwrap_or_default())
        .collect();
    assert_eq!(kept.iter().filter(|kept| kept.is_empty()).count(), 1);
    assert!(stored.recall(&kept[0], &own(), NOW).is_some());
    assert!(stored.keep(&long, &own(), EXPIRES).is_some());
    assert!(stored.keep(&long, &own(), EXPIRES).is_none());
    assert_eq!(stored.recall("x", &own(), EXPIRES), None);
    assert!(
        stored.keep(&long, &own(), EXPIRES).is_some(),
        "they have expired"
    );
    assert!(stored.keep("x", &own(), EXPIRES).is_some());
}
