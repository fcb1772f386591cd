//! Framing and envelopes.

use std::hint::black_box;

use bench_cores::{call, message};
use criterion::{Criterion, Throughput};
use mcp_proto::{
    frame::{LineDecoder, SseDecoder, sse},
    limits::Limits,
    rpc,
};

const SIZES: [usize; 3] = [64, 4096, 65_536];

/// Lines out of a stream that is cut anywhere.
pub(crate) fn lines(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lines");
    for size in SIZES {
        let line = call("echo", &message(size), false) + "\n";
        group.throughput(Throughput::Bytes(line.len() as u64));
        let (one, other) = line.as_bytes().split_at(line.len() / 2);
        let mut decoder = LineDecoder::new(1 << 20);
        group.bench_function(size.to_string(), |bencher| {
            bencher.iter(|| {
                decoder.store(one);
                assert!(decoder.next_line().is_none());
                decoder.store(other);
                black_box(decoder.next_line().is_some_and(|line| line.is_ok()))
            });
        });
    }
}

/// Server-sent events, written and read.
pub(crate) fn events(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("events");
    for size in SIZES {
        let data = call("echo", &message(size), false);
        group.throughput(Throughput::Bytes(data.len() as u64));
        let mut out = Vec::new();
        group.bench_function(format!("write {size}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                sse::write_event(&mut out, None, Some("7-1"), data.as_bytes());
                black_box(out.len())
            });
        });
        let mut decoder = SseDecoder::new(1 << 20);
        group.bench_function(format!("read {size}"), |bencher| {
            bencher.iter(|| {
                decoder.store(&out);
                black_box(decoder.next_event().is_some_and(|event| event.is_ok()))
            });
        });
    }
}

/// Messages, taken apart.
pub(crate) fn envelopes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("envelope");
    let limits = Limits::default();
    for stateless in [false, true] {
        for size in SIZES {
            let text = call("echo", &message(size), stateless);
            group.throughput(Throughput::Bytes(text.len() as u64));
            let era = if stateless { "stateless" } else { "handshake" };
            group.bench_function(format!("{era} {size}"), |bencher| {
                bencher.iter(|| assert!(rpc::parse(black_box(text.as_bytes()), &limits).is_ok()));
            });
        }
    }
}
