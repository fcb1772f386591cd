//! What the pure crates cost, one part at a time.

mod bytes;
mod encode;
mod rounds;

use criterion::{criterion_group, criterion_main};

criterion_group!(
    cores,
    bytes::lines,
    bytes::events,
    bytes::envelopes,
    encode::revisions,
    rounds::streams,
    rounds::exchanges,
    rounds::replays
);
criterion_main!(cores);
