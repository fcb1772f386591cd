//! Handlers that ask in the middle of a call, users who answer, and what either may learn.
//!
//! A handler writes down, run by run, what it asks and what it is told. That must be the same in
//! both eras (S11), and it must be what a user has said to this very question.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mcp_client_core::InputAnswer;
use mcp_proto::{
    json::Json,
    rpc::RpcError,
    types::{
        CreateMessageParams, CreateMessageResult, ElicitAction, ElicitParams, ElicitResult,
        ElicitSchema, InputRequest, ListRootsResult, Root, SamplingContent, StringSchema,
    },
};
use mcp_server_core::{
    AskError, Cx, Elicited, Handler, PromptEntry, ResourceEntry, Server, ToolEntry, ToolError,
};

use crate::scenario::Pick;

/// What the handlers and the users of a world have said.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// What each run of each call's handler has asked and was told.
    runs: BTreeMap<u32, Vec<String>>,
    /// Each question that was answered, with what was answered.
    given: BTreeSet<(String, String)>,
    /// How often each call has done what is to be done once.
    once: BTreeMap<u32, u32>,
    /// The tasks that clients were told are over.
    over: BTreeSet<u32>,
    /// The calls that are made again when it is not known what came of them.
    reads: BTreeSet<u32>,
    /// A law that a handler has seen broken, whose panic would be caught.
    broken: Option<String>,
    /// Nothing is written down or judged.
    quiet: bool,
}

/// The notes of one world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notebook(Arc<Mutex<Notes>>);

impl Notebook {
    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was told to each call's handler.
    pub(crate) fn runs(&self) -> BTreeMap<u32, Vec<String>> {
        self.lock().runs.clone()
    }

    /// A user has answered that.
    pub(crate) fn give(&self, given: Option<(String, String)>) {
        self.lock().given.extend(given);
    }

    /// Lets handlers run that belong to no scenario.
    pub(crate) fn quietly<T>(&self, act: impl FnOnce() -> T) -> T {
        self.lock().quiet = true;
        let outcome = act();
        self.lock().quiet = false;
        outcome
    }

    /// Whether handlers have seen what they must not.
    pub(crate) fn check(&self) {
        if let Some(broken) = &self.lock().broken {
            panic!("{broken}");
        }
    }

    /// A client was told that this task is over.
    pub(crate) fn ends(&self, number: u32) {
        self.lock().over.insert(number);
    }

    /// The handler of this task is at work.
    pub(crate) fn works(&self, number: u32) {
        let mut notes = self.lock();
        if notes.over.contains(&number) {
            let text = format!("T4: task {number} is over, and at work");
            notes.broken.get_or_insert(text);
        }
    }

    /// Notes that this call only reads, and may be made again.
    pub(crate) fn reads(&self, number: u32) {
        self.lock().reads.insert(number);
    }

    /// Whether every call has done but once what is to be done once.
    pub(crate) fn check_once(&self) {
        let notes = self.lock();
        for (number, times) in &notes.once {
            assert!(
                *times == 1 || notes.reads.contains(number),
                "S11: call {number} has done {times} times what is done once"
            );
        }
    }
}

/// How many scripts there are.
pub(crate) const SCRIPTS: u8 = 13;

/// A key that a handler has chosen for its questions.
pub(crate) const KEY: &str = "k";

/// One run of a handler.
struct Run<'a> {
    number: u32,
    cx: &'a Cx,
    notebook: &'a Notebook,
    /// This call has run before.
    is_again: bool,
    told: Vec<String>,
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        let mut notes = self.notebook.lock();
        if !notes.quiet {
            let told = self.told.join("; ");
            notes.runs.entry(self.number).or_default().push(told);
        }
    }
}

fn form() -> ElicitSchema {
    ElicitSchema::new().with_required("v", StringSchema::default())
}

fn action<T>(elicited: Elicited<T>, text: impl FnOnce(T) -> String) -> String {
    match elicited {
        Elicited::Accepted(content) => text(content),
        Elicited::Declined => "decline".to_owned(),
        Elicited::Cancelled => "cancel".to_owned(),
    }
}

