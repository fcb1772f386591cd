//! The same steps, drawn and shortened by proptest.

use mcp_world::{Options, Scenario, run};
use proptest::prelude::*;

fn scenarios() -> impl Strategy<Value = Scenario> {
    let triple = prop::collection::vec(any::<[u8; 3]>(), 1..60);
    triple.prop_map(|triples| Scenario::from_bytes(&triples.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_law_is_broken(scenario in scenarios()) {
        let mut options = Options::default();
        options.replayed = true;
        let _ = run(&scenario, options);
    }
}
