//! Results as each revision writes them.

use std::hint::black_box;

use criterion::Criterion;
use mcp_proto::{
    encode::Encode,
    json::Json,
    types::{CallToolResult, ContentBlock},
    version::ProtocolVersion,
};

/// A tool's result of text and structured content.
pub(crate) fn revisions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    let mut result = CallToolResult::new(vec![ContentBlock::text("x".repeat(64))]);
    result.structured_content = Json::parse(r#"{"result":{"count":3,"names":["a","b","c"]}}"#).ok();
    let mut out = Vec::new();
    for version in ProtocolVersion::ALL {
        group.bench_function(version.as_str(), |bencher| {
            bencher.iter(|| {
                out.clear();
                result.encode(&mut out, version);
                black_box(out.len())
            });
        });
    }
}