impl Run<'_> {
    fn question(&self, kind: &str, place: u32) -> String {
        format!("{kind} {}.{place}", self.number)
    }

    fn told(
        &mut self,
        question: &str,
        answer: Result<String, AskError>,
    ) -> Result<String, AskError> {
        let text = match &answer {
            Ok(answer) => {
                let mut notes = self.notebook.lock();
                let known = notes.given.contains(&(question.to_owned(), answer.clone()));
                if !known && !notes.quiet {
                    let text = format!("S11: nobody has answered {question} with {answer}");
                    notes.broken.get_or_insert(text);
                }
                answer.clone()
            }
            Err(AskError::Unanswered) => "?".to_owned(),
            Err(AskError::Undeclared(_)) => "undeclared".to_owned(),
            Err(AskError::Refused(_)) => "refused".to_owned(),
            Err(other) => panic!("{question}: {other:?}"),
        };
        self.told.push(format!("{question}: {text}"));
        answer
    }

    fn form(&mut self, place: u32) -> Result<String, AskError> {
        let question = self.question("form", place);
        let answer = self.cx.elicit_form(&*question, form()).get();
        self.told(&question, answer.map(form_text))
    }

    fn page(&mut self, place: u32) -> Result<String, AskError> {
        let question = self.question("page", place);
        let answer = self.cx.elicit_url(&*question, "https://a.example/b").get();
        self.told(&question, answer.map(|done| action(done, |()| "go".into())))
    }

    fn yes(&mut self, place: u32) -> Result<String, AskError> {
        let question = self.question("yes", place);
        let answer = self.cx.confirm(&*question).get();
        self.told(&question, answer.map(|yes| yes.to_string()))
    }

    fn model(&mut self, place: u32) -> Result<String, AskError> {
        let question = self.question("model", place);
        let params = CreateMessageParams::ask(&*question, 9);
        let answer = self.cx.sample(params).get();
        self.told(&question, answer.map(|result| result.text().to_owned()))
    }

    fn roots(&mut self) -> Result<String, AskError> {
        let answer = self.cx.roots().get();
        let text = |roots: Vec<Root>| roots.first().map_or("none".into(), |root| root.uri.clone());
        self.told("roots", answer.map(text))
    }

    /// A form and a yes at once.
    fn both(&mut self, place: u32) -> Result<String, AskError> {
        let questions = [self.question("form", place), self.question("yes", place)];
        let form = self.cx.elicit_form(&*questions[0], form());
        let yes = self.cx.confirm(&*questions[1]);
        let (form, yes) = (form.get().map(form_text), yes.get());
        let form = self.told(&questions[0], form);
        let yes = self.told(&questions[1], yes.map(|yes| yes.to_string()));
        Ok(format!("{} {}", form?, yes?))
    }

    /// Does what is to be done once.
    fn once(&mut self, key: &str) -> Result<String, AskError> {
        let (number, notebook) = (self.number, self.notebook);
        let done = self.cx.once(key, || {
            let mut notes = notebook.lock();
            if !notes.quiet {
                *notes.once.entry(number).or_default() += 1;
            }
            number
        })?;
        if done != number {
            let text = format!("S11: call {number} remembers what call {done} did");
            self.notebook.lock().broken.get_or_insert(text);
        }
        Ok(done.to_string())
    }

    fn play(&mut self, script: u8) -> Result<String, AskError> {
        Ok(match script % SCRIPTS {
            0 => self.form(0)?,
            1 => self.form(0)? + &self.model(1)?,
            2 => self.both(0)? + &self.roots()?,
            3 => self.once("a")? + &self.form(0)? + &self.form(1)? + &self.roots()?,
            4 => self.roots()? + &self.model(0)?,
            // Beyond the limits: for ever, too many at once, too much to remember.
            5 => loop {
                let place = u32::try_from(self.told.len()).unwrap_or(u32::MAX);
                self.yes(place)?;
            },
            6 => {
                let many = (0..5).map(|place| self.cx.confirm(self.question("yes", place)));
                let many: Vec<_> = many.collect();
                let mut all = String::new();
                for (place, ask) in (0..).zip(many) {
                    let (question, answer) = (self.question("yes", place), ask.get());
                    all += &self.told(&question, answer.map(|yes| yes.to_string()))?;
                }
                all
            }
            7 => self.cx.once("much", || "x".repeat(2_000))? + &self.form(0)?,
            // Whatever it makes of the error, the run has ended.
            8 => self.form(0).unwrap_or_default() + "; and went on",
            9 => self.page(0)? + &self.form(1)?,
            // Which question comes second is up to the first answer.
            10 => match self.yes(0)?.as_str() {
                "true" => self.model(1)?,
                _ => self.form(1)?,
            },
            11 => "asked nothing".to_owned(),
            // It takes another path the second time, and asks something else under the same key.
            _ => {
                let question = self.question("form", u32::from(self.is_again));
                let ask = self.cx.elicit_form(&*question, form()).key(KEY);
                let answer = ask.get();
                self.told(&question, answer.map(form_text))?
            }
        })
    }
}

