//! Servers that are child processes and behave badly, with the client of every binding: a clear
//! error, and neither a hang nor a process, a thread or a descriptor left behind.
#![cfg(target_os = "linux")]

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use mcp_client_core::{
    ClientBuilder, Options,
    child::{INHERITED, LINGER, SHUTDOWN},
};
use mcp_proto::limits::Limits;
use mcp_tests::clients::{AnyClient, Kind};
use serde_json::{Value, json};

/// Much longer than anything here takes on a busy machine, much shorter than for ever.
const SOON: Duration = Duration::from_secs(15);
/// How long a server has for each step of its end.
const GRACE: Duration = SHUTDOWN[0].0;

/// One test at a time: they count what the process has.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server in one of its roles, and where it tells its id.
struct Odd {
    command: Option<Command>,
    pid: PathBuf,
    holder: PathBuf,
}

impl Odd {
    fn new(role: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_odd-server"));
        command.arg(role);
        Self::with(command)
    }

    /// Deaf to SIGTERM.
    fn stubborn(role: &str) -> Self {
        let mut command = Command::new("sh");
        let script = format!("trap '' TERM; exec \"$0\" {role}");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_odd-server")]);
        Self::with(command)
    }

    fn with(mut command: Command) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let file = |what: &str, number: u32| {
            std::env::temp_dir().join(format!("mcp-odd-{}-{number}-{what}", std::process::id()))
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (pid, holder) = (file("pid", number), file("holder", number));
        command.env("ODD_PID", &pid).env("ODD_HOLDER", &holder);
        Self {
            command: Some(command),
            pid,
            holder,
        }
    }

    fn spawn(&mut self, kind: Kind) -> Result<Box<dyn AnyClient>, String> {
        let mut limits = Limits::default();
        limits.probe_timeout = Duration::from_millis(500);
        limits.call_timeout = Duration::from_secs(5);
        let builder = ClientBuilder::new("odd", "1.0.0").limits(limits);
        let command = self.command.take().expect("it is spawned once");
        kind.spawn(builder, command)
    }

