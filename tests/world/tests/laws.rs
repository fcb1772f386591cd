//! The laws hold in a few thousand sessions, whatever happens in them; and a fault is found.

use mcp_world::{
    Options, Pick, Plant, Scenario, Setup, Step, eras_agree, find_fault, run, shrink, tell,
};

fn strict() -> Options {
    let mut options = Options::default();
    options.replayed = true;
    options
}

#[test]
fn no_law_is_broken() {
    let mut sessions = 0;
    for seed in 0..300 {
        let scenario = Scenario::from_seed(seed);
        if let Some(fault) = find_fault(&scenario, strict()) {
            let shortest = shrink(&scenario, strict());
            panic!(
                "seed {seed}: {fault}\n{}\nworld-run --replay {shortest}",
                shortest.as_rust()
            );
        }
        sessions += run(&scenario, Options::default()).sessions;
    }
    assert!(sessions > 600, "{sessions} sessions");
}

#[test]
fn handlers_are_told_the_same_in_every_era() {
    for seed in 0..60 {
        if let Err(told) = eras_agree(seed) {
            panic!("seed {seed}: {told}");
        }
    }
}

#[test]
fn the_same_scenario_gives_the_same_run() {
    let trace = |seed| run(&Scenario::from_seed(seed), Options::default()).trace;
    for seed in 0..30 {
        assert_eq!(trace(seed), trace(seed), "S10: seed {seed}");
    }
    assert_ne!(trace(1), trace(2));
}

/// What has to happen somewhere, or the world is too kind.
const SIGHTS: &[&str] = &[
    // Both eras, and every older revision.
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#,
    r#""protocolVersion":"2025-11-25","capabilities":{"roots":{},"sampling":{},"elicitation":{"form":{},"url":{}}}"#,
    r#""result":{"protocolVersion":"2025-06-18""#,
    r#""result":{"protocolVersion":"2025-03-26""#,
    r#""result":{"protocolVersion":"2024-11-05""#,
    // How calls end.
    "Done(",
    "the server is busy",
    " holds back\n",
    "handler panicked",
    "without progress",
    "the outcome of another kind of call",
    "\"code\":-32602",
    "notifications/cancelled",
    "\"reason\":\"timed out\"",
    "the client ended the connection before the call did",
    // What is told meanwhile.
    "Progress(CallId",
    "Log(LogParams",
    "Changed(Tools)",
    "Changed(Resource(",
    "notifications/subscriptions/acknowledged",
    "subscriptions/listen",
    "resources/subscribe",
    "resources/unsubscribe",
    // How connections end.
    "! Closed(Eof)",
    "! Closed(Local)",
    "! Closed(Overflow)",
    "! Closed(Unresponsive)",
    ". Closed(Eof)",
    ". Closed(Local)",
    ". Closed(Probe)",
    // HTTP: all ways of serving, and what goes wrong on them.
    "POST /mcp {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\"",
    "GET /mcp",
    "DELETE /mcp",
    "GET /sse",
    "POST /messages",
    "session not found",
    "the session has a stream already",
    "202 Accepted",
    "405 Method Not Allowed",
    " aborted",
    "HttpFailure { status: Some(502)",
    "the connection broke",
    "the id belongs to a request that is still open",
    // What clients keep, and streams that go on where they were.
    " (kept) Ok(",
    "Login {",
    " resumes listening after ",
    " resumes a call after ",
    // Questions, as requests and as results, and what users make of them.
    r#""method":"elicitation/create""#,
    r#""method":"sampling/createMessage""#,
    r#""method":"roots/list""#,
    r#""resultType":"input_required""#,
    r#""inputResponses""#,
    r#""action":"decline""#,
    r#""action":"cancel""#,
    "the user is away",
    "the client left a question unanswered",
    "the question was not answered in time",
    "the call it belongs to is over",
    "InputGone(",
    "in more than 4 rounds",
    "more than 3 questions at once",
    "has to remember more than 1000 bytes",
    "too many questions are open",
    "TooManyQuestions",
    "params.requestState is not valid",
    "\"code\":-32021",
    "and went on",
    "Forge {",
    // Tasks, in both revisions that have them, and the end of the process that works on them.
    r#""resultType":"task""#,
    r#""task":{"taskId""#,
    r#""method":"tasks/get""#,
    r#""method":"tasks/update""#,
    r#""method":"tasks/cancel""#,
    r#""method":"tasks/result""#,
    r#""method":"tasks/list""#,
    r#""method":"notifications/tasks""#,
    r#""method":"notifications/tasks/status""#,
    "io.modelcontextprotocol/related-task",
    r#""status":"input_required""#,
    r#""status":"completed""#,
    r#""status":"cancelled""#,
    "the server ended before the task did",
    "too many tasks are being worked on",
    "it keeps too many tasks",
    "there is no such task",
    // What others do to them.
    "! Fault(NotRpc",
    "! Fault(Frame",
    "! Fault(UnexpectedResponse",
    ". Fault(NotRpc",
    ". Fault(Frame",
    ". Fault(UnexpectedResponse",
];