fn form_text(elicited: Elicited<Json>) -> String {
    #[derive(serde::Deserialize)]
    struct Filled {
        v: String,
    }
    action(elicited, |content| {
        content.to::<Filled>().map_or("unfit".into(), |form| form.v)
    })
}

/// What the handler of the call of this number does.
pub(crate) fn play(
    number: u32,
    script: u8,
    cx: &Cx,
    notebook: &Notebook,
) -> Result<String, ToolError> {
    let mut run = Run {
        number,
        cx,
        notebook,
        is_again: notebook.lock().runs.contains_key(&number),
        told: Vec::new(),
    };
    let told = run.play(script)?;
    Ok(format!("{number} {told}"))
}

/// The arguments of every call.
#[derive(serde::Deserialize)]
pub(crate) struct Arguments {
    pub(crate) n: u32,
    #[serde(default)]
    pub(crate) s: u8,
}

/// Handlers that ask, in the ways in which there are handlers.
#[derive(Clone, Debug)]
pub(crate) struct Askers {
    pub(crate) tool: Handler,
    pub(crate) future: Handler,
    pub(crate) prompt: Handler,
    pub(crate) resource: Handler,
}

/// The template of resources that ask.
pub(crate) const TEMPLATE: &str = "ask:///{s}/{n}";

pub(crate) fn askers(notebook: &Notebook) -> Askers {
    let notes = [(); 4].map(|()| notebook.clone());
    let [sync, future, prompt, resource] = notes;
    let server = Server::builder("asks", "1")
        .tool(ToolEntry::new("ask").run(move |input, cx| {
            let arguments: Arguments = input.decode()?;
            play(arguments.n, arguments.s, cx, &sync)
        }))
        .tool(ToolEntry::new("await").run_async(move |input, cx| {
            let notebook = future.clone();
            async move {
                let arguments: Arguments = input.decode()?;
                play(arguments.n, arguments.s, &cx, &notebook)
            }
        }))
        .prompt(PromptEntry::new("ask").run(move |input, cx| {
            let (number, script) = (input.get("n")?, input.get("s")?);
            play(number, script, cx, &prompt)
        }))
        .resource(ResourceEntry::new(TEMPLATE, "asks").run(move |input, cx| {
            let (number, script) = (input.get("n")?, input.get("s")?);
            play(number, script, cx, &resource)
        }))
        .build()
        .expect("a valid server");
    let service = server.current();
    let tool = |name| service.tool(name).expect("it was added").handler().clone();
    let prompt = service.prompt("ask").expect("it was added");
    let template = service.template(TEMPLATE).expect("it was added");
    Askers {
        tool: tool("ask"),
        future: tool("await"),
        prompt: prompt.handler().clone(),
        resource: template.handler().clone(),
    }
}

// ── Users ────────────────────────────────────────────────────────────────────────────────────

