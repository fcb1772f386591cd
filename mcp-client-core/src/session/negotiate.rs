//! Finding out which revision the server speaks: probe, handshake, and what to do when they fail.
//!
//! A machine of its own, without messages or clocks: told what came of a step, it says which step
//! is next.

use alloc::{string::String, sync::Arc, vec::Vec};

use mcp_proto::{
    meta::keys,
    rpc::{RpcError, codes},
    types::{Implementation, Meta, ServerCapabilities},
    version::{Era, ProtocolVersion},
};
use serde::Deserialize;

use crate::{
    error::{Malformed, NegotiationError},
    options::EraMode,
};

/// The server at the other end, as far as it has introduced itself.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServerDetails {
    /// The revision that was agreed on. Give it to [`EraMode::Cached`] the next time.
    pub version: ProtocolVersion,
    /// The server's name and version. Optional from 2026-07-28 on.
    pub info: Option<Implementation>,
    /// What the server can do.
    pub capabilities: ServerCapabilities,
    /// How to use the server, for the model.
    pub instructions: Option<String>,
}

/// What to do next.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// Send `server/discover`.
    Probe,
    /// Send `initialize` for this revision.
    Initialize(ProtocolVersion),
    /// Done.
    Agreed(Arc<ServerDetails>),
    /// Done for.
    Failed(NegotiationError),
}

#[derive(Debug)]
pub(crate) struct Negotiation {
    mode: EraMode,
    probed: bool,
    // The revision last asked for with `initialize`, and how often that was done.
    asked: Option<ProtocolVersion>,
    handshakes: u8,
    // What a probe that was given up has brought all the same: used if the handshake fails.
    late: Option<Arc<ServerDetails>>,
    // What the server says it speaks, none of it known here.
    offered: Vec<String>,
    refused: Option<NegotiationError>,
    // Whether silence says nothing about the server's era.
    patient: bool,
}

/// What an answer to the probe says.
#[derive(Debug, PartialEq)]
enum Verdict {
    Stateless(Arc<ServerDetails>),
    Handshake(ProtocolVersion),
    NothingInCommon(Vec<String>),
    NotModern,
}

impl Negotiation {
    pub(crate) fn new(mode: EraMode) -> Self {
        Self {
            mode,
            probed: false,
            asked: None,
            handshakes: 0,
            late: None,
            offered: Vec::new(),
            refused: None,
            patient: false,
        }
    }

    /// Takes silence for a slow server, not for an old one.
    #[cfg(feature = "http")]
    pub(crate) fn be_patient(&mut self) {
        self.patient = true;
    }

    pub(crate) fn is_patient(&self) -> bool {
        self.patient
    }

    pub(crate) fn start(&mut self) -> Step {
        match self.mode {
            EraMode::Handshake(version) => self.initialize(version),
            EraMode::Cached(version) if version.era() == Era::Handshake => {
                // The newest, not the one found then: the server may have learnt since.
                self.initialize(ProtocolVersion::LATEST_HANDSHAKE)
            }
            _ => self.probe(),
        }
    }

    /// The probe was answered.
    pub(crate) fn probe_answered(&mut self, answer: Result<&str, &RpcError>) -> Step {
        match judge(answer) {
            Verdict::Stateless(server) => Step::Agreed(server),
            Verdict::Handshake(version) => self.fall_back(version),
            Verdict::NothingInCommon(offered) => {
                // Servers name only the revisions of one era here, whatever else they speak.
                self.offered = offered;
                self.fall_back(ProtocolVersion::LATEST_HANDSHAKE)
            }
            Verdict::NotModern => self.fall_back(ProtocolVersion::LATEST_HANDSHAKE),
        }
    }

    /// The probe was not answered in time.
    pub(crate) fn probe_expired(&mut self) -> Step {
        if self.patient || self.mode == EraMode::Stateless {
            return Step::Failed(NegotiationError::TimedOut);
        }
        self.fall_back(ProtocolVersion::LATEST_HANDSHAKE)
    }

