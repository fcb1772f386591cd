//! Whole calls, from the request's bytes to the answer's.

use std::hint::black_box;

use bench_cores::{Stream, Web, answered, call, message};
use criterion::{Criterion, Throughput};

/// Calls over one connection.
pub(crate) fn streams(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("conn");
    for stateless in [false, true] {
        let mut stream = Stream::open(stateless);
        for size in [64, 4096, 65_536, 1 << 20] {
            let line = call("echo", &message(size), stateless) + "\n";
            group.throughput(Throughput::Bytes(line.len() as u64));
            let era = if stateless { "stateless" } else { "handshake" };
            group.bench_function(format!("{era} {size}"), |bencher| {
                bencher.iter(|| black_box(stream.exchange(line.as_bytes()).len()));
            });
        }
    }
}

/// HTTP requests.
pub(crate) fn exchanges(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exchange");
    let web = Web::default();
    let mut out = Vec::new();
    for size in [64, 65_536] {
        let body = call("echo", &message(size), true);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(size.to_string(), |bencher| {
            bencher.iter(|| {
                out.clear();
                web.exchange("echo", &body, &mut out);
                black_box(out.len())
            });
        });
    }
}

/// The second run of a call that asks, with the answer to its question.
pub(crate) fn replays(criterion: &mut Criterion) {
    let ask = call("ask", "", true) + "\n";
    criterion.bench_function("ask, and run again", |bencher| {
        let mut stream = Stream::open(true);
        bencher.iter(|| {
            let again = answered(stream.exchange(ask.as_bytes())).expect("it has asked");
            let answer = stream.exchange(again.as_bytes());
            assert!(
                answer.windows(4).any(|text| text == b"\"on\""),
                "it was run again"
            );
        });
    });
}