/// Four long answers for a client that reads nothing: too rare to be waited for.
fn overflow() -> Scenario {
    let (zero, one) = (Pick(0), Pick(1));
    let call = Step::Call {
        client: zero,
        what: zero,
    };
    let finish = Step::Finish {
        held: zero,
        how: one,
    };
    let stop = Step::Flow {
        pipe: one,
        how: zero,
    };
    Scenario {
        setup: Setup {
            first: one,
            second: zero,
            limits: Pick(0x53),
        },
        steps: [vec![stop], vec![call; 4], vec![finish; 4]].concat(),
    }
}

#[test]
fn the_world_shows_what_it_is_for() {
    let mut missing: Vec<&str> = SIGHTS.to_vec();
    let scenarios = (0..1500).map(Scenario::from_seed);
    for scenario in std::iter::once(overflow()).chain(scenarios) {
        let (text, _) = tell(&scenario, Options::default());
        missing.retain(|sight| !text.contains(sight));
        if missing.is_empty() {
            return;
        }
    }
    panic!("never seen: {missing:#?}");
}

/// The shortest scenario for a fault that was planted, from the first seed that shows it.
fn shortest(plant: Plant) -> (Scenario, String) {
    let mut options = Options::default();
    options.plant = Some(plant);
    let scenario = (0..)
        .map(Scenario::from_seed)
        .find(|scenario| find_fault(scenario, options).is_some())
        .expect("a fault that is planted is found");
    let shortest = shrink(&scenario, options);
    assert!(shortest.steps.len() < scenario.steps.len());
    // What is printed can be run again, and shows the same.
    let again = Scenario::parse(&shortest.to_string()).expect("it is what was printed");
    let fault = find_fault(&again, options).expect("it still has the fault");
    assert_eq!(find_fault(&again, Options::default()), None, "only planted");
    (again, fault)
}

#[test]
fn an_answer_given_twice_is_found_and_shortened() {
    let (scenario, fault) = shortest(Plant::AnswersTwice);
    assert!(fault.starts_with("S1: answered twice"), "{fault}");
    // The registry must have been swapped, and that is all: the new call at the end does the rest.
    assert!(
        matches!(scenario.steps[..], [Step::Swap { .. }]),
        "{scenario:?}"
    );
    assert_eq!(
        scenario.as_rust(),
        "Scenario {\n    setup: Setup { first: Pick(0), second: Pick(0), limits: Pick(0) },\n    steps: vec![\n        Step::Swap { what: Pick(0), how: Pick(0) },\n    ],\n}"
    );
}

#[test]
fn a_handler_that_is_not_told_of_its_end_is_found_and_shortened() {
    let (scenario, fault) = shortest(Plant::ForgetsCancellation);
    assert!(fault.starts_with("S2: call"), "{fault}");
    assert_eq!(scenario.steps.len(), 2, "a call and its end: {scenario:?}");
}

#[test]
fn a_scenario_can_be_written_by_hand() {
    let scenario = Scenario {
        setup: Setup {
            first: Pick(1),
            second: Pick(2),
            limits: Pick(0),
        },
        steps: vec![
            Step::Call {
                client: Pick(0),
                what: Pick(0),
            },
            Step::Swap {
                what: Pick(0),
                how: Pick(0),
            },
            Step::Finish {
                held: Pick(0),
                how: Pick(0),
            },
        ],
    };
    let report = run(&scenario, strict());
    let (text, _) = tell(&scenario, strict());
    assert!(text.contains("! Tool { name: \"hold\""), "{}", text);
    assert_eq!(report.sessions, 2);
}