    /// The probe was answered after it was given up. Nothing is done about it as long as the
    /// handshake may succeed; a slow server that takes the first request for the choice of an era
    /// refuses the handshake.
    pub(crate) fn probe_answered_late(&mut self, answer: Result<&str, &RpcError>) {
        if let Verdict::Stateless(server) = judge(answer) {
            self.late = Some(server);
        }
    }

    /// `initialize` was answered.
    pub(crate) fn initialize_answered(&mut self, answer: Result<&str, &RpcError>) -> Step {
        match answer {
            Ok(result) => match read_initialize(result) {
                Ok(server) => Step::Agreed(Arc::new(server)),
                Err(error) => self.refuse(error),
            },
            Err(error) => {
                if let Some(version) = self.other_version(error) {
                    return self.initialize(version);
                }
                self.refuse(NegotiationError::Refused(error.clone()))
            }
        }
    }

    /// `initialize` was not answered in time.
    pub(crate) fn initialize_expired(&mut self) -> Step {
        self.refuse(NegotiationError::TimedOut)
    }

    fn probe(&mut self) -> Step {
        self.probed = true;
        Step::Probe
    }

    fn initialize(&mut self, version: ProtocolVersion) -> Step {
        let version = version.min(ProtocolVersion::LATEST_HANDSHAKE);
        self.asked = Some(version);
        self.handshakes += 1;
        Step::Initialize(version)
    }

    fn fall_back(&mut self, version: ProtocolVersion) -> Step {
        if let Some(error) = self.refused.take() {
            return Step::Failed(error);
        }
        if self.mode == EraMode::Stateless {
            return Step::Failed(match core::mem::take(&mut self.offered) {
                offered if offered.is_empty() => NegotiationError::NotStateless,
                offered => NegotiationError::NoCommonVersion(offered),
            });
        }
        self.initialize(version)
    }

    /// `initialize` has failed, and nothing else will come of it.
    pub(crate) fn refuse(&mut self, error: NegotiationError) -> Step {
        if let Some(server) = self.late.take() {
            return Step::Agreed(server);
        }
        if matches!(self.mode, EraMode::Cached(_)) && !self.probed {
            self.refused = Some(error);
            return self.probe();
        }
        if self.offered.is_empty() {
            return Step::Failed(error);
        }
        Step::Failed(NegotiationError::NoCommonVersion(core::mem::take(
            &mut self.offered,
        )))
    }

    // A handshake revision that the server names in its refusal of another one (2025-11-25,
    // lifecycle, Error Handling), asked for once.
    fn other_version(&self, error: &RpcError) -> Option<ProtocolVersion> {
        let newest = newest_mutual(&supported(error)?, |version| {
            version.era() == Era::Handshake
        })?;
        (self.handshakes == 1 && self.asked != Some(newest)).then_some(newest)
    }
}

fn judge(answer: Result<&str, &RpcError>) -> Verdict {
    let error = match answer {
        Ok(result) => return judge_result(result),
        Err(error) => error,
    };
    match error.code {
        codes::UNSUPPORTED_PROTOCOL_VERSION => match supported(error) {
            // 2026-07-28 was asked for; a server that names it while refusing it means nothing.
            Some(offered) => judge_versions(offered, |_| Verdict::NotModern),
            None => Verdict::NotModern,
        },
        // Only servers of 2026-07-28 know these; what they miss is not known on a stream.
        codes::HEADER_MISMATCH | codes::MISSING_CLIENT_CAPABILITY => {
            Verdict::Stateless(Arc::new(ServerDetails::unknown(ProtocolVersion::LATEST)))
        }
        _ => Verdict::NotModern,
    }
}

