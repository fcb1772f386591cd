//! The table of all limits: each has its default, what a peer sees beyond it, and a test at the
//! number and one beyond. The page of `mcp_proto::limits` shows it.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use mcp_proto::limits::Limits;

/// A limit, its default, what happens beyond it, and the tests that show it at the number and one
/// beyond: files, and functions in them.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const SERVER: &str = "tests/tests/limits_server.rs";
const SESSION: &str = "mcp-server-core/src/session/tests";
const HTTP: &str = "mcp-server-core/src/http";
const TASKS: &str = "mcp-server-core/src/tasks/tests";
const CLIENT: &str = "mcp-client-core/src/session/tests";
const FETCH: &str = "mcp-client-core/src/http/tests";

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("message_bytes", "4 MiB", "server: error -32700, over HTTP status 413; client: the call fails", &[(SERVER, "a_message_of_4_mib"), (CLIENT, "faults.rs: a_message_is_as_long_as_the_limit_allows"), (HTTP, "tests/other.rs: a_body_is_taken_up_to_the_limit"), (FETCH, "calls.rs: nothing_of_a_response_is_longer_than_its_limit")]),
    ("event_bytes", "4 MiB", "client: the call fails", &[(FETCH, "calls.rs: nothing_of_a_response_is_longer_than_its_limit")]),
    ("json_depth", "128", "the message is no message: error -32700", &[(SERVER, "json_128_levels_deep")]),
    ("name_bytes", "8 KiB", "error -32600 or -32602", &[(SERVER, "names_of_8_kib")]),
    ("batch_messages", "64", "error -32600 for the whole batch", &[(SERVER, "a_batch_of_64")]),
    ("rejections", "64", "silence, until a message can be read again", &[(SERVER, "sixty_four_complaints_in_a_row"), (SESSION, "input.rs: of_unreadable_messages_in_a_row_only_so_many_are_answered")]),
    ("calls_in_flight", "64", "server: the call waits for a place; client: error -32000 to a question", &[(SERVER, "calls_in_flight_and_calls_that_wait_64_each"), (SERVER, "handlers_that_ignore_cancellation_are_at_most_twice_as_many"), (CLIENT, "input.rs: too_many_questions_at_once_are_turned_away")]),
    ("calls_parked", "64", "error -32000, \"busy\"", &[(SERVER, "calls_in_flight_and_calls_that_wait_64_each")]),
    ("outbound_high_water", "256 KiB", "its further requests are not read", &[(SERVER, "output_that_nobody_takes"), (CLIENT, "faults.rs: answers_that_nobody_reads_are_bounded_in_bytes_and_time"), (HTTP, "tests/streams.rs: a_slow_reader_holds_only_so_much")]),
    ("outbound_bytes", "8 MiB", "the connection ends", &[(SERVER, "answers_that_pile_up_to_8_mib"), (CLIENT, "faults.rs: answers_that_nobody_reads_are_bounded_in_bytes_and_time")]),
    ("outbound_stall", "30 s", "the connection ends", &[(SERVER, "output_that_nobody_takes"), (HTTP, "tests/modern.rs: a_client_that_does_not_read_is_given_up")]),
    ("client_calls", "4096", "client: the caller is told `Misuse::TooManyCalls`", &[(CLIENT, "calls.rs: open_calls_are_counted_and_bounded")]),
    ("call_timeout", "300 s", "server: error -32603; client: `notifications/cancelled`", &[(SESSION, "timing.rs: a_call_that_takes_too_long_is_answered_and_its_handler_told"), (CLIENT, "calls.rs: a_silent_server_loses_a_call_and_is_told")]),
    ("call_timeout_max", "1800 s", "the same", &[(SESSION, "timing.rs: progress_buys_time_but_not_for_ever"), (CLIENT, "calls.rs: progress_keeps_a_call_alive_up_to_its_maximum")]),
    ("drain_timeout", "5 s", "its calls are answered with an error, and the connection ends", &[(SESSION, "input.rs: the_end_of_the_input_is_answered_for_and_then_ends_all")]),
    ("probe_timeout", "5 s", "client: `initialize` comes next", &[("tests/tests/era_probe.rs", "a_silent_server_is_given_five_seconds")]),
    ("input_rounds", "8", "server: error -32603 to the call; client: the call fails", &[("mcp-server-core/src/ask/tests/unkind.rs", "what_a_handler_asks_is_bounded"), (CLIENT, "input.rs: questions_are_bounded_in_rounds_and_number_and_by_what_was_declared")]),
    ("input_requests", "16", "error -32603 to the call", &[("mcp-server-core/src/ask/tests/unkind.rs", "what_a_handler_asks_is_bounded")]),
    ("input_timeout", "600 s", "the question is taken back, the call answered with error -32603", &[("mcp-server-core/src/ask/tests/unkind.rs", "a_person_may_take_ten_minutes_and_the_call_does_not_notice"), (CLIENT, "input.rs: people_may_take_their_time_but_not_for_ever")]),
    ("request_state_bytes", "16 KiB", "error -32603 to the call", &[("mcp-server-core/src/ask/tests/unkind.rs", "what_a_handler_asks_is_bounded")]),
    ("kept_state_bytes", "1 MiB", "the oldest state is not valid any more: error -32602", &[("mcp-server-core/src/state/tests.rs", "what_is_kept_here_is_bounded")]),
    ("listens", "16", "error -32000; client: the caller is told `Misuse::TooManySubscriptions`", &[(SERVER, "sixteen_streams_and_256_resources_in_each"), (CLIENT, "subscriptions.rs: subscriptions_are_bounded")]),
    ("subscribed_uris", "256", "error -32000; client: the caller is told `Misuse::TooManyUris`", &[(SERVER, "sixteen_streams_and_256_resources_in_each"), (CLIENT, "subscriptions.rs: subscriptions_are_bounded")]),
    ("subscribed_topics", "256", "error -32000; client: the caller is told `Misuse::TooManyTopics`", &[(SESSION, "extensions.rs: a_stream_follows_so_many_topics_and_no_more"), (CLIENT, "subscriptions.rs: topics_are_bounded_over_all_subscriptions")]),
    ("notes_queued", "256", "the oldest report is not told", &[(SESSION, "changes.rs: the_newest_progress_waits_for_a_slow_reader")]),
    ("tasks", "1024", "error -32000, unless one has ended and gives way", &[(TASKS, "stores.rs: so_many_fit_and_then_those_give_way_that_ended_first")]),
    ("task_bytes", "64 MiB", "the same; a result that does not fit fails its task", &[(TASKS, "stores.rs: so_many_bytes_fit_and_a_result_that_does_not_leaves_the_task_as_it_was")]),
    ("tasks_running", "64", "error -32000, \"busy\"", &[(TASKS, "mod.rs: so_many_tasks_are_worked_on_and_no_more")]),
    ("task_ttl", "3600 s", "the task is forgotten: error -32602", &[(TASKS, "expiry.rs: a_task_is_forgotten_when_its_time_is_over_and_not_before")]),
    ("task_ttl_max", "86400 s", "the task is told to be kept for this long", &[(TASKS, "expiry.rs: nobody_keeps_a_task_for_longer_than_a_day")]),
    ("task_poll_min", "50 ms", "client: it looks again no sooner", &[(CLIENT, "tasks.rs: no_server_makes_a_client_look_without_end_or_never_again")]),
    ("task_poll_max", "60 s", "client: it looks again no later", &[(CLIENT, "tasks.rs: no_server_makes_a_client_look_without_end_or_never_again")]),
    ("page_items", "100", "a cursor for the rest", &[(SERVER, "a_page_of_100")]),
    ("pages", "250", "client: the call fails", &[(CLIENT, "calls.rs: a_list_that_does_not_end_is_given_up_at_the_limit")]),
    ("sessions", "1024", "one that lies idle gives way; else status 503", &[(HTTP, "tests/handshake.rs: there_are_only_so_many_sessions")]),
    ("session_idle", "1800 s", "the session is over: status 404", &[(HTTP, "tests/handshake.rs: a_session_ends_when_nobody_has_used_it_for_long")]),
    ("replay_events", "256", "the oldest cannot be asked for again", &[(HTTP, "store.rs: the_oldest_goes_at_the_limits")]),
    ("replay_bytes", "1 MiB", "the oldest cannot be asked for again", &[(HTTP, "store.rs: the_oldest_goes_at_the_limits")]),
    ("sse_after", "1 s", "the response is an event stream", &[(HTTP, "tests/modern.rs: an_answer_in_time_is_json_and_a_late_one_is_a_stream")]),
    ("keep_alive", "15 s", "a comment", &[(HTTP, "tests/modern.rs: an_answer_in_time_is_json_and_a_late_one_is_a_stream")]),
    ("fetches", "64", "client: the call waits for its turn", &[(FETCH, "calls.rs: only_so_many_calls_are_under_way")]),
    ("connect_timeout", "10 s", "client: the call fails", &[("tests/tests/http_client/failures.rs", "who_does_not_answer_is_named_when_connecting")]),
    ("response_head_bytes", "64 KiB", "client: the call fails", &[("tests/tests/http_client/failures.rs", "what_is_too_long_is_not_read")]),
    ("fetch_retries", "3", "client: the call fails", &[(FETCH, "eras.rs: an_unreachable_server_is_tried_with_growing_pauses"), (FETCH, "calls.rs: an_overloaded_server_is_asked_again_when_it_says")]),
    ("resumptions", "5", "client: the call fails", &[(FETCH, "streams.rs: a_stream_is_resumed_from_its_last_event_as_long_as_something_new_comes")]),
    ("redirects", "3", "client: the call fails", &[(FETCH, "calls.rs: redirects_lead_elsewhere_within_the_origin_and_not_for_ever")]),
    ("authorizations", "3", "client: the call fails", &[(FETCH, "calls.rs: an_authorization_that_never_suffices_is_given_up")]),
    ("refusal_bytes", "64 KiB", "client: the rest is not read", &[(FETCH, "calls.rs: nothing_of_a_response_is_longer_than_its_limit")]),
    ("annotated_tools", "1024", "client: calls of further tools have no such headers", &[(FETCH, "headers.rs: only_so_many_tools_are_remembered")]),
    ("cache_entries", "256", "client: the oldest result is asked for again", &[("mcp-client-core/src/http/cache.rs", "the_oldest_results_make_room")]),
    ("cache_bytes", "4 MiB", "client: the oldest result is asked for again", &[("mcp-client-core/src/http/cache.rs", "the_oldest_results_make_room")]),
];

