//! Calls that become tasks, from the clients' side: every binding's client with every binding's
//! server, over pipes and HTTP, in both revisions that have tasks. All of them see the same.
#![cfg(unix)]

use std::{process::Command, thread, time::Duration};

use mcp_client_core::{Options, http::Endpoint};
use mcp_tests::{
    clients::{AnyClient, Kind},
    served::Served,
    task_clients::{Way, builder, text},
};
use serde_json::{Value, json};

/// What is called, and what must come of it, whichever way it is called.
fn calls() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "slow_compute",
            json!({"seconds": 0.15, "label": "x"}),
            "x took 0.15 s",
        ),
        ("greet", json!({"name": "Ada"}), "Hello, Ada!"),
        (
            "confirm_delete",
            json!({"filename": "a.txt"}),
            "Deleted a.txt",
        ),
        ("multi_input", json!({}), "Hello, Ada!"),
        ("failing_job", json!({}), "failed: the job has failed"),
        (
            "protocol_error_job",
            json!({}),
            "error: the server answered: the job broke off (-32603)",
        ),
        ("test_tool_with_task", json!({}), "Hello, Ada!"),
    ]
}

fn play(client: &dyn AnyClient, way: Way) {
    for (tool, arguments, expected) in calls() {
        let called = text(client.call(tool, &arguments, Options::default()));
        assert_eq!(called, expected, "{tool}, {way:?}");
        let run = text(client.run_as_task(tool, &arguments, Options::default()));
        assert_eq!(run, expected, "{tool} as a task, {way:?}");
    }
    changes(client);
    cancelled(client, way);
    let unknown = "the server does not know the task: there is no such task (-32602)";
    assert_eq!(
        client.task_status("nobody's"),
        Err(format!("the server answered: {}", &unknown[35..]))
    );
    assert_eq!(client.task_wait("nobody's"), Err(unknown.into()));
    assert_eq!(
        client.task_result("nobody's", Options::default()),
        Err(unknown.into())
    );
}

fn begin(client: &dyn AnyClient, tool: &str, arguments: &Value) -> String {
    client
        .begin(tool, arguments)
        .expect("it can be begun")
        .expect("it is a task")
}

fn changes(client: &dyn AnyClient) {
    let id = begin(client, "confirm_delete", &json!({"filename": "b.txt"}));
    let (changes, result) = client.task_updates(&id);
    assert_eq!(text(result), "Deleted b.txt");
    let statuses = changes.iter().map(|task| task["status"].as_str().unwrap());
    let statuses: Vec<&str> = statuses.collect();
    // How much is seen in between depends on when it is looked at.
    assert!(statuses.contains(&"input_required"), "{statuses:?}");
    assert_eq!(client.task_wait(&id).unwrap()["status"], "completed");
    assert!(
        changes.iter().all(|task| task["taskId"] == *id),
        "{changes:?}"
    );
    // It can be read as often as anybody likes.
    assert_eq!(
        text(client.task_result(&id, Options::default())),
        "Deleted b.txt"
    );
}

fn cancelled(client: &dyn AnyClient, way: Way) {
    let forever = json!({"seconds": 3600, "label": "long"});
    let id = begin(client, "slow_compute", &forever);
    // To stop waiting is not to stop the task.
    let short = Options::default()
        .max(Duration::from_millis(300))
        .timeout(Duration::from_millis(300));
    let late = client.task_result(&id, short);
    assert_eq!(late, Err("the server did not answer in time".into()));
    assert_eq!(client.task_status(&id).unwrap()["status"], "working");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| client.task_wait(&id));
        thread::sleep(Duration::from_millis(50));
        client.task_cancel(&id).expect("it can be cancelled");
        let task = waiting.join().unwrap().expect("it has ended");
        assert_eq!(task["status"], "cancelled");
    });
    let gone = text(client.task_result(&id, Options::default()));
    assert!(gone.starts_with("error: the task was cancelled"), "{gone}");
    match (way, client.list_tasks()) {
        (Way::Handshake, Ok(tasks)) => {
            assert!(tasks.iter().any(|task| task["taskId"] == *id), "{tasks:?}");
            assert_eq!(
                client.task_cancel(&id),
                Err("the server answered: the task is cancelled already (-32602)".into())
            );
        }
        (Way::Looking | Way::Listening, Err(error)) => {
            assert_eq!(error, "revision 2026-07-28 does not have this method");
            assert_eq!(client.task_cancel(&id), Ok(()));
        }
        (_, listed) => panic!("{listed:?}"),
    }
    // A call that is given up takes along what it has become.
    let given_up = client.call_for(Duration::from_millis(400), "slow_compute", &forever);
    assert_eq!(given_up, Ok(None));
}

fn everyone(connect: impl Fn(Kind, Way) -> Box<dyn AnyClient> + Sync) {
    thread::scope(|scope| {
        for kind in Kind::ALL {
            let connect = &connect;
            scope.spawn(move || {
                for way in [Way::Handshake, Way::Looking, Way::Listening] {
                    let client = connect(kind, way);
                    play(&*client, way);
                    client.close();
                }
            });
        }
    });
}

fn over_pipes(fixture: &str) {
    everyone(|kind, way| {
        let mut server = Command::new(fixture);
        server.arg("stdio");
        kind.spawn(builder(way), server).expect("it starts")
    });
}

fn over_http(fixture: &str) {
    let served = Served::fixture(fixture);
    everyone(|kind, way| {
        let endpoint = Endpoint::new(served.url()).expect("it is a URL");
        kind.http(builder(way), endpoint).expect("it answers")
    });
}

macro_rules! bindings {
    ($($binding:ident: $fixture:literal,)*) => {$(
        mod $binding {
            #[test]
            fn over_pipes() {
                super::over_pipes(env!(concat!("CARGO_BIN_EXE_", $fixture)));
            }

            #[test]
            fn over_http() {
                super::over_http(env!(concat!("CARGO_BIN_EXE_", $fixture)));
            }
        }
    )*};
}

bindings! {
    blocking: "fixture-blocking",
    tokio: "fixture-tokio",
    smol: "fixture-smol",
    async_std: "fixture-async-std",
}
