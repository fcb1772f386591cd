//! What a response that is no answer means: a pure rule, judged by the body before the status
//! (2026-07-28, basic/transports/streamable-http, "Backward Compatibility").

use alloc::{string::String, vec::Vec};

use http::StatusCode;
use mcp_proto::{
    http::status::shows_modern_server,
    rpc::{RpcError, codes},
    version::{Era, ProtocolVersion},
};
use serde::Deserialize;

use super::post::Role;

/// What was asked, as far as it matters here.
#[derive(Copy, Clone, Debug)]
pub(super) struct Asked {
    pub(super) role: Role,
    /// 2026-07-28 was agreed on.
    pub(super) stateless: bool,
    /// It was the call of a tool.
    pub(super) tool: bool,
    /// Doing it twice does no harm.
    pub(super) safe: bool,
    /// It was sent within a session.
    pub(super) in_session: bool,
    /// Each of these is done only once for one request.
    pub(super) repeated: bool,
    pub(super) refreshed: bool,
    pub(super) renewed: bool,
}

/// What was answered.
#[derive(Copy, Clone, Debug)]
pub(super) struct Refused<'a> {
    pub(super) status: StatusCode,
    /// The error that the body holds.
    pub(super) error: Option<&'a RpcError>,
    /// There was a `WWW-Authenticate`.
    pub(super) challenged: bool,
}

/// What to do about it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The error is the answer.
    Answer,
    /// The exchange has failed.
    Fail,
    /// It has failed by accident: try again in a while.
    Retry,
    /// Another authorization is wanted. Nothing is known about the era.
    Unauthorized,
    /// It is a server of 2026-07-28, of which nothing else is known.
    Modern,
    /// It is no server of 2026-07-28.
    Old,
    /// It may be a server of 2024-11-05 with its own transport.
    Older,
    /// The same once more: the server does speak our revision.
    Again,
    /// The server has forgotten the session.
    SessionGone,
    /// The headers do not fit the tool: see what it says now, and send the same once more.
    Refresh,
}

pub(super) fn judge(asked: &Asked, refused: &Refused<'_>) -> Verdict {
    let status = refused.status;
    let negotiates = matches!(asked.role, Role::Probe | Role::Handshake | Role::Reopen);
    if status == StatusCode::UNAUTHORIZED
        || (status == StatusCode::FORBIDDEN
            && (negotiates || refused.challenged || refused.error.is_none()))
    {
        return Verdict::Unauthorized;
    }
    match asked.role {
        Role::Probe => judge_probe(asked, refused),
        Role::Handshake => judge_handshake(refused),
        Role::Call => judge_call(asked, refused),
        Role::Reopen | Role::Refresh if refused.error.is_some() => Verdict::Answer,
        Role::Answer | Role::Note if status == StatusCode::NOT_FOUND && asked.in_session => {
            Verdict::SessionGone
        }
        _ if is_accident(status) => Verdict::Retry,
        _ => Verdict::Fail,
    }
}

fn judge_probe(asked: &Asked, refused: &Refused<'_>) -> Verdict {
    let status = refused.status;
    match refused.error {
        Some(error) if error.code == codes::UNSUPPORTED_PROTOCOL_VERSION => {
            match speaks_ours(error) {
                // It refuses what it says it speaks: once may be an accident, twice is its way.
                true if asked.repeated => Verdict::Modern,
                true => Verdict::Again,
                false => Verdict::Answer,
            }
        }
        Some(error) if shows_modern_server(status, error) => Verdict::Modern,
        _ if is_accident(status) => Verdict::Retry,
        _ if status.is_client_error() || status.is_success() => Verdict::Old,
        _ => Verdict::Fail,
    }
}

fn judge_handshake(refused: &Refused<'_>) -> Verdict {
    let status = refused.status;
    match refused.error {
        Some(error) if shows_modern_server(status, error) || supported(error).is_some() => {
            Verdict::Answer
        }
        _ if is_accident(status) => Verdict::Retry,
        // "HTTP+SSE Transport (2024-11-05)": these three, unless the body is a newer server's.
        _ if matches!(status.as_u16(), 400 | 404 | 405) => Verdict::Older,
        Some(_) => Verdict::Answer,
        None => Verdict::Fail,
    }
}