    /// Nothing is left of it: not even a zombie.
    fn check_gone(&self, kind: Kind) {
        let pid = read_pid(&self.pid).expect("it has run");
        let until = Instant::now() + SOON;
        while Path::new(&format!("/proc/{pid}")).exists() {
            assert!(Instant::now() < until, "{kind:?} leaves a process behind");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Nor of the process that it has started; whose zombie is not ours to be rid of.
    fn check_child_gone(&self, kind: Kind) {
        let pid = read_pid(&self.holder).expect("it has run");
        let until = Instant::now() + SOON;
        let runs = || {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let (_, state) = stat.rsplit_once(") ")?;
            (!state.starts_with('Z')).then_some(())
        };
        while runs().is_some() {
            assert!(Instant::now() < until, "{kind:?} leaves a process behind");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Odd {
    fn drop(&mut self) {
        // The one that is left behind on purpose.
        if let Some(pid) = read_pid(&self.holder) {
            let _ = Command::new("kill").args(["-KILL", &pid]).status();
        }
        let _ = fs::remove_file(&self.pid);
        let _ = fs::remove_file(&self.holder);
    }
}

fn read_pid(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().filter(|pid| !pid.is_empty())
}

/// Our descriptors, and the threads that bindings have started for connections.
fn held() -> (usize, usize) {
    let count = |path: &str| fs::read_dir(path).expect("it is our own").count();
    let names = fs::read_dir("/proc/self/task").expect("it is our own");
    let threads = names
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("mcp-"))
        .count();
    (count("/proc/self/fd"), threads)
}

/// Does something with the clients of all bindings at once, and looks at what is left afterwards.
fn with_all(play: impl Fn(Kind) + Sync) {
    let _alone = alone();
    // What the runtimes start once and keep.
    for kind in Kind::ALL {
        let client = Odd::new("good").spawn(kind).expect("a good server");
        assert_eq!(call(&*client, "hello"), Ok("here".into()), "{kind:?}");
        client.close();
    }
    let before = settled(|_| true);
    let started = Instant::now();
    thread::scope(|scope| {
        for kind in Kind::ALL {
            let play = &play;
            scope.spawn(move || play(kind));
        }
    });
    assert!(started.elapsed() < SOON, "it took {:?}", started.elapsed());
    settled(|after| after.0 <= before.0 && after.1 <= before.1);
}

/// What is held when nothing changes any more, and it is as it should be.
fn settled(good: impl Fn((usize, usize)) -> bool) -> (usize, usize) {
    let until = Instant::now() + SOON;
    let mut last = held();
    loop {
        thread::sleep(Duration::from_millis(50));
        let now = held();
        if now == last && good(now) {
            return now;
        }
        assert!(
            Instant::now() < until,
            "descriptors and threads are kept: {now:?}"
        );
        last = now;
    }
}

/// The text of the answer.
fn call(client: &dyn AnyClient, text: &str) -> Result<String, String> {
    let arguments = json!({"text": text});
    let result = client.call("any", &arguments, Options::default())?;
    Ok(result["content"][0]["text"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

#[test]
fn one_that_is_not_there() {
    with_all(|kind| {
        let command = Command::new("/nowhere/no-such-server");
        let error = kind
            .spawn(ClientBuilder::new("odd", "1.0.0"), command)
            .err()
            .expect("nothing can be started");
        assert!(
            error.contains("cannot start /nowhere/no-such-server"),
            "{kind:?}: {error}"
        );
    });
}

#[test]
fn one_that_exits_at_once() {
    with_all(|kind| {
        let mut odd = Odd::new("exits-at-once");
        let error = odd.spawn(kind).err().expect("it has exited");
        assert!(
            error.contains("the server closed the connection"),
            "{kind:?}: {error}"
        );
        // Of the two, the second was started for older servers.
        odd.check_gone(kind);
    });
}

#[test]
fn one_that_exits_when_it_is_called() {
    with_all(|kind| {
        let mut odd = Odd::new("exits-when-called");
        let client = odd.spawn(kind).expect("it greets");
        let error = call(&*client, "hello").expect_err("it has exited");
        assert_eq!(
            error, "the call got no answer: the server closed the connection",
            "{kind:?}"
        );
        let status = client.close().expect("it was a process");
        assert_eq!(status.code(), Some(4), "{kind:?}");
        odd.check_gone(kind);
    });
}

#[test]
fn one_that_says_much_beside_the_protocol() {
    with_all(|kind| {
        let mut odd = Odd::new("noisy");
        let client = odd.spawn(kind).expect("it greets");
        assert_eq!(call(&*client, "hello"), Ok("here".into()), "{kind:?}");
        let until = Instant::now() + SOON;
        while !client
            .stderr()
            .trim_end()
            .ends_with("39999: everything is going according to plan, thank you for asking")
        {
            assert!(Instant::now() < until, "{kind:?}: the end is missing");
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(client.stderr().len(), 64 * 1024, "{kind:?}");
        client.close();
        odd.check_gone(kind);
    });
}

#[test]
fn one_that_prints_rubbish() {
    with_all(|kind| {
        let mut odd = Odd::new("rubbish");
        let client = odd.spawn(kind).expect("it greets");
        for _ in 0..2 {
            assert_eq!(call(&*client, "hello"), Ok("here".into()), "{kind:?}");
        }
        client.close();
        odd.check_gone(kind);
    });
}

#[test]
fn one_that_leaves_a_process_with_its_pipes_behind() {
    with_all(|kind| {
        let mut odd = Odd::new("daemon");
        let client = odd.spawn(kind).expect("it greets");
        let started = Instant::now();
        let error = call(&*client, "hello").expect_err("it has exited");
        assert_eq!(
            error, "the call got no answer: the server closed the connection",
            "{kind:?}"
        );
        let took = started.elapsed();
        assert!(took >= LINGER && took < LINGER * 2, "{kind:?}: {took:?}");
        client.close();
        odd.check_gone(kind);
    });
}

#[test]
fn one_that_has_a_process_of_its_own() {
    with_all(|kind| {
        let mut odd = Odd::new("family");
        let client = odd.spawn(kind).expect("it greets");
        assert_eq!(call(&*client, "hello"), Ok("here".into()), "{kind:?}");
        let status = client.close().expect("it was a process");
        assert_eq!(status.signal(), Some(15), "{kind:?}");
        odd.check_gone(kind);
        odd.check_child_gone(kind);
    });
}

#[test]
fn one_that_never_reads() {
    with_all(|kind| {
        let mut odd = Odd::new("deaf");
        let started = Instant::now();
        let error = odd.spawn(kind).err().expect("it does not answer");
        assert!(
            error.contains("did not answer"),
            "{kind:?}: {error} after {:?}",
            started.elapsed()
        );
        odd.check_gone(kind);
    });
}

#[test]
fn one_that_stops_reading() {
    with_all(|kind| {
        let mut odd = Odd::new("deaf-when-called");
        let client = odd.spawn(kind).expect("it greets");
        let call_briefly = |text: &str| {
            let options = Options::default().timeout(Duration::from_millis(300));
            client.call("any", &json!({"text": text}), options)
        };
        let late = Err("the server did not answer in time".to_owned());
        assert_eq!(call_briefly("now"), late, "{kind:?}");
        // More than the pipe takes.
        let much = "x".repeat(1024 * 1024);
        let started = Instant::now();
        assert_eq!(call_briefly(&much), late, "{kind:?}");
        assert!(started.elapsed() < Duration::from_secs(2), "{kind:?}");
        let also = client.call_for(Duration::from_millis(100), "any", &Value::Null);
        assert_eq!(also, Ok(None), "{kind:?}");
        client.close();
        odd.check_gone(kind);
    });
}

#[test]
fn one_that_says_nothing() {
    with_all(|kind| {
        let mut odd = Odd::new("mute");
        let client = odd.spawn(kind).expect("it greets");
        let late = client.call(
            "any",
            &json!({}),
            Options::default().timeout(Duration::from_millis(100)),
        );
        assert_eq!(
            late,
            Err("the server did not answer in time".into()),
            "{kind:?}"
        );
        assert!(client.close().is_some_and(|status| status.success()));
        odd.check_gone(kind);
    });
}

#[test]
fn one_that_is_deaf_to_sigterm() {
    with_all(|kind| {
        let mut odd = Odd::stubborn("stays");
        let client = odd.spawn(kind).expect("it greets");
        assert_eq!(call(&*client, "hello"), Ok("here".into()), "{kind:?}");
        let started = Instant::now();
        let status = client.close().expect("it was a process");
        assert_eq!(status.signal(), Some(9), "{kind:?}");
        // It had its time to end by itself, and then its time to heed the signal.
        assert!(started.elapsed() >= GRACE * 2, "{kind:?}");
        odd.check_gone(kind);
    });
}

#[test]
fn one_that_does_not_end_by_itself() {
    with_all(|kind| {
        let mut odd = Odd::new("stays");
        let client = odd.spawn(kind).expect("it greets");
        assert_eq!(call(&*client, "hello"), Ok("here".into()), "{kind:?}");
        let started = Instant::now();
        let status = client.close().expect("it was a process");
        assert_eq!(status.signal(), Some(15), "{kind:?}");
        assert!(started.elapsed() >= GRACE, "{kind:?}");
        odd.check_gone(kind);
    });
}

#[test]
fn one_that_looks_into_its_environment() {
    with_all(|kind| {
        let mut odd = Odd::new("environment");
        let client = odd.spawn(kind).expect("it greets");
        let seen = call(&*client, "hello").expect("it answers");
        let mut seen: Vec<&str> = seen.split(' ').collect();
        // What was given by name is there; of ours, what programs need.
        seen.retain(|name| !["ODD_PID", "ODD_HOLDER"].contains(name));
        assert!(seen.contains(&"PATH"), "{kind:?}: {seen:?}");
        assert!(
            seen.iter().all(|name| INHERITED.contains(name)),
            "{kind:?}: {seen:?}"
        );
        // There would have been more.
        assert!(std::env::vars_os().count() > seen.len());
        client.close();
        odd.check_gone(kind);
    });
}

#[test]
fn one_whose_client_is_dropped() {
    with_all(|kind| {
        let mut odd = Odd::new("good");
        let client = odd.spawn(kind).expect("it greets");
        assert_eq!(call(&*client, "hello"), Ok("here".into()), "{kind:?}");
        drop(client);
        odd.check_gone(kind);
    });
}