fn judge_result(result: &str) -> Verdict {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Discovered {
        supported_versions: Vec<String>,
        result_type: Option<String>,
    }
    #[derive(Deserialize)]
    struct Details {
        #[serde(default)]
        capabilities: ServerCapabilities,
        instructions: Option<String>,
        #[serde(rename = "_meta")]
        meta: Option<Meta>,
    }
    let Ok(discovered) = serde_json::from_str::<Discovered>(result) else {
        return Verdict::NotModern;
    };
    if discovered
        .result_type
        .is_some_and(|kind| kind != "complete")
    {
        return Verdict::NotModern;
    }
    judge_versions(discovered.supported_versions, |version| {
        let mut server = ServerDetails::unknown(version);
        // Without readable details it is a server of that revision all the same.
        if let Ok(details) = serde_json::from_str::<Details>(result) {
            server.capabilities = details.capabilities;
            server.instructions = details.instructions;
            server.info = details
                .meta
                .and_then(|meta| meta.get(keys::SERVER_INFO)?.to().ok());
        }
        Verdict::Stateless(Arc::new(server))
    })
}

fn judge_versions(
    offered: Vec<String>,
    stateless: impl FnOnce(ProtocolVersion) -> Verdict,
) -> Verdict {
    match newest_mutual(&offered, |_| true) {
        Some(version) if version.era() == Era::Stateless => stateless(version),
        Some(version) => Verdict::Handshake(version),
        None if offered.is_empty() => Verdict::NotModern,
        None => Verdict::NothingInCommon(offered),
    }
}

fn newest_mutual(
    offered: &[String],
    allowed: impl Fn(ProtocolVersion) -> bool,
) -> Option<ProtocolVersion> {
    offered
        .iter()
        .filter_map(|name| ProtocolVersion::parse(name))
        .filter(|version| allowed(*version))
        .max()
}

fn supported(error: &RpcError) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Data {
        supported: Vec<String>,
    }
    let data: Data = error.data.as_ref()?.to().ok()?;
    Some(data.supported)
}

pub(crate) fn read_initialize(result: &str) -> Result<ServerDetails, NegotiationError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Initialized {
        protocol_version: String,
        #[serde(default)]
        capabilities: ServerCapabilities,
        server_info: Option<Implementation>,
        instructions: Option<String>,
    }
    let answer: Initialized = serde_json::from_str(result)
        .map_err(|error| NegotiationError::Malformed(Malformed::new(error)))?;
    match ProtocolVersion::parse(&answer.protocol_version) {
        Some(version) if version.era() == Era::Handshake => Ok(ServerDetails {
            version,
            info: answer.server_info,
            capabilities: answer.capabilities,
            instructions: answer.instructions,
        }),
        // 2025-11-25, lifecycle, Version Negotiation: a client that does not support the version
        // in the response should disconnect.
        _ => Err(NegotiationError::UnknownVersion(answer.protocol_version)),
    }
}