fn judge_call(asked: &Asked, refused: &Refused<'_>) -> Verdict {
    let status = refused.status;
    // 2025-11-25, basic/transports, "Session Management": whatever the body says, MUST start a new
    // session.
    if status == StatusCode::NOT_FOUND && asked.in_session && !asked.renewed {
        return Verdict::SessionGone;
    }
    match refused.error {
        // "Client Behavior": SHOULD look at the tools again and retry.
        Some(error) if error.code == codes::HEADER_MISMATCH && asked.tool && !asked.refreshed => {
            Verdict::Refresh
        }
        Some(error)
            if error.code == codes::UNSUPPORTED_PROTOCOL_VERSION
                && asked.stateless
                && !asked.repeated
                && speaks_ours(error) =>
        {
            Verdict::Again
        }
        Some(_) => Verdict::Answer,
        None if asked.safe
            && is_accident(status)
            && status != StatusCode::INTERNAL_SERVER_ERROR =>
        {
            Verdict::Retry
        }
        None => Verdict::Fail,
    }
}

/// Statuses that say nothing about the request itself.
fn is_accident(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429)
}

// Whether a server that refuses a revision names one of the same era that we speak.
fn speaks_ours(error: &RpcError) -> bool {
    let known = |name: &String| ProtocolVersion::parse(name);
    supported(error).is_some_and(|all| {
        all.iter()
            .filter_map(known)
            .any(|version| version.era() == Era::Stateless)
    })
}