/// An answer, and what the question is told by it: nothing where it is none.
pub(crate) struct Reply {
    pub(crate) answer: Result<InputAnswer, RpcError>,
    pub(crate) given: Option<(String, String)>,
    /// It is of another kind than the question.
    pub(crate) wrong: bool,
}

/// What the user says who answers every question in a way of its own, whoever asks it when.
pub(crate) fn settled_how(request: &InputRequest) -> Pick {
    let text = question_of(request);
    let sum: u32 = text.bytes().map(u32::from).sum();
    Pick([0, 0, 3, 4][sum as usize % 4])
}

/// What a user says to a question.
pub(crate) fn reply(request: &InputRequest, how: Pick) -> Reply {
    let question = question_of(request);
    let fine = |answer: InputAnswer, text: &str| Reply {
        answer: Ok(answer),
        given: Some((question.clone(), text.to_owned())),
        wrong: false,
    };
    match (how.0 % 8, request) {
        (5, _) => Reply {
            answer: Err(RpcError::internal("the user is away")),
            given: None,
            wrong: false,
        },
        (6, _) => {
            let answer = match request {
                InputRequest::ListRoots(_) => ElicitResult::new(ElicitAction::Accept).into(),
                _ => ListRootsResult::new(Vec::new()).into(),
            };
            Reply {
                answer: Ok(answer),
                given: None,
                wrong: true,
            }
        }
        (_, InputRequest::ListRoots(_)) if how.0 % 2 == 0 => {
            let roots = vec![Root::new(format!("file:///{}", how.0))];
            fine(
                ListRootsResult::new(roots).into(),
                &format!("file:///{}", how.0),
            )
        }
        (_, InputRequest::ListRoots(_)) => fine(ListRootsResult::new(Vec::new()).into(), "none"),
        (_, InputRequest::CreateMessage(_)) => {
            let text = format!("said {}", how.0);
            let content = SamplingContent::text(&*text);
            fine(CreateMessageResult::new("model", content).into(), &text)
        }
        (way, InputRequest::Elicit(params)) => elicited(params, &question, way, how),
        other => panic!("{other:?}"),
    }
}

fn elicited(params: &ElicitParams, question: &str, way: u8, how: Pick) -> Reply {
    let is_yes = question.starts_with("yes");
    let (result, text) = match (way, params) {
        (3, _) => (
            ElicitResult::new(ElicitAction::Decline),
            Some("decline".to_owned()),
        ),
        (4, _) => (
            ElicitResult::new(ElicitAction::Cancel),
            Some("cancel".to_owned()),
        ),
        (_, ElicitParams::Url(_)) => (
            ElicitResult::new(ElicitAction::Accept),
            Some("go".to_owned()),
        ),
        // What does not fit is no answer.
        (2, _) => (
            ElicitResult::accept(json("{\"v\":5,\"confirm\":\"x\"}")),
            None,
        ),
        _ if is_yes => {
            let yes = how.0 / 8 % 2 == 0;
            let content = json(&format!("{{\"confirm\":{yes}}}"));
            (ElicitResult::accept(content), Some(yes.to_string()))
        }
        _ => {
            let content = json(&format!("{{\"v\":\"{}\"}}", how.0));
            (ElicitResult::accept(content), Some(how.0.to_string()))
        }
    };
    let text = text.map(|text| match text.as_str() {
        "decline" | "cancel" if is_yes => "false".to_owned(),
        _ => text,
    });
    Reply {
        answer: Ok(result.into()),
        given: text.map(|text| (question.to_owned(), text)),
        wrong: false,
    }
}

/// What the handler calls this question.
pub(crate) fn question_of(request: &InputRequest) -> String {
    match request {
        InputRequest::Elicit(params) => params.message().to_owned(),
        InputRequest::CreateMessage(params) => {
            let first = params.messages.first();
            let text = first.and_then(|message| message.content.first()?.as_text());
            text.unwrap_or_default().to_owned()
        }
        _ => "roots".to_owned(),
    }
}

fn json(text: &str) -> Json {
    Json::parse(text).expect("it is JSON")
}