impl ServerDetails {
    /// A server of which only the revision is known.
    pub(crate) fn unknown(version: ProtocolVersion) -> Self {
        Self {
            version,
            info: None,
            capabilities: ServerCapabilities::default(),
            instructions: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProtocolVersion::*;
    use alloc::format;
    use mcp_proto::json::Json;

    fn error(code: i32, data: &str) -> RpcError {
        let error = RpcError::new(code, "no");
        if data.is_empty() {
            error
        } else {
            error.with_data(Json::parse(data).unwrap())
        }
    }

    fn probed(mode: EraMode) -> Negotiation {
        let mut negotiation = Negotiation::new(mode);
        assert_eq!(negotiation.start(), Step::Probe);
        negotiation
    }

    fn show(step: Step) -> alloc::string::String {
        match step {
            Step::Agreed(server) => format!("agreed {}", server.version),
            Step::Initialize(version) => format!("initialize {version}"),
            Step::Probe => "probe".into(),
            Step::Failed(error) => format!("failed: {error}"),
        }
    }

    #[test]
    fn anything_that_is_not_modern_leads_to_the_handshake() {
        let results: &[(&str, &str)] = &[
            (
                r#"{"supportedVersions":["2026-07-28"],"capabilities":{}}"#,
                "agreed 2026-07-28",
            ),
            (
                r#"{"supportedVersions":["2026-07-28"]}"#,
                "agreed 2026-07-28",
            ),
            (
                r#"{"supportedVersions":["2026-07-28"],"capabilities":7}"#,
                "agreed 2026-07-28",
            ),
            (
                r#"{"resultType":"complete","supportedVersions":["2027-01-01","2026-07-28","2025-11-25"]}"#,
                "agreed 2026-07-28",
            ),
            (
                r#"{"supportedVersions":["2025-06-18","2024-11-05"]}"#,
                "initialize 2025-06-18",
            ),
            (
                r#"{"supportedVersions":["2027-01-01"]}"#,
                "initialize 2025-11-25",
            ),
            (r#"{"supportedVersions":[]}"#, "initialize 2025-11-25"),
            (
                r#"{"supportedVersions":"2026-07-28"}"#,
                "initialize 2025-11-25",
            ),
            (
                r#"{"resultType":"task","supportedVersions":["2026-07-28"]}"#,
                "initialize 2025-11-25",
            ),
            ("{}", "initialize 2025-11-25"),
            ("[]", "initialize 2025-11-25"),
            ("null", "initialize 2025-11-25"),
        ];
        for (result, expected) in results {
            assert_eq!(
                show(probed(EraMode::Auto).probe_answered(Ok(result))),
                *expected,
                "{result}"
            );
        }
        let errors: &[(i32, &str, &str)] = &[
            (-32601, "", "initialize 2025-11-25"),
            (-32602, "", "initialize 2025-11-25"),
            (-32600, "", "initialize 2025-11-25"),
            (-32000, "", "initialize 2025-11-25"),
            (-32004, "", "initialize 2025-11-25"),
            (0, "", "initialize 2025-11-25"),
            (-32022, "", "initialize 2025-11-25"),
            (-32022, "[]", "initialize 2025-11-25"),
            (
                -32022,
                r#"{"supported":["2026-07-28"]}"#,
                "initialize 2025-11-25",
            ),
            (
                -32022,
                r#"{"supported":["2025-03-26","2024-11-05"]}"#,
                "initialize 2025-03-26",
            ),
            (
                -32022,
                r#"{"supported":["2027-01-01"]}"#,
                "initialize 2025-11-25",
            ),
            (-32020, "", "agreed 2026-07-28"),
            (
                -32021,
                r#"{"requiredCapabilities":{}}"#,
                "agreed 2026-07-28",
            ),
        ];
        for (code, data, expected) in errors {
            let step = probed(EraMode::Auto).probe_answered(Err(&error(*code, data)));
            assert_eq!(show(step), *expected, "{code} {data}");
        }
        assert_eq!(
            show(probed(EraMode::Auto).probe_expired()),
            "initialize 2025-11-25"
        );
    }

    #[test]
    fn the_server_has_the_last_word_in_the_handshake() {
        let start = |version| {
            let mut negotiation = Negotiation::new(EraMode::Handshake(version));
            assert_eq!(
                negotiation.start(),
                Step::Initialize(version.min(V2025_11_25))
            );
            negotiation
        };
        let table: &[(&str, &str)] = &[
            (
                r#"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}"#,
                "agreed 2025-11-25",
            ),
            (r#"{"protocolVersion":"2024-11-05"}"#, "agreed 2024-11-05"),
            (
                r#"{"protocolVersion":"1999-01-01"}"#,
                "failed: the server answered `initialize` with revision \"1999-01-01\", which cannot be agreed on",
            ),
            (
                r#"{"protocolVersion":"2026-07-28"}"#,
                "failed: the server answered `initialize` with revision \"2026-07-28\", which cannot be agreed on",
            ),
            (
                r#"{"capabilities":{}}"#,
                "failed: the server's answer cannot be read: missing field `protocolVersion` at line 1 column 19",
            ),
        ];
        for (result, expected) in table {
            assert_eq!(
                show(start(V2026_07_28).initialize_answered(Ok(result))),
                *expected
            );
        }
        let refusal = error(
            -32602,
            r#"{"supported":["2024-11-05"],"requested":"2025-11-25"}"#,
        );
        // A server that names what it refuses means nothing by it.
        let senseless = error(-32602, r#"{"supported":["2025-11-25"]}"#);
        assert_eq!(
            show(start(V2025_11_25).initialize_answered(Err(&senseless))),
            "failed: the server refused to initialize: no (-32602)"
        );
        let mut negotiation = start(V2025_11_25);
        assert_eq!(
            show(negotiation.initialize_answered(Err(&refusal))),
            "initialize 2024-11-05"
        );
        assert_eq!(
            show(negotiation.initialize_answered(Err(&refusal))),
            "failed: the server refused to initialize: no (-32602)"
        );
        assert_eq!(
            show(start(V2025_11_25).initialize_expired()),
            "failed: the server did not answer the handshake in time"
        );
    }

    #[test]
    fn a_late_answer_to_the_probe_counts_only_where_the_handshake_fails() {
        let discovered = r#"{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}"#;
        for refused in [true, false] {
            let mut negotiation = probed(EraMode::Auto);
            assert_eq!(negotiation.probe_expired(), Step::Initialize(V2025_11_25));
            negotiation.probe_answered_late(Err(&error(-32601, "")));
            negotiation.probe_answered_late(Ok(discovered));
            let refusal = error(-32601, "");
            let answer = if refused {
                Err(&refusal)
            } else {
                Ok(r#"{"protocolVersion":"2025-11-25"}"#)
            };
            let Step::Agreed(server) = negotiation.initialize_answered(answer) else {
                panic!()
            };
            assert_eq!(
                server.version,
                if refused { V2026_07_28 } else { V2025_11_25 }
            );
            assert_eq!(server.capabilities.tools.is_some(), refused);
        }
    }

    #[test]
    fn a_cached_era_is_tried_first_and_the_other_after_it() {
        let refusal = error(-32601, "");
        let mut negotiation = Negotiation::new(EraMode::Cached(V2024_11_05));
        assert_eq!(negotiation.start(), Step::Initialize(V2025_11_25));
        assert_eq!(negotiation.initialize_answered(Err(&refusal)), Step::Probe);
        assert_eq!(
            show(negotiation.probe_answered(Err(&refusal))),
            "failed: the server refused to initialize: no (-32601)"
        );
        probed(EraMode::Cached(V2026_07_28));
    }

    #[test]
    fn a_forced_era_does_not_fall_back() {
        let refusal = error(-32601, "");
        assert_eq!(
            probed(EraMode::Stateless).probe_answered(Err(&refusal)),
            Step::Failed(NegotiationError::NotStateless)
        );
        assert_eq!(
            probed(EraMode::Stateless).probe_expired(),
            Step::Failed(NegotiationError::TimedOut)
        );
        assert_eq!(
            show(
                probed(EraMode::Stateless)
                    .probe_answered(Ok(r#"{"supportedVersions":["2027-01-01"]}"#))
            ),
            "failed: the server speaks none of our revisions, only: 2027-01-01"
        );
        // Where falling back is allowed, what the server said first explains the failure best.
        let mut negotiation = probed(EraMode::Auto);
        negotiation.probe_answered(Ok(r#"{"supportedVersions":["2027-01-01"]}"#));
        assert_eq!(
            show(negotiation.initialize_answered(Err(&refusal))),
            "failed: the server speaks none of our revisions, only: 2027-01-01"
        );
    }

    #[test]
    fn who_offers_nothing_has_not_said_what_is_in_the_way() {
        let judged = |offered: &[&str]| {
            let offered = offered.iter().map(|name| (*name).into()).collect();
            judge_versions(offered, |_| panic!("none of them is stateless"))
        };
        assert!(matches!(judged(&[]), Verdict::NotModern));
        assert!(matches!(
            judged(&["2027-01-01"]),
            Verdict::NothingInCommon(offered) if offered == ["2027-01-01"]
        ));
        assert!(matches!(
            judged(&["2024-11-05", "2025-03-26"]),
            Verdict::Handshake(V2025_03_26)
        ));
    }
}
