//! Results that are used again.

use super::*;
use crate::{Change, Subscription};
use mcp_proto::{
    request::Discover,
    types::{EmptyParams, Meta},
};

const MINUTE: &str = r#"{"resultType":"complete","tools":[{"name":"t","inputSchema":{"type":"object"}}],"ttlMs":60000,"cacheScope":"private"}"#;

// How many exchanges a list costs now; they are answered with the same result.
fn cost(script: &mut Script, next: &mut u64) -> usize {
    let list = script.list();
    let before = script.events();
    let fetches = script.fetches();
    for fetch in &fetches {
        let id: i64 = fetch.rsplit(' ').next().unwrap().parse().unwrap();
        script.answer(*next, id, MINUTE);
        *next += 1;
    }
    let after = script.events();
    assert_eq!(before.len() + after.len(), 1, "{before:?} {after:?}");
    assert_eq!(script.client.take(list).unwrap().unwrap().tools.len(), 1);
    fetches.len()
}

#[test]
fn a_result_is_used_again_while_it_is_fresh() {
    let mut script = Script::stateless(|_, _| {});
    let mut next = 2;
    assert_eq!(cost(&mut script, &mut next), 1);
    assert_eq!(cost(&mut script, &mut next), 0);
    script.pass(millis(59_999));
    assert_eq!(cost(&mut script, &mut next), 0);
    script.pass(millis(1));
    assert_eq!(cost(&mut script, &mut next), 1);
    assert_eq!(cost(&mut script, &mut next), 0);
    // Who wants to know how things are now asks for it.
    let options = CallOptions::default().with_fresh();
    let _ = script
        .client
        .call::<ListTools>(&PaginatedParams::default(), &options, script.now)
        .unwrap();
    script.events();
    assert_eq!(script.fetches().len(), 1);
    // What others put into `_meta` may matter to the server.
    let mut meta = Meta::new();
    meta.insert(
        "example.com/tenant",
        mcp_proto::json::Json::parse("1").unwrap(),
    );
    let options = CallOptions::default().with_meta(meta);
    let _ = script
        .client
        .call::<ListTools>(&PaginatedParams::default(), &options, script.now)
        .unwrap();
    script.events();
    assert_eq!(script.fetches().len(), 1);
}

#[test]
fn nothing_is_kept_where_that_is_switched_off_or_unknown() {
    let mut script = Script::stateless(|_, options| options.keeps_results = false);
    let mut next = 2;
    assert_eq!(
        (cost(&mut script, &mut next), cost(&mut script, &mut next)),
        (1, 1)
    );
    let mut script = Script::handshake(|_, _| {});
    let mut next = 3;
    assert_eq!(
        (cost(&mut script, &mut next), cost(&mut script, &mut next)),
        (1, 1)
    );
}

