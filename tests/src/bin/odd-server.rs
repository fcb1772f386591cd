//! A server as no server should be: `odd-server ROLE`, for tests of clients.
//!
//! It tells its process id in the file that `ODD_PID` names.

use std::{
    env,
    io::{self, BufRead, Write},
    process::{Command, ExitCode},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

fn main() -> ExitCode {
    if let Some(path) = env::var_os("ODD_PID") {
        std::fs::write(path, std::process::id().to_string()).expect("the file can be written");
    }
    let role = env::args().nth(1).unwrap_or_default();
    match &*role {
        "exits-at-once" => {
            eprintln!("the licence has expired");
            return ExitCode::from(3);
        }
        // Exits after it has greeted, when it is called.
        "exits-when-called" => serve(|_| std::process::exit(4)),
        // Says more than a pipe holds beside the protocol, before it answers.
        "noisy" => serve(noise),
        // Prints to standard output what is no message.
        "rubbish" => serve(rubbish),
        // Leaves a process behind that holds the pipes, and exits.
        "daemon" => serve(|_| {
            let mut command = holder();
            #[cfg(unix)]
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
            // Left to itself, which is what is tested.
            drop(command.spawn().expect("it can be started"));
            std::process::exit(0);
        }),
        // Has a process of its own, and neither of them ends by itself.
        "family" => {
            let child = holder().spawn().expect("it can be started");
            serve(answer);
            thread::sleep(Duration::from_secs(60));
            drop(child);
        }
        "holds" => thread::sleep(Duration::from_secs(60)),
        // Never reads anything.
        "deaf" => thread::sleep(Duration::from_secs(60)),
        // Reads no more after it was called.
        "deaf-when-called" => serve(|_| thread::sleep(Duration::from_secs(60))),
        // Reads, and says nothing after its greeting.
        "mute" => serve(|_| {}),
        // Goes on when its input has ended.
        "stays" => {
            serve(answer);
            thread::sleep(Duration::from_secs(60));
        }
        "good" => serve(answer),
        // Tells the names of its variables.
        "environment" => serve(|id| {
            let names = env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
            answer_with(id, &names.collect::<Vec<_>>().join(" "));
        }),
        _ => {
            eprintln!("odd-server: there is no role {role:?}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Greets as 2026-07-28 has it, and does with calls what it is to do.
fn serve(called: impl Fn(&Value)) {
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let message: Value = serde_json::from_str(&line).expect("clients write JSON");
        match message["method"].as_str() {
            Some("server/discover") => send(&json!({
                "jsonrpc": "2.0", "id": message["id"], "result": {
                    "resultType": "complete", "supportedVersions": ["2026-07-28"],
                    "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private",
                },
            })),
            Some("tools/call") => called(&message["id"]),
            _ => {}
        }
    }
}

fn noise(id: &Value) {
    for number in 0..40_000 {
        eprintln!("{number}: everything is going according to plan, thank you for asking");
    }
    answer(id);
}

fn rubbish(id: &Value) {
    let mut output = io::stdout().lock();
    let long = "y".repeat(5 * 1024 * 1024);
    for line in [
        &b"Listening ..."[..],
        b"\xff\xfe",
        b"{}",
        b"[1]",
        b"",
        long.as_bytes(),
    ] {
        output.write_all(line).expect("the client reads");
        output.write_all(b"\n").expect("the client reads");
    }
    drop(output);
    answer(id);
}

/// A process that has the pipes.
fn holder() -> Command {
    let mut command = Command::new(env::current_exe().expect("it is known"));
    command
        .arg("holds")
        .env("ODD_PID", env::var_os("ODD_HOLDER").expect("it is given"));
    command
}

fn answer(id: &Value) {
    answer_with(id, "here");
}

fn answer_with(id: &Value, text: &str) {
    let result = json!({"resultType": "complete", "content": [{"type": "text", "text": text}]});
    send(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
}

fn send(message: &Value) {
    let mut output = io::stdout().lock();
    // The client may have gone.
    let _ = writeln!(output, "{message}").and_then(|()| output.flush());
}
