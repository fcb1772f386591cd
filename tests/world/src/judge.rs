//! Reads everything that one client and one server say to each other, and knows what they may say.
//!
//! It takes no part: it sees each message as its sender writes it, before the network has it.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use mcp_proto::{
    json::Json,
    types::{
        ClientCapabilities, ElicitParams, InputRequest, InputRequiredResult, SubscriptionFilter,
    },
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

/// What is read of a message.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<Params<'a>>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Error>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Params<'a> {
    #[serde(borrow)]
    request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    progress_token: Option<&'a RawValue>,
    progress: Option<f64>,
    uri: Option<String>,
    level: Option<IgnoredAny>,
    notifications: Option<SubscriptionFilter>,
    #[serde(borrow, rename = "_meta")]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "progressToken")]
    progress_token: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/subscriptionId")]
    subscription: Option<&'a RawValue>,
    #[serde(rename = "io.modelcontextprotocol/logLevel")]
    log_level: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Error {
    #[expect(dead_code, reason = "that it is a number is looked at")]
    code: i32,
}

/// How far a request is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// Its cancellation is under way, and may cross the answer.
    Cancelling,
    /// Its cancellation was processed.
    Dead,
    Answered,
}

#[derive(Debug)]
struct Asked {
    stage: Stage,
    method: String,
    /// What a call that may ask was made with, and on whose behalf.
    params: Option<String>,
    subject: String,
    /// What a stream's acknowledgement has granted.
    granted: Option<SubscriptionFilter>,
}

/// What a client was given to bring back, and for what.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) method: String,
    /// The parameters' object of the request that was answered with it.
    pub(crate) params: String,
    pub(crate) state: String,
    /// On whose behalf that request was made.
    pub(crate) subject: String,
}

/// More are not remembered.
const STATES: usize = 8;

/// One conversation.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    asked: BTreeMap<String, Asked>,
    /// What the server has asked by requests of its own, and whether that was answered.
    questions: BTreeMap<String, bool>,
    /// What the client has declared.
    pub(crate) able: ClientCapabilities,
    /// On whose behalf the client asks.
    pub(crate) subject: String,
    /// What the client was given to bring back, the newest last.
    pub(crate) states: Vec<Given>,
    /// The last report for each token, and the request it belongs to.
    progress: BTreeMap<String, (String, f64)>,
    watched: BTreeSet<String>,
    opened: bool,
    logs: bool,
    /// Somebody else has written to the server: it may complain about what has no id.
    pub(crate) disturbed: bool,
    /// The request that opens a session may come again: where the session is forgotten, and by
    /// another way where the first one leads nowhere.
    pub(crate) reopens: bool,
    /// Something was lost on the way: what is sent again because of it is not new.
    pub(crate) repeats: bool,
}

/// What a call that may ask is made with.
fn params_of(method: &str, text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Call<'a> {
        #[serde(borrow)]
        params: Option<&'a RawValue>,
    }
    if !matches!(method, "tools/call" | "prompts/get" | "resources/read") {
        return None;
    }
    let call: Call<'_> = serde_json::from_str(text).ok()?;
    call.params.map(|params| params.get().to_owned())
}

fn parse(text: &str) -> Message<'_> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no message: {error}: {text}"))
}

impl Judge {
    /// A request of somebody else, which is answered once as any other.
    pub(crate) fn intruded(&mut self, id: &str) {
        self.disturbed = true;
        self.ask(id, "", None);
    }

    fn ask(&mut self, id: &str, method: &str, params: Option<String>) {
        let asked = Asked {
            stage: Stage::Open,
            method: method.to_owned(),
            params,
            subject: self.subject.clone(),
            granted: None,
        };
        let before = self.asked.insert(id.to_owned(), asked);
        let again = self.reopens && method == "initialize";
        assert!(before.is_none() || again, "S1: the id {id} is used twice");
    }

