//! The official conformance suite against the clients of the bindings.
//!
//! Every scenario must pass, strictly, and the client's exit code must tell that it is content;
//! but for the scenarios that are listed here as not there yet, of which none may pass.

use std::{collections::BTreeMap, fs};

use mcp_tests::{
    conformance::{self, Leg, NotYet, Set},
    peers::{self, Group},
};

/// Scenarios that a client gives up in the middle of, as it should.
const MAY_FAIL: [&str; 1] = ["http-invalid-tool-headers"];

fn check(client: &str, revision: &'static str, label: &str) {
    if !peers::setup(&[Group::Npm, Group::Conformance]) {
        return;
    }
    let codes = peers::scratch(&format!("conformance-{label}.codes"));
    // The suite does not look at exit codes, so a shell writes them down.
    let command = format!(
        "play() {{ '{client}' \"$1\"; echo \"$MCP_CONFORMANCE_SCENARIO $?\" >> '{}'; }}; play",
        codes.display()
    );
    let set = Set::Requirements(revision);
    let leg = Leg::Client(&command);
    let mut verdicts = conformance::run(set, leg, label);
    let codes = fs::read_to_string(&codes).expect("the shell has written it");
    let codes: BTreeMap<_, _> = codes
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    for verdict in &mut verdicts {
        let code = codes.get(&*verdict.scenario);
        if code != Some(&"0") && !MAY_FAIL.contains(&&*verdict.scenario) {
            verdict
                .problems
                .push(format!("the client ended with {code:?}"));
        }
    }
    // Known by their names, so that new ones do not go unnoticed by accident.
    let scenarios = set.scenarios(leg);
    let not_yet: Vec<_> = AUTHORIZATION
        .iter()
        .filter(|name| scenarios.iter().any(|scenario| scenario == *name))
        .map(|&scenario| NotYet {
            scenario,
            why: "clients cannot log in yet",
        })
        .collect();
    let wrong = conformance::compare(&verdicts, &not_yet);
    assert!(wrong.is_empty(), "{label}:\n{}", wrong.join("\n"));
}

/// Logging in: of this nothing is there yet.
const AUTHORIZATION: &[&str] = &[
    "auth/authorization-server-migration",
    "auth/basic-cimd",
    "auth/client-credentials-basic",
    "auth/client-credentials-jwt",
    "auth/dpop",
    "auth/dpop-nonce",
    "auth/enterprise-managed-authorization",
    "auth/iss-normalized",
    "auth/iss-not-advertised",
    "auth/iss-supported",
    "auth/iss-supported-missing",
    "auth/iss-unexpected",
    "auth/iss-wrong-issuer",
    "auth/metadata-default",
    "auth/metadata-issuer-mismatch",
    "auth/metadata-var1",
    "auth/metadata-var2",
    "auth/metadata-var3",
    "auth/offline-access-not-supported",
    "auth/offline-access-scope",
    "auth/pre-registration",
    "auth/resource-mismatch",
    "auth/scope-from-scopes-supported",
    "auth/scope-from-www-authenticate",
    "auth/scope-omitted-when-undefined",
    "auth/scope-retry-limit",
    "auth/scope-step-up",
    "auth/token-endpoint-auth-basic",
    "auth/token-endpoint-auth-none",
    "auth/token-endpoint-auth-post",
    "auth/wif-jwt-bearer",
];

macro_rules! bindings {
    ($($binding:ident: $client:literal,)*) => {$(
        mod $binding {
            const CLIENT: &str = env!(concat!("CARGO_BIN_EXE_", $client));

            #[test]
            fn requirements_of_2025_11_25() {
                super::check(CLIENT, "2025-11-25", concat!($client, "-2025-11-25"));
            }

            #[test]
            fn requirements_of_2026_07_28() {
                super::check(CLIENT, "2026-07-28", concat!($client, "-2026-07-28"));
            }
        }
    )*};
}

bindings! {
    blocking: "conformance-client-blocking",
    tokio: "conformance-client-tokio",
    smol: "conformance-client-smol",
    async_std: "conformance-client-async-std",
}
