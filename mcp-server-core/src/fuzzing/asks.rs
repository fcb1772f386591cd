//! Asking: what is kept between the rounds of a call, and how calls are begun anew.

use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::fmt::Write as _;

use mcp_proto::{
    json::Json,
    method::Method,
    rpc::{CallId, RpcError},
    time::Instant,
    types::{BooleanSchema, CreateMessageParams, ElicitSchema, InputRequest},
    version::ProtocolVersion,
};

use crate::{
    ask::{AskError, Round},
    call::{Answers, CallContext, Link, Note, Outcome, Peer, Resumed},
    cancel::CancelToken,
    cx::Cx,
    state::{Bound, SealedStates, StateKeeper},
};

/// Law: of whatever a client brings back for a state, nothing is taken but the very text that it
/// was given; and a state that is no memory of ours is none. The first line is brought back as it
/// is; the rest changes bytes of what was given: a place and what to change there, two bytes each.
pub fn request_state(input: &[u8]) {
    const EXPIRES: Instant = Instant::from_nanos(10);
    let keeper = SealedStates::new([3; 32], [4; 16]);
    let bound = Bound::new(
        &Peer::new(ProtocolVersion::LATEST),
        Method::CallTool,
        "t",
        None,
    );
    let end = input.iter().position(|byte| *byte == b'\n');
    let (line, changes) = input.split_at(end.unwrap_or(input.len()));
    let line = String::from_utf8_lossy(line);
    let Some(given) = keeper.keep(&line, &bound, EXPIRES) else {
        panic!("a state can be sealed");
    };
    let recall = |text: &str| keeper.recall(text, &bound, Instant::ZERO);
    assert_eq!(recall(&given).as_deref(), Some(&*line));
    assert_eq!(recall(&line), None, "a client cannot make one");
    let bytes = mcp_proto::base64::decode(&given).unwrap_or_default();
    let mut changed = bytes.clone();
    for change in changes.chunks_exact(2) {
        let at = usize::from(change[0]) % changed.len().max(1);
        if let Some(byte) = changed.get_mut(at) {
            *byte ^= change[1];
        }
    }
    let expected = (changed == bytes).then(|| line.to_string());
    assert_eq!(recall(&mcp_proto::base64::encode(&changed)), expected);
    // As a memory: read or not, it never stops a handler.
    let resumed = Resumed::new(Answers::new(), Some(line.into_owned()), 1);
    let cx = cx(Some(resumed));
    let _ = cx.confirm("?").get();
    let _: Result<u8, _> = cx.once("key", || 1);
}

/// Law: a handler comes to the same result, and does what it does once only once, however its
/// questions are split into rounds, and in whatever order they are answered.
///
/// Bytes below 128 are steps of a handler: what it asks or does. The others say which of the open
/// questions are answered in a round; at least one is.
pub fn asks(input: &[u8]) {
    let steps: Vec<u8> = input
        .iter()
        .copied()
        .filter(|byte| *byte < 128)
        .take(12)
        .collect();
    let mut choices = input.iter().copied().filter(|byte| *byte >= 128).cycle();
    let at_once = {
        let cx = cx(None).answering(|request| answer(request).ok());
        run(&steps, &cx, &mut 0)
    };
    let (mut resumed, mut effects, mut asked) = (None, 0, Vec::new());
    for _ in 0..64 {
        let cx = cx(resumed.take());
        let round = Round::of(&cx);
        let returned = run(&steps, &cx, &mut effects);
        let outcome = round.end(|| Outcome::Fail(RpcError::internal("done")));
        let Outcome::NeedInput(need) = outcome else {
            assert_eq!(returned, at_once, "{steps:?}");
            let once = steps.iter().filter(|step| *step % 8 == 6).count();
            assert_eq!(effects, once, "{steps:?}");
            return;
        };
        assert!(!need.requests.is_empty(), "a run that ends has asked");
        let open = need.requests.len();
        let mut answers = Answers::new();
        for (at, (key, request)) in need.requests.iter().enumerate() {
            let chosen = choices.next().unwrap_or(255);
            if chosen % 2 == 1 || (answers.is_empty() && at + 1 == open) {
                let key: String = key.into();
                assert!(!asked.contains(&key), "{key} was answered before");
                answers.insert(key.clone(), answer(request));
                asked.push(key);
            }
        }
        resumed = Some(Resumed::new(answers, need.state, 1));
    }
    panic!("{steps:?}: it asks for ever");
}

fn answer(request: &InputRequest) -> Result<Json, RpcError> {
    let text = match request {
        InputRequest::Elicit(params) if params.message().contains('n') => r#"{"action":"decline"}"#,
        InputRequest::Elicit(_) => r#"{"action":"accept","content":{"confirm":true}}"#,
        InputRequest::CreateMessage(_) => {
            r#"{"role":"assistant","model":"m","content":{"type":"text","text":"hi"}}"#
        }
        _ => r#"{"roots":[{"uri":"file:///w"}]}"#,
    };
    Json::parse(text).map_err(|_| RpcError::internal("it is JSON"))
}

/// A handler of which each byte is a step.
fn run(steps: &[u8], cx: &Cx, effects: &mut usize) -> Result<String, AskError> {
    let mut trace = String::new();
    for (at, step) in steps.iter().enumerate() {
        let kind = step / 8;
        // The same question may be asked several times.
        let message = format!("{}{kind}", if kind % 3 == 0 { "n" } else { "y" });
        let told = match step % 8 {
            0 => format!("{}", cx.confirm(message).get()?),
            1 => cx
                .sample(CreateMessageParams::ask(message, 5))
                .get()?
                .text()
                .to_string(),
            2 => format!("{}", cx.roots().get()?.len()),
            3 => {
                let (first, second) = (cx.confirm("y1"), cx.confirm(message));
                format!("{} {}", second.get()?, first.get()?)
            }
            4 => {
                let form = ElicitSchema::new().with_optional("confirm", BooleanSchema::default());
                let asked = cx.elicit_form(message, form).key(format!("key {at}"));
                format!("{:?}", asked.get()?)
            }
            5 => {
                let (roots, says) = (cx.roots(), cx.sample(CreateMessageParams::ask(message, 6)));
                format!("{} {}", roots.get()?.len(), says.get()?.text())
            }
            6 => {
                let key = format!("effect {at}");
                let done = cx.once(&key, || {
                    *effects += 1;
                    key.clone()
                });
                done?
            }
            // Errors are for those who want them.
            _ => format!("{}", cx.confirm(message).get()? as u8),
        };
        let _ = write!(trace, "{told};");
    }
    Ok(trace)
}

#[derive(Debug)]
struct Deaf;

impl Link for Deaf {
    fn note(&self, _: CallId, _: Note) {}
}

fn cx(resumed: Option<Resumed>) -> Cx {
    let context = CallContext {
        id: CallId::from_u64(0, 0),
        peer: Arc::new(Peer::new(ProtocolVersion::LATEST)),
        deadline: Instant::MAX,
        cancel: CancelToken::new(),
        wants_progress: false,
        log_level: None,
        meta: None,
        resumed: resumed.map(Arc::new),
        detachable: false,
    };
    Cx::new(context, Arc::new(Deaf)).of_an_able_client()
}
