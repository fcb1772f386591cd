//! States that the client keeps, encrypted and authenticated.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};
#[cfg(feature = "std")]
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use mcp_proto::{base64, time::Instant};

use super::{Bound, StateKeeper};

/// Gives clients their states sealed with XChaCha20-Poly1305: they can neither read nor change
/// them, and any process that has the key can take them back.
///
/// ```
/// use mcp_server_core::{SealedStates, ServerBuilder};
///
/// # let (key, old_key, random) = ([1; 32], [2; 32], [3; 16]);
/// // The key comes from the configuration, the random bytes from the system.
/// let states = SealedStates::new(key, random).and_opens(old_key);
/// let server = ServerBuilder::new("demo", "1.0.0").state_keeper(states);
/// ```
///
/// **Rotation.** A new key is first added with [`and_opens`](Self::and_opens) to every process,
/// then made the sealing one everywhere, and the old one is taken away once the last state that it
/// has sealed is expired, after [`Limits::input_timeout`](mcp_proto::limits::Limits::input_timeout).
///
/// **Expiry** is told in the time of the loop that drives the server. Where several processes
/// share a key their times must count from the same moment: those of the bindings count from 1970.
pub struct SealedStates {
    // The first one seals, all of them open.
    keys: Vec<XChaCha20Poly1305>,
    // A nonce is this and a number: no two processes have the same one, and none counts twice.
    nonce: [u8; 16],
    sealed: AtomicU64,
    on_first: Option<Box<dyn Fn() + Send + Sync>>,
    #[cfg(feature = "std")]
    used: Option<Mutex<BTreeMap<[u8; NONCE], Instant>>>,
}

const NONCE: usize = 24;
/// The layout of what is sealed.
const VERSION: u8 = 1;
/// States that were used once and are remembered until they expire, where each may be used once.
/// 65,536: some 5 MiB. Beyond, states are refused until others have expired.
#[cfg(feature = "std")]
const MOST_USED: usize = 65_536;

impl SealedStates {
    /// Seals with that key. `random` must be fresh from a cryptographic source each time.
    #[must_use]
    pub fn new(key: [u8; 32], random: [u8; 16]) -> Self {
        Self {
            keys: Vec::from([XChaCha20Poly1305::new(&key.into())]),
            nonce: random,
            sealed: AtomicU64::new(0),
            on_first: None,
            #[cfg(feature = "std")]
            used: None,
        }
    }

    /// Seals with a key that nobody else will ever have: what this process has sealed, no other
    /// can open, nor this one after it was restarted. `random` must come from a cryptographic
    /// source.
    #[must_use]
    pub fn ephemeral(random: [u8; 32]) -> Self {
        Self::new(random, [0; 16])
    }

    /// Takes back what was sealed with that key as well.
    #[must_use]
    pub fn and_opens(mut self, key: [u8; 32]) -> Self {
        self.keys.push(XChaCha20Poly1305::new(&key.into()));
        self
    }

    /// Takes each state back once only. This process remembers which; others that have the key do
    /// not. A client whose connection broke then cannot repeat its request.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn once_only(mut self) -> Self {
        self.used = Some(Mutex::default());
        self
    }

    /// Calls `hook` when the first state is sealed: to warn that a key is an ephemeral one.
    #[must_use]
    pub fn on_first(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_first = Some(Box::new(hook));
        self
    }

    fn next_nonce(&self) -> [u8; NONCE] {
        let number = self.sealed.fetch_add(1, Ordering::Relaxed);
        if let (0, Some(hook)) = (number, &self.on_first) {
            hook();
        }
        let mut nonce = [0; NONCE];
        nonce[..16].copy_from_slice(&self.nonce);
        nonce[16..].copy_from_slice(&number.to_le_bytes());
        nonce
    }

    #[cfg(feature = "std")]
    pub(super) fn is_unused(&self, nonce: [u8; NONCE], expires: Instant, now: Instant) -> bool {
        let Some(used) = &self.used else { return true };
        let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = |used: &BTreeMap<_, _>| used.len() < MOST_USED;
        if !has_room(&used) {
            used.retain(|_, expires| *expires > now);
        }
        has_room(&used) && used.insert(nonce, expires).is_none()
    }

    #[cfg(not(feature = "std"))]
    fn is_unused(&self, _: [u8; NONCE], _: Instant, _: Instant) -> bool {
        true
    }
}

impl StateKeeper for SealedStates {
    fn keep(&self, state: &str, bound: &Bound, expires: Instant) -> Option<String> {
        let nonce = self.next_nonce();
        let mut plain = Vec::with_capacity(8 + state.len());
        plain.extend_from_slice(&expires.as_nanos().to_le_bytes());
        plain.extend_from_slice(state.as_bytes());
        let payload = Payload {
            msg: &plain,
            aad: bound.as_bytes(),
        };
        let sealed = self
            .keys
            .first()?
            .encrypt(&XNonce::from(nonce), payload)
            .ok()?;
        let mut bytes = Vec::with_capacity(1 + NONCE + sealed.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Some(base64::encode(&bytes))
    }

    fn recall(&self, brought: &str, bound: &Bound, now: Instant) -> Option<String> {
        let bytes = base64::decode(brought)?;
        let (&VERSION, rest) = bytes.split_first()? else {
            return None;
        };
        let (nonce, sealed) = rest.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let open = |key: &XChaCha20Poly1305| {
            let payload = Payload {
                msg: sealed,
                aad: bound.as_bytes(),
            };
            key.decrypt(&XNonce::from(nonce), payload).ok()
        };
        let mut plain = self.keys.iter().find_map(open)?;
        let state = (plain.len() >= 8).then(|| plain.split_off(8))?;
        let expires = Instant::from_nanos(u64::from_le_bytes(plain.try_into().ok()?));
        if expires <= now || !self.is_unused(nonce, expires, now) {
            return None;
        }
        String::from_utf8(state).ok()
    }
}

/// Shows no key.
impl fmt::Debug for SealedStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedStates")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}
