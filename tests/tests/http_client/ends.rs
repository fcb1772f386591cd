//! Calls that are given up, servers that go away, and connections that are closed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use mcp_client_core::{EraMode, Options, Subscription};
use mcp_tests::clients::Kind;
use serde_json::json;

use crate::{
    HANDSHAKE, builder, call, connect, endpoint,
    script::{Script, opening, said},
    until,
};

#[test]
fn a_call_that_is_given_up_is_taken_back_as_its_era_has_it() {
    for kind in Kind::ALL {
        for era in [HANDSHAKE, EraMode::Auto] {
            let (gone, told) = mpsc::channel();
            let script = Script::start(move |request, conn| {
                opening(request, conn).unwrap_or_else(|| match request.tool() {
                    "late" => {
                        // The answer, should the client still wait for it.
                        let _ = gone.send(conn.wait_for_the_end());
                        false
                    }
                    _ => {
                        conn.result(request, &said("fine"));
                        true
                    }
                })
            });
            let client = connect(kind, era, &script.url());
            let short = Duration::from_millis(100);
            let given_up = client.call_for(short, "late", &json!({}));
            assert_eq!(given_up, Ok(None), "{kind:?} {era:?}");
            if era == EraMode::Auto {
                // 2026-07-28: hanging up is the cancellation, and nothing else is said.
                assert_eq!(
                    told.recv_timeout(Duration::from_secs(20)),
                    Ok(true),
                    "{kind:?}"
                );
            } else {
                until("a notification", || {
                    script
                        .methods()
                        .iter()
                        .any(|method| method == "notifications/cancelled")
                });
            }
            assert!(call(&*client, "fine").is_ok(), "{kind:?} {era:?}");
            let notes = script
                .methods()
                .iter()
                .filter(|name| *name == "notifications/cancelled")
                .count();
            assert_eq!(notes, usize::from(era == HANDSHAKE), "{kind:?} {era:?}");
        }
    }
}

#[test]
fn every_open_call_fails_at_once_when_the_server_dies() {
    for kind in Kind::ALL {
        for era in [HANDSHAKE, EraMode::Auto] {
            let waiting = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&waiting);
            let script = Script::start(move |request, conn| {
                opening(request, conn).unwrap_or_else(|| {
                    counted.fetch_add(1, Ordering::SeqCst);
                    // Some have had the head of a response, others nothing.
                    if request.tool() == "streamed" {
                        conn.events();
                    }
                    while counted.load(Ordering::SeqCst) < 6 {
                        thread::sleep(Duration::from_millis(1));
                    }
                    false
                })
            });
            let client = connect(kind, era, &script.url());
            let started = Instant::now();
            thread::scope(|scope| {
                let calls: Vec<_> = ["streamed", "silent"]
                    .into_iter()
                    .cycle()
                    .take(6)
                    .map(|tool| scope.spawn(|| call(&*client, tool)))
                    .collect();
                for call in calls {
                    call.join()
                        .expect("calls do not panic")
                        .expect_err("it is dead");
                }
            });
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "{kind:?} {era:?}"
            );
        }
    }
}

#[test]
fn closing_ends_everything_promptly() {
    for kind in Kind::ALL {
        for era in [HANDSHAKE, EraMode::Auto] {
            let (gone, told) = mpsc::channel();
            let script = Script::start(move |request, conn| {
                opening(request, conn).unwrap_or_else(|| {
                    conn.events();
                    let _ = gone.send(conn.wait_for_the_end());
                    false
                })
            });
            let client = connect(kind, era, &script.url());
            thread::scope(|scope| {
                let open = scope.spawn(|| call(&*client, "never"));
                until("the call", || {
                    script.methods().iter().any(|name| name == "tools/call")
                });
                let started = Instant::now();
                client.close();
                assert!(open.join().unwrap().is_err(), "{kind:?} {era:?}");
                assert!(
                    started.elapsed() < Duration::from_secs(10),
                    "{kind:?} {era:?}"
                );
            });
            assert_eq!(
                told.recv_timeout(Duration::from_secs(20)),
                Ok(true),
                "{kind:?}"
            );
            // A session of the older revisions is given back.
            let last = script.methods().pop();
            let expected = if era == HANDSHAKE {
                "DELETE"
            } else {
                "tools/call"
            };
            assert_eq!(last.as_deref(), Some(expected), "{kind:?} {era:?}");
            assert!(call(&*client, "after").is_err());
        }
    }
}

#[test]
fn a_stream_of_changes_that_breaks_off_is_opened_again() {
    for kind in Kind::ALL {
        let opened = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&opened);
        let script = Script::start(move |request, conn| {
            opening(request, conn).unwrap_or_else(|| {
                if request.rpc() != "subscriptions/listen" {
                    conn.result(request, &said("fine"));
                    return true;
                }
                let id = &request.body["id"];
                let meta = json!({"io.modelcontextprotocol/subscriptionId": id});
                let wanted = &request.body["params"]["notifications"];
                conn.events();
                conn.event(
                    &json!({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
                    "params": {"notifications": wanted, "_meta": meta}}),
                );
                if counted.fetch_add(1, Ordering::SeqCst) < 2 {
                    return false;
                }
                conn.event(
                    &json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed",
                    "params": {"_meta": meta}}),
                );
                conn.wait_for_the_end();
                false
            })
        });
        let (heard, changes) = mpsc::channel();
        let builder = builder(EraMode::Auto).on_change(move |change| {
            let _ = heard.send(format!("{change:?}"));
        });
        let client = kind.http(builder, endpoint(&script.url())).unwrap();
        client.subscribe(Subscription::lists()).unwrap();
        until("the third stream", || opened.load(Ordering::SeqCst) >= 3);
        let change = changes.recv_timeout(Duration::from_secs(20));
        assert_eq!(change.as_deref(), Ok("Tools"), "{kind:?}");
        client.close();
    }
}

#[test]
fn the_threads_of_the_blocking_client_come_and_go() {
    let ours = || {
        let tasks = std::fs::read_dir("/proc/self/task")
            .into_iter()
            .flatten()
            .flatten();
        let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm"));
        tasks
            .filter_map(|task| name(task).ok())
            .filter(|name| name.trim() == "mcp-fetch")
            .count()
    };
    if !std::path::Path::new("/proc/self/task").exists() {
        return;
    }
    let script = Script::start(|request, conn| {
        opening(request, conn).unwrap_or_else(|| {
            if request.tool() == "late" {
                conn.wait_for_the_end();
                return false;
            }
            thread::sleep(Duration::from_millis(50));
            conn.result(request, &said("fine"));
            true
        })
    });
    let client = connect(Kind::Blocking, EraMode::Auto, &script.url());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| call(&*client, "fine").unwrap());
        }
        scope.spawn(|| {
            let options = Options::default().timeout(Duration::from_millis(100));
            client.call("late", &json!({}), options).unwrap_err()
        });
    });
    // They wait a while for something to do.
    until("no threads", || ours() == 0);
    assert!(call(&*client, "fine").is_ok());
    client.close();
    until("no threads", || ours() == 0);
}