fn supported(error: &RpcError) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Data {
        supported: Vec<String>,
    }
    error
        .data
        .as_ref()?
        .to::<Data>()
        .ok()
        .map(|data| data.supported)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::*;
    use alloc::format;
    use mcp_proto::json::Json;

    fn asked(role: Role) -> Asked {
        Asked {
            role,
            stateless: false,
            tool: false,
            safe: false,
            in_session: false,
            repeated: false,
            refreshed: false,
            renewed: false,
        }
    }

    // `body`: nothing, or the code of an error and what comes after it.
    fn verdict(asked: &Asked, status: u16, body: &str) -> Verdict {
        let error = (!body.is_empty()).then(|| {
            let (code, rest) = body.split_once(' ').unwrap_or((body, ""));
            let error = RpcError::new(code.parse().unwrap(), "refused");
            match rest.strip_prefix("supports ") {
                Some(versions) => {
                    let list: Vec<_> = versions.split(' ').collect();
                    let data = format!(r#"{{"supported":{}}}"#, Json::new(&list).unwrap().as_str());
                    error.with_data(Json::parse(data).unwrap())
                }
                None => RpcError {
                    message: String::from(rest).into(),
                    ..error
                },
            }
        });
        let refused = Refused {
            status: StatusCode::from_u16(status).unwrap(),
            error: error.as_ref(),
            challenged: false,
        };
        judge(asked, &refused)
    }

    #[test]
    fn the_era_is_found_by_the_body() {
        let once = asked(Role::Probe);
        let twice = Asked {
            repeated: true,
            ..once
        };
        for (asked, status, body, expected) in [
            // Nothing that a newer server would say.
            (&once, 400, "", Old),
            (&once, 404, "", Old),
            (&once, 405, "", Old),
            (&once, 406, "", Old),
            (&once, 415, "", Old),
            (&once, 422, "", Old),
            (
                &once,
                400,
                "-32000 Bad Request: Server not initialized",
                Old,
            ),
            (&once, 400, "-32600", Old),
            (&once, 400, "-32601", Old),
            (&once, 400, "-32602 Invalid request parameters", Old),
            (&once, 404, "-32001 Session not found", Old),
            (&once, 200, "-32601", Old),
            (&once, 200, "", Old),
            // Errors of newer servers, whatever the status.
            (&once, 400, "-32020", Modern),
            (&once, 400, "-32021", Modern),
            (&once, 404, "-32601", Modern),
            (&once, 400, "-32602 params._meta is missing", Modern),
            (&once, 200, "-32021", Modern),
            (&once, 500, "-32020", Modern),
            (&once, 400, "-32022 supports 2026-07-28", Again),
            (
                &once,
                400,
                "-32022 supports 2027-01-01 2026-07-28 2025-11-25",
                Again,
            ),
            (&twice, 400, "-32022 supports 2026-07-28", Modern),
            (&once, 400, "-32022 supports 2025-11-25 2025-06-18", Answer),
            (&once, 400, "-32022 supports 2027-01-01", Answer),
            (&once, 400, "-32022", Answer),
            // Neither.
            (&once, 401, "", Unauthorized),
            (&once, 401, "-32601", Unauthorized),
            (&once, 403, "", Unauthorized),
            (&once, 403, "-32000 origin", Unauthorized),
            (&once, 500, "", Retry),
            (&once, 502, "-32603", Retry),
            (&once, 503, "", Retry),
            (&once, 408, "", Retry),
            (&once, 429, "", Retry),
            (&once, 304, "", Fail),
        ] {
            assert_eq!(verdict(asked, status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_server_without_a_handshake_over_post_may_be_of_2024() {
        let first = asked(Role::Handshake);
        for (status, body, expected) in [
            (400, "", Older),
            (404, "", Older),
            (405, "", Older),
            (404, "-32001 Session not found", Older),
            (400, "-32000", Older),
            (404, "-32601", Answer),
            (400, "-32020", Answer),
            (400, "-32602 missing _meta", Answer),
            (400, "-32022 supports 2026-07-28", Answer),
            (400, "-32602 supports 2024-11-05", Answer),
            (406, "", Fail),
            (415, "", Fail),
            (415, "-32000", Answer),
            (401, "", Unauthorized),
            (403, "", Unauthorized),
            (500, "", Retry),
            (503, "", Retry),
            (200, "", Fail),
        ] {
            assert_eq!(verdict(&first, status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_call_fails_alone_and_what_can_be_mended_is_mended_once() {
        let call = asked(Role::Call);
        let stateless = Asked {
            stateless: true,
            ..call
        };
        let tool = Asked {
            tool: true,
            ..stateless
        };
        let session = Asked {
            in_session: true,
            ..call
        };
        let safe = Asked { safe: true, ..call };
        for (asked, status, body, expected) in [
            (call, 400, "-32602", Answer),
            (call, 500, "-32603", Answer),
            (call, 403, "-32000", Answer),
            (call, 404, "", Fail),
            (call, 500, "", Fail),
            (call, 503, "", Fail),
            (call, 200, "", Fail),
            (call, 401, "", Unauthorized),
            (call, 403, "", Unauthorized),
            (safe, 503, "", Retry),
            (safe, 429, "", Retry),
            (safe, 500, "", Fail),
            (safe, 404, "", Fail),
            (safe, 503, "-32603", Answer),
            (stateless, 404, "-32601", Answer),
            (stateless, 400, "-32020", Answer),
            (stateless, 400, "-32022 supports 2026-07-28", Again),
            (
                Asked {
                    repeated: true,
                    ..stateless
                },
                400,
                "-32022 supports 2026-07-28",
                Answer,
            ),
            (stateless, 400, "-32022 supports 2025-11-25", Answer),
            (tool, 400, "-32020", Refresh),
            (
                Asked {
                    refreshed: true,
                    ..tool
                },
                400,
                "-32020",
                Answer,
            ),
            (session, 404, "", SessionGone),
            (session, 404, "-32001 Session not found", SessionGone),
            (
                Asked {
                    renewed: true,
                    ..session
                },
                404,
                "",
                Fail,
            ),
            (session, 400, "", Fail),
        ] {
            assert_eq!(
                verdict(&asked, status, body),
                expected,
                "{asked:?} {status} {body}"
            );
        }
        let challenged = Refused {
            status: StatusCode::FORBIDDEN,
            error: Some(&RpcError::new(-32000, "scope")),
            challenged: true,
        };
        assert_eq!(judge(&call, &challenged), Unauthorized);
    }

    #[test]
    fn other_messages_are_tried_again_or_given_up() {
        for (role, in_session, status, body, expected) in [
            (Role::Note, false, 400, "-32600", Fail),
            (Role::Note, false, 404, "", Fail),
            (Role::Note, true, 404, "", SessionGone),
            (Role::Answer, true, 404, "-32001", SessionGone),
            (Role::Answer, true, 503, "", Retry),
            (Role::Note, false, 401, "", Unauthorized),
            (Role::Initialized, true, 404, "", Fail),
            (Role::Initialized, true, 500, "", Retry),
            (Role::Refresh, false, 404, "-32601", Answer),
            (Role::Refresh, false, 502, "", Retry),
            (Role::Refresh, false, 404, "", Fail),
            (Role::Reopen, false, 400, "-32022", Answer),
            (Role::Reopen, false, 403, "-32000", Unauthorized),
            (Role::Reopen, false, 503, "", Retry),
            (Role::Reopen, false, 405, "", Fail),
        ] {
            let asked = Asked {
                in_session,
                ..asked(role)
            };
            assert_eq!(
                verdict(&asked, status, body),
                expected,
                "{role:?} {status} {body}"
            );
        }
    }
}