#[test]
fn every_page_is_kept_for_itself() {
    let mut script = Script::stateless(|_, _| {});
    let page =
        |cursor: &str| format!(r#"{{"tools":[],"ttlMs":60000,"cacheScope":"public"{cursor}}}"#);
    let all = |script: &mut Script| {
        let _ = script
            .client
            .list_all::<ListTools>(&CallOptions::default(), script.now)
            .unwrap();
        script.events();
        script.fetches()
    };
    assert_eq!(all(&mut script), ["2 POST tools/list 2"]);
    script.answer(2, 2, &page(r#","nextCursor":"b""#));
    script.events();
    assert_eq!(script.fetches(), ["3 POST tools/list 3"]);
    script.answer(3, 3, &page(""));
    assert_eq!(script.events(), ["done"]);
    assert!(all(&mut script).is_empty());
    // A place that is no longer known: the pages before it are another list's now.
    let options = CallOptions::default();
    let _ = script
        .client
        .call::<ListTools>(&PaginatedParams::at("gone"), &options, script.now)
        .unwrap();
    script.events();
    assert_eq!(script.fetches(), ["4 POST tools/list 6"]);
    script.reply(4, 200, JSON, &error(6, -32602, ""));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(all(&mut script).len(), 1);
}

#[test]
fn a_list_whose_pages_are_all_kept_is_told_at_once() {
    let mut script = Script::stateless(|_, _| {});
    let page =
        |cursor: &str| format!(r#"{{"tools":[],"ttlMs":60000,"cacheScope":"public"{cursor}}}"#);
    let list = |script: &mut Script| {
        let options = CallOptions::default();
        let list = script.client.list_all::<ListTools>(&options, script.now);
        drop(list.unwrap());
        script.events()
    };
    assert!(list(&mut script).is_empty());
    script.fetches();
    script.answer(2, 2, &page(r#","nextCursor":"b""#));
    script.events();
    script.fetches();
    script.answer(3, 3, &page(""));
    assert_eq!(script.events(), ["done"]);
    // Nothing is left to do for whoever asks what to fetch, or when to come again.
    assert_eq!(list(&mut script), ["done"]);
    assert!(script.fetches().is_empty());
    assert!(
        script
            .client
            .poll_timeout()
            .is_none_or(|due| due > script.now)
    );
}

#[test]
fn a_ping_is_no_question_about_the_past() {
    let mut script = Script::new(EraMode::Auto, |_, _| {});
    script.fetches();
    script.answer(
        1,
        1,
        &DISCOVERED.replace(r#""ttlMs":0"#, r#""ttlMs":60000"#),
    );
    script.events();
    let _ = script
        .client
        .ping(&CallOptions::default(), script.now)
        .unwrap();
    script.events();
    assert_eq!(script.fetches(), ["2 POST server/discover 2"]);
    // What the server has said about itself may be looked up.
    let known = script
        .client
        .call::<Discover>(&EmptyParams::default(), &CallOptions::default(), script.now)
        .unwrap();
    assert_eq!(script.events(), ["done"]);
    assert!(script.fetches().is_empty());
    assert!(script.client.take(known).unwrap().is_ok());
}

#[test]
fn what_has_changed_is_asked_for_again() {
    let mut script = Script::stateless(|_, _| {});
    let wanted = Subscription::lists();
    let _ = script
        .client
        .subscribe(wanted, &CallOptions::default(), script.now)
        .unwrap();
    script.events();
    script.fetches();
    script.head(2, 200, EVENTS);
    script.event(2, "", r#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/subscriptionId":2}}}"#);
    script.events();
    let mut next = 3;
    assert_eq!(
        (cost(&mut script, &mut next), cost(&mut script, &mut next)),
        (1, 0)
    );
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":2}}}"#;
    script.event(2, "", changed);
    assert_eq!(script.events(), [format!("changed {:?}", Change::Tools)]);
    assert_eq!(
        (cost(&mut script, &mut next), cost(&mut script, &mut next)),
        (1, 0)
    );
    // A result that was on its way when things changed is not kept.
    script.event(2, "", changed);
    script.events();
    let _ = script.list();
    script.events();
    script.fetches();
    script.event(2, "", changed);
    script.events();
    script.answer(next, 7, MINUTE);
    script.events();
    next += 1;
    assert_eq!(
        (cost(&mut script, &mut next), cost(&mut script, &mut next)),
        (1, 0)
    );
    // Whatever may have been missed while the stream was closed counts as changed.
    script.end(2);
    script.events();
    script.pass(secs(1));
    script.events();
    let listen = script.fetches();
    let id: i64 = listen[0].rsplit(' ').next().unwrap().parse().unwrap();
    script.head(next, 200, EVENTS);
    script.event(next, "", &format!(r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"notifications":{{"toolsListChanged":true}},"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}}}"#));
    script.events();
    next += 1;
    assert_eq!(cost(&mut script, &mut next), 1);
}

#[test]
fn another_authorization_does_not_see_what_was_private() {
    let mut script = Script::stateless(|_, _| {});
    let mut next = 2;
    assert_eq!(
        (cost(&mut script, &mut next), cost(&mut script, &mut next)),
        (1, 0)
    );
    let token: http::HeaderValue = "Bearer t".parse().unwrap();
    script
        .client
        .set_authorization(Some(token.clone()), script.now);
    assert_eq!(
        (cost(&mut script, &mut next), cost(&mut script, &mut next)),
        (1, 0)
    );
    // The same one again is nothing new.
    script.client.set_authorization(Some(token), script.now);
    assert_eq!(cost(&mut script, &mut next), 0);
}

#[test]
fn rounds_of_questions_are_never_kept() {
    let mut script = Script::stateless(|config, _| {
        config.capabilities.roots = Some(Default::default());
    });
    let read = script.read("file:///x");
    script.events();
    script.fetches();
    script.answer(2, 2, r#"{"resultType":"input_required","requestState":"s","inputRequests":{"r":{"method":"roots/list"}},"ttlMs":60000,"cacheScope":"public"}"#);
    assert_eq!(script.events(), ["input roots/list"]);
    let ticket = script.tickets.remove(0);
    let roots = mcp_proto::types::ListRootsResult::new(Vec::new());
    let _ = script
        .client
        .answer(ticket, Ok(roots.into()), script.now)
        .unwrap();
    script.events();
    assert_eq!(script.fetches(), ["3 POST resources/read 3"]);
    script.answer(
        3,
        3,
        r#"{"resultType":"complete","contents":[],"ttlMs":60000,"cacheScope":"public"}"#,
    );
    assert_eq!(script.events(), ["done"]);
    assert!(script.client.take(read).unwrap().is_ok());
    let _ = script.read("file:///x");
    script.events();
    assert_eq!(script.fetches().len(), 1);
}