    /// The client says this.
    pub(crate) fn client_says(&mut self, text: &str) {
        let message = parse(text);
        let Some(method) = message.method else {
            return self.answered_by_client(message.id.map_or("null", RawValue::get), text);
        };
        let params = message.params.unwrap_or_default();
        if let Some(id) = message.id.map(RawValue::get) {
            self.ask(id, &method, params_of(&method, text));
            let meta = params.meta.as_ref();
            if let Some(token) = meta.and_then(|meta| meta.progress_token) {
                let before = (id.to_owned(), f64::NEG_INFINITY);
                self.progress.insert(token.get().to_owned(), before);
            }
            let leveled = meta.is_some_and(|meta| meta.log_level.is_some());
            self.logs |= leveled || params.level.is_some();
            if let (Some(uri), "resources/subscribe") = (&params.uri, &*method) {
                self.watched.insert(uri.clone());
            }
        } else if method == "notifications/initialized" {
            self.opened = true;
        } else if let (Some(id), "notifications/cancelled") = (params.request_id, &*method) {
            if let Some(asked) = self.asked.get_mut(id.get()) {
                if asked.stage == Stage::Open {
                    asked.stage = Stage::Cancelling;
                }
            }
        }
    }

    /// The server asks something by a request of its own, as until 2025-11-25.
    fn questioned(&mut self, method: &str, id: &str, text: &str) {
        #[derive(Deserialize)]
        struct Asked {
            params: Option<Json>,
        }
        assert!(self.opened, "S5: before the session is open: {text}");
        let Asked { params } = serde_json::from_str(text).expect("it is a message");
        let params = params.unwrap_or_else(Json::empty_object);
        let request = match method {
            "elicitation/create" => params
                .to()
                .map(|params| InputRequest::Elicit(Box::new(params))),
            "sampling/createMessage" => {
                let boxed = |params| InputRequest::CreateMessage(Box::new(params));
                params.to().map(boxed)
            }
            "roots/list" => params.to().map(InputRequest::ListRoots),
            _ => panic!("no server asks this: {text}"),
        };
        self.is_declared(&request.expect("it can be read"), text);
        let before = self.questions.insert(id.to_owned(), false);
        assert!(before.is_none() || self.repeats, "S1: asked twice: {text}");
    }

    fn answered_by_client(&mut self, id: &str, text: &str) {
        match self.questions.get_mut(id) {
            Some(answered) => {
                assert!(!*answered || self.repeats, "S1: answered twice: {text}");
                *answered = true;
            }
            None => assert!(self.disturbed, "S1: nobody has asked this: {text}"),
        }
    }

    /// S5: nothing is asked of a client that it did not declare.
    fn is_declared(&self, request: &InputRequest, text: &str) {
        let able = &self.able;
        let declared = match request {
            InputRequest::Elicit(params) => match &**params {
                ElicitParams::Url(_) => able.elicits_urls(),
                _ => able.elicits_forms(),
            },
            InputRequest::CreateMessage(_) => able.sampling.is_some(),
            _ => able.roots.is_some(),
        };
        assert!(
            declared,
            "S5: nothing was declared that could be asked: {text}"
        );
    }

    /// An answer may be a question, since 2026-07-28.
    fn look_for_questions(&mut self, id: &str, result: &str, text: &str) {
        if !result.contains("\"resultType\":\"input_required\"") {
            return;
        }
        let asked: InputRequiredResult = serde_json::from_str(result).expect("it can be read");
        for (_, request) in asked.input_requests.iter() {
            self.is_declared(request, text);
        }
        let Some(Asked {
            method,
            params: Some(params),
            subject,
            ..
        }) = self.asked.get(id)
        else {
            panic!("S5: no call that may ask: {text}");
        };
        let state = asked
            .request_state
            .expect("a server of ours has to remember");
        if self.states.len() == STATES {
            self.states.remove(0);
        }
        self.states.push(Given {
            method: method.clone(),
            params: params.clone(),
            state,
            subject: subject.clone(),
        });
    }

    /// Everything that the client has said was processed, and everything that the server has to say
    /// was seen.
    pub(crate) fn settled(&mut self) {
        for asked in self.asked.values_mut() {
            if asked.stage == Stage::Cancelling {
                asked.stage = Stage::Dead;
            }
        }
    }

    /// Whether the client has taken any call back.
    pub(crate) fn has_cancelled(&self) -> bool {
        let mut stages = self.asked.values().map(|asked| asked.stage);
        stages.any(|stage| matches!(stage, Stage::Cancelling | Stage::Dead))
    }

    /// Whether a cancellation is under way.
    pub(crate) fn is_cancelling(&self) -> bool {
        let mut stages = self.asked.values().map(|asked| asked.stage);
        stages.any(|stage| stage == Stage::Cancelling)
    }

