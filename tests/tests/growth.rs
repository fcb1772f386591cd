//! What must not grow with how many there are: of listeners, of tools. Instructions are those of this
//! very program, which callgrind runs again with one job; setting up is not counted.

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
};

use mcp_server_core::{
    Change, ResourceEntry, Server, ToolEntry,
    http::{HttpDesk, HttpHub},
    mcp_proto::time::Instant,
};
use mcp_tests::{
    hub::{hub, listen, read},
    peers,
};

/// Listeners in the test that counts wake-ups.
const FEW: usize = 20;

fn server(tools: usize) -> Server {
    let resource = ResourceEntry::new("x:0", "x").constant("");
    let mut server = Server::builder("demo", "1.0.0").resource(resource);
    for n in 0..tools {
        server = server.tool(ToolEntry::new(format!("tool_{n}")).run(|_, _| "done"));
    }
    server.build().expect("it is well-formed")
}

fn served() -> (Server, Arc<HttpHub>) {
    let server = server(1);
    (server.clone(), hub(server))
}

/// What one of many listens to: to the list of tools, and to a resource of its own.
fn filter(n: usize) -> String {
    format!(r#""toolsListChanged":true,"resourceSubscriptions":["x:{n}"]"#)
}

/// What is counted. By its name callgrind knows it.
#[inline(never)]
fn counted_by_callgrind(mut work: impl FnMut()) {
    work();
}

/// One thing that is done beside few and beside many.
struct Job {
    name: &'static str,
    few: usize,
    many: usize,
    run: fn(usize),
}

/// So many instructions more may it cost for each of those that are more: a tree that is deeper
/// takes some hundred, and a look at each of them would be ten for each at the least.
const EACH: usize = 4;

const JOBS: &[Job] = &[
    Job {
        name: "one who begins and ends to watch",
        few: 1000,
        many: 8000,
        run: |count| {
            let server = server(1);
            let watches: Vec<_> = (0..count).map(|_| server.watch(Arc::new(|| {}))).collect();
            counted_by_callgrind(|| drop(server.watch(Arc::new(|| {}))));
            drop(watches);
        },
    },
    Job {
        name: "an update of what one listener watches",
        few: 50,
        many: 500,
        run: |count| {
            let (server, hub) = served();
            let listen = |n| listen(&hub, &filter(n), Waker::noop());
            let mut open: Vec<_> = (0..count).map(listen).collect();
            counted_by_callgrind(|| server.handle().resource_updated("x:0"));
            open[0].poll_work(&mut Context::from_waker(Waker::noop()));
            assert!(read(&mut open[0]).contains("x:0"));
        },
    },
    Job {
        name: "a call of one of many tools",
        few: 100,
        many: 1000,
        run: |count| {
            let server = server(count);
            let mut conn = server.connect(0, Instant::ZERO);
            let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"tool_7","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
            let line = format!("{call}\n");
            counted_by_callgrind(|| {
                conn.handle_bytes(line.as_bytes(), Instant::ZERO);
                assert!(conn.poll_event().is_some(), "the handler is found");
            });
        },
    },
];

/// Does one job, where a test has started this program for it.
#[test]
fn job() {
    let Ok(job) = std::env::var("GROWTH_JOB") else {
        return;
    };
    let (name, count) = job.split_once('/').expect("a name and a number");
    let job = JOBS.iter().find(|known| known.name == name);
    let run = job.expect("there is such a job").run;
    run(count.parse().expect("it is a number"));
}

fn instructions(job: &str, count: usize) -> u64 {
    let program = std::env::current_exe().expect("it is this one");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*counted_by_callgrind*")
        .arg(program)
        .args(["--exact", "job", "--test-threads=1"])
        .env("GROWTH_JOB", format!("{job}/{count}"))
        .output()
        .expect("valgrind runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let (_, collected) = told.split_once("Collected : ").expect("it has counted");
    let number = collected.split_whitespace().next();
    number.and_then(|text| text.parse().ok()).expect("a number")
}

#[test]
fn what_one_costs_does_not_grow_with_how_many_there_are() {
    let valgrind = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if valgrind.is_err() && !peers::skip("valgrind is not installed") {
        return;
    }
    let mut grown = Vec::new();
    for job in JOBS {
        let [few, many] = [job.few, job.many].map(|count| instructions(job.name, count));
        println!(
            "{}: {few} beside {}, {many} beside {}",
            job.name, job.few, job.many
        );
        assert!(few > 100, "{}: nothing was counted", job.name);
        let most = few + (EACH * (job.many - job.few)) as u64;
        grown.extend((many > most).then_some((job.name, few, many)));
    }
    assert!(grown.is_empty(), "{grown:?}");
}

/// Counts how often it is woken.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_change_wakes_whom_it_concerns_once_and_nobody_else() {
    let (server, hub) = served();
    let counters: Vec<Arc<Counter>> = (0..FEW).map(|_| Arc::default()).collect();
    let wakers: Vec<Waker> = counters.iter().cloned().map(Waker::from).collect();
    let mut open: Vec<HttpDesk> = wakers
        .iter()
        .enumerate()
        .map(|(n, waker)| listen(&hub, &filter(n), waker))
        .collect();
    let woken = || -> Vec<usize> {
        let count = |counter: &Arc<Counter>| counter.0.swap(0, Ordering::Relaxed);
        counters.iter().map(count).collect()
    };
    assert_eq!(woken(), [0; FEW]);
    for _ in 0..3 {
        server.handle().resource_updated("x:7");
    }
    let mut expected = [0; FEW];
    expected[7] = 1;
    assert_eq!(woken(), expected, "one resource");
    open[7].poll_work(&mut Context::from_waker(&wakers[7]));
    let told = read(&mut open[7]);
    assert_eq!(
        told.matches("notifications/resources/updated").count(),
        1,
        "{told}"
    );
    for _ in 0..3 {
        server.handle().changed(Change::Tools);
    }
    assert_eq!(woken(), [1; FEW], "a list");
    for (desk, waker) in open.iter_mut().zip(&wakers) {
        desk.poll_work(&mut Context::from_waker(waker));
        let told = read(desk);
        assert_eq!(
            told.matches("notifications/tools/list_changed").count(),
            1,
            "{told}"
        );
    }
}