/// Every limit with its default, as its `Debug` says: a new one cannot be overlooked.
fn defaults() -> BTreeMap<String, String> {
    let text = format!("{:?}", Limits::default());
    let members = text.trim_start_matches("Limits { ").trim_end_matches(" }");
    let pairs = members.split(", ").map(|member| {
        let (name, value) = member.split_once(": ").expect("a member has a value");
        (name.to_owned(), value.to_owned())
    });
    pairs.collect()
}

/// What `Debug` says of a default that the table shows in this way.
fn in_debug(shown: &str) -> String {
    let (number, unit) = shown.split_once(' ').unwrap_or((shown, ""));
    let number: u64 = number.parse().expect("a default is a number");
    match unit {
        "ms" => format!("{:?}", Duration::from_millis(number)),
        "s" => format!("{:?}", Duration::from_secs(number)),
        "KiB" => (number * 1024).to_string(),
        "MiB" => (number * 1024 * 1024).to_string(),
        _ => number.to_string(),
    }
}

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_limit_has_a_row_with_its_default() {
    let shown: BTreeMap<_, _> = TABLE
        .iter()
        .map(|(name, default, ..)| ((*name).to_owned(), in_debug(default)))
        .collect();
    assert_eq!(shown, defaults());
    assert_eq!(shown.len(), TABLE.len(), "no limit has two rows");
}

#[test]
fn every_limit_has_a_test_that_is_there() {
    for (name, _, _, tests) in TABLE {
        assert!(!tests.is_empty(), "{name}");
        for (file, test) in *tests {
            let (path, test) = match test.split_once(": ") {
                Some((below, test)) => (format!("{file}/{below}"), test),
                None => ((*file).to_owned(), *test),
            };
            let text = read(&path);
            let there = text.contains(&format!("fn {test}("));
            assert!(there, "{name}: there is no test {test} in {path}");
        }
    }
}

#[test]
fn the_page_of_the_limits_shows_the_table() {
    let page = read("mcp-proto/src/limits.rs");
    let shown: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `"))
        .collect();
    let rows = TABLE
        .iter()
        .map(|(name, default, beyond, _)| format!("{name}` | {default} | {beyond} |"));
    let rows: Vec<String> = rows.collect();
    assert_eq!(shown, rows, "{}", rows.join("\n//! | `"));
}