    /// The server says this.
    pub(crate) fn server_says(&mut self, text: &str) {
        if text.starts_with('[') {
            let members: Vec<&RawValue> = serde_json::from_str(text).expect("a batch is JSON");
            for member in members {
                self.server_says(member.get());
            }
            return;
        }
        let message = parse(text);
        match (&message.method, message.id) {
            (Some(method), None) => {
                let method = method.clone();
                self.notified(&method, message.params.unwrap_or_default(), text);
            }
            (Some(method), Some(id)) => self.questioned(method, id.get(), text),
            (None, id) => {
                let complete = message.result.is_some() != message.error.is_some();
                assert!(complete, "neither a result nor an error, or both: {text}");
                let id = id.map_or("null", RawValue::get);
                if let Some(result) = message.result {
                    self.look_for_questions(id, result.get(), text);
                }
                self.answered(id, text);
            }
        }
    }

    fn answered(&mut self, id: &str, text: &str) {
        if id == "null" {
            assert!(self.disturbed, "an answer to nobody: {text}");
            return;
        }
        let Some(asked) = self.asked.get_mut(id) else {
            panic!("S1: an answer to what was never asked: {text}");
        };
        match asked.stage {
            Stage::Open | Stage::Cancelling => asked.stage = Stage::Answered,
            Stage::Answered => assert!(self.repeats, "S1: answered twice: {text}"),
            Stage::Dead => panic!("S2: answered after its cancellation: {text}"),
        }
    }

    fn notified(&mut self, method: &str, params: Params<'_>, text: &str) {
        let stream = params.meta.as_ref().and_then(|meta| meta.subscription);
        if let Some(stream) = stream.map(RawValue::get) {
            return self.streamed(stream, method, &params, text);
        }
        match method {
            "notifications/progress" => {
                let token = params.progress_token.map_or("null", RawValue::get);
                let Some((id, last)) = self.progress.get_mut(token) else {
                    panic!("S3: nobody has asked for reports under {token}: {text}");
                };
                let done = params.progress.expect("a report says how much");
                let grows = done > *last || self.repeats;
                assert!(grows, "S3: progress must grow: {text}");
                *last = done;
                let stage = self.asked[id].stage;
                let live = matches!(stage, Stage::Open | Stage::Cancelling) || self.repeats;
                assert!(live, "S2, S3: a report on what is {stage:?}: {text}");
            }
            // Until 2025-11-25 a server chooses the level where its client has not.
            "notifications/message" => {
                assert!(self.logs || self.opened, "S5: no log was asked for: {text}");
            }
            "notifications/resources/updated" => {
                let uri = params.uri.unwrap_or_default();
                let watched = self.opened && self.watched.contains(&uri);
                assert!(watched, "S4: nobody watches {uri}: {text}");
            }
            "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed" => {
                assert!(self.opened, "S4: before the session is open: {text}");
            }
            // A question whose answer is no longer wanted.
            "notifications/cancelled" => {
                let id = params.request_id.map_or("null", RawValue::get);
                // It may have got lost before its stream was resumed.
                let known = self.questions.contains_key(id) || self.reopens;
                assert!(known, "S1: nothing was asked under {id}: {text}");
            }
            _ => panic!("no server says this: {text}"),
        }
    }

    fn streamed(&mut self, stream: &str, method: &str, params: &Params<'_>, text: &str) {
        let asked = self.asked.get_mut(stream);
        let Some(asked) = asked.filter(|asked| asked.method == "subscriptions/listen") else {
            panic!("S4: no such stream: {text}");
        };
        match asked.stage {
            Stage::Open | Stage::Cancelling => {}
            Stage::Dead => panic!("S2: on a stream that was cancelled: {text}"),
            Stage::Answered => assert!(self.repeats, "S4: on a stream that has ended: {text}"),
        }
        let Some(granted) = &asked.granted else {
            assert_eq!(
                method, "notifications/subscriptions/acknowledged",
                "S4: the acknowledgement comes first: {text}"
            );
            asked.granted = Some(params.notifications.clone().unwrap_or_default());
            return;
        };
        let wanted = match method {
            // The same request, twice on its way, opens two streams.
            "notifications/subscriptions/acknowledged" => self.repeats,
            "notifications/tools/list_changed" => granted.tools_list_changed,
            "notifications/prompts/list_changed" => granted.prompts_list_changed,
            "notifications/resources/list_changed" => granted.resources_list_changed,
            "notifications/resources/updated" => params
                .uri
                .as_ref()
                .is_some_and(|uri| granted.resource_subscriptions.contains(uri)),
            _ => false,
        };
        assert!(wanted, "S4: nobody has asked for this: {text}");
    }
}
