use super::*;
use crate::{PromptEntry, ResourceEntry, ToolEntry, interest::Thing};
use std::sync::atomic::{AtomicUsize, Ordering};

fn tool(name: &str) -> ToolEntry {
    ToolEntry::new(name).run(|_, _| ())
}

fn names(server: &Server) -> Vec<String> {
    server
        .current()
        .tools()
        .map(|tool| String::from(&**tool.key()))
        .collect()
}

/// A watch, and how often it was woken.
fn watched(server: &Server) -> (Watch, Arc<AtomicUsize>) {
    let woken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&woken);
    let own = server.clone();
    let watch = server.watch(Arc::new(move || {
        // Would hang if one of the server's locks were held.
        drop(own.current());
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    (watch, woken)
}

#[test]
fn changes_reach_every_watcher_once_until_they_are_taken() {
    let server = Server::builder("t", "1").tool(tool("a")).build().unwrap();
    let handle = server.handle();
    let (first, first_woken) = watched(&server);
    let (second, second_woken) = watched(&server);
    assert!(first.take().is_none());
    assert_eq!(handle.add_tool(tool("b")), Ok(true));
    assert!(handle.remove_tool("a"));
    handle.resource_updated("x:1");
    handle.resource_updated("x:2");
    handle.resource_updated("x:1");
    assert_eq!(
        first_woken.load(Ordering::Relaxed),
        1,
        "many changes are one wake-up"
    );
    let changes = first.take().unwrap();
    assert!(Arc::ptr_eq(&changes.service.unwrap(), &server.current()));
    assert_eq!(
        changes.changes,
        [
            Change::Tools,
            Change::Resource("x:1".into()),
            Change::Resource("x:2".into())
        ]
    );
    assert!(first.take().is_none());
    handle.resource_updated("x:1");
    assert_eq!(first_woken.load(Ordering::Relaxed), 2);
    let changes = first.take().unwrap();
    assert!(changes.service.is_none());
    assert_eq!(changes.changes, [Change::Resource("x:1".into())]);
    assert_eq!(second_woken.load(Ordering::Relaxed), 1);
    assert_eq!(second.take().unwrap().changes.len(), 3);
}

#[test]
fn what_waits_for_a_slow_watcher_is_bounded() {
    let server = Server::builder("t", "1").build().unwrap();
    let (watch, _) = watched(&server);
    for n in 0..Pending::UPDATED + 3 {
        server.handle().resource_updated(alloc::format!("x:{n}"));
    }
    let changes = watch.take().unwrap().changes;
    assert_eq!(changes.len(), Pending::UPDATED + 1);
    assert_eq!(changes.first(), Some(&Change::Resources));
}

#[test]
fn so_many_topics_and_completed_pages_wait_and_no_more() {
    let server = Server::builder("t", "1").build().unwrap();
    let (watch, _) = watched(&server);
    type Make = fn(usize) -> Change;
    let topic: Make = |n| crate::TopicChange::new("com.example/x", alloc::format!("{n}")).into();
    let page: Make = |n| Change::ElicitationComplete(alloc::format!("{n}").into());
    for make in [topic, page] {
        for (count, kept) in [
            (Pending::UPDATED, Pending::UPDATED),
            (Pending::UPDATED + 1, Pending::UPDATED),
        ] {
            // Twice the same waits as one.
            for n in (0..count).chain(0..count) {
                server.handle().changed(make(n));
            }
            assert_eq!(watch.take().unwrap().changes.len(), kept, "of {count}");
        }
    }
}

#[test]
fn who_no_longer_watches_is_forgotten() {
    let server = Server::builder("t", "1").build().unwrap();
    let (watch, woken) = watched(&server);
    drop(watch);
    server.handle().resource_updated("x:1");
    assert_eq!(woken.load(Ordering::Relaxed), 0);
    let _watch = watched(&server);
    assert_eq!(server.state().watchers.len(), 1);
}

/// A watch for one subscription to these resources and topics.
fn subscribed(server: &Server, things: &[Thing]) -> Watch {
    let interest = Interest {
        things: things.to_vec(),
    };
    server.watch_for(interest, Arc::new(|| {}))
}

#[test]
fn a_subscription_is_told_of_what_it_is_about_and_of_lists() {
    let server = Server::builder("t", "1").build().unwrap();
    let (everything, _) = watched(&server);
    let resource = |n: usize| Thing::Resource(alloc::format!("x:{n}").into());
    let topic = Thing::Topic("x:1".into());
    let first = subscribed(&server, &[resource(1), resource(2)]);
    let second = subscribed(&server, &[resource(2), resource(2), topic]);
    let (told, of_topic) = (
        |watch: &Watch| watch.take().map_or(0, |changes| changes.changes.len()),
        || Change::from(crate::TopicChange::new("com.example/x", "x:1")),
    );
    let counts = || [&everything, &first, &second].map(told);
    for (change, expected) in [
        (Change::Resource("x:1".into()), [1, 1, 0]),
        (Change::Resource("x:2".into()), [1, 1, 1]),
        (Change::Resource("x:3".into()), [1, 0, 0]),
        (of_topic(), [1, 0, 1]),
        (Change::ElicitationComplete("x:1".into()), [1, 0, 0]),
        (Change::Tools, [1, 1, 1]),
    ] {
        server.handle().changed(change.clone());
        assert_eq!(counts(), expected, "{change:?}");
    }
    server.handle().add_tool(tool("a")).unwrap();
    assert_eq!(counts(), [1, 1, 1]);
    drop((first, second));
    assert_eq!(
        server.state().watchers.entries(),
        2,
        "nothing is left of them"
    );
}

#[test]
fn components_come_and_go_while_the_server_runs() {
    let server = Server::builder("t", "1")
        .tool(tool("a").tag("x"))
        .tool(tool("b").tag("x"))
        .build()
        .unwrap();
    let (watch, _) = watched(&server);
    let handle = server.handle();
    assert_eq!(handle.disable(&Selector::tag("x")), 2);
    assert_eq!(handle.disable(&Selector::tag("x")), 0);
    assert!(names(&server).is_empty());
    assert_eq!(handle.enable(&Selector::tool("b")), 1);
    assert_eq!(names(&server), ["b"]);
    assert_eq!(handle.enable(&Selector::All), 1);
    assert_eq!(names(&server), ["a", "b"]);
    assert_eq!(
        handle.add_resource(ResourceEntry::new("x:{y}", "y").constant("")),
        Ok(true)
    );
    assert_eq!(
        handle.add_prompt(PromptEntry::new("p").run(|_, _| "")),
        Ok(true)
    );
    assert_eq!(handle.disable(&Selector::Kind(ComponentKind::Prompt)), 1);
    assert!(handle.remove_resource("x:{y}") && !handle.remove_resource("x:{y}"));
    assert!(handle.remove_prompt("p"), "what is disabled can be removed");
    drop(watch.take());
    for nothing in [
        handle.remove_tool("c"),
        handle.disable(&Selector::tool("c")) > 0,
    ] {
        assert!(!nothing);
    }
    assert!(matches!(
        handle.add_tool(tool("a")),
        Err(BuildError::Duplicate { .. })
    ));
    assert!(watch.take().is_none(), "what changed nothing is not told");
}

#[test]
fn several_components_are_added_together_or_not_at_all() {
    struct Two(&'static str);
    impl Components for Two {
        fn add_to(self, set: &mut ComponentSet) {
            set.tool(tool("fine")).tool(tool(self.0));
        }
    }
    let server = Server::builder("t", "1").build().unwrap();
    assert!(server.handle().add_components(Two("not fine")).is_err());
    assert!(names(&server).is_empty());
    assert_eq!(server.handle().add_components(Two("also_fine")), Ok(true));
    assert_eq!(names(&server), ["fine", "also_fine"]);
}

#[test]
fn a_list_that_is_again_what_it_was_has_changed_all_the_same() {
    let server = Server::builder("t", "1").build().unwrap();
    let (watch, _) = watched(&server);
    assert_eq!(server.handle().add_tool(tool("a")), Ok(true));
    assert!(server.handle().remove_tool("a"));
    assert_eq!(watch.take().unwrap().changes, [Change::Tools]);
}

/// What a connection sends, line by line.
fn sent(conn: &mut Conn<Handler>) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        while conn.poll_event().is_some() {}
        let mut line = Vec::new();
        if !conn.poll_transmit(&mut line) {
            return lines;
        }
        lines.push(String::from_utf8(line).unwrap().trim_end().into());
    }
}

#[test]
fn a_connected_client_is_told_of_each_changed_list_once() {
    let server = Server::builder("t", "1").tool(tool("a")).build().unwrap();
    let (watch, _) = watched(&server);
    let now = Instant::ZERO;
    let mut conn = server.connect(0, now);
    let handshake = concat!(
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
        r#""capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        "\n",
    );
    conn.handle_bytes(handshake.as_bytes(), now);
    assert_eq!(sent(&mut conn).len(), 1);
    server.handle().add_tool(tool("b")).unwrap();
    server.handle().add_tool(tool("c")).unwrap();
    watch.take().unwrap().apply(&mut conn, now);
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    assert_eq!(sent(&mut conn), [changed]);
    assert!(server.handle().remove_tool("c"));
    server.handle().add_tool(tool("c")).unwrap();
    watch.take().unwrap().apply(&mut conn, now);
    assert_eq!(
        sent(&mut conn),
        [changed],
        "the list is what it was, but did change"
    );
    conn.handle_bytes(
        b"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}\n",
        now,
    );
    let listed = sent(&mut conn);
    assert!(listed[0].contains(r#""name":"c""#), "{listed:?}");
}
