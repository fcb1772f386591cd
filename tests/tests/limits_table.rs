//! The table of all limits: each has its default, what a peer sees beyond it, and a test at the
//! number and one beyond. The page of `mcp_proto::limits` shows it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use mcp_proto::limits::Limits;

/// A limit, its default, the reason for that, what happens beyond it, and the tests that show it at
/// the number and one beyond: files, and functions in them.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const SERVER: &str = "tests/tests/limits_server.rs";
const SESSION: &str = "mcp-server-core/src/session/tests";
const HTTP: &str = "mcp-server-core/src/http";
const TASKS: &str = "mcp-server-core/src/tasks/tests";
const FILES: &str = "mcp-server-core/file-tasks/src/lib.rs";
const CLIENT: &str = "mcp-client-core/src/session/tests";
const FETCH: &str = "mcp-client-core/src/http/tests";

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("message_bytes", "4 MiB", "an image or two in base64", "server: error -32700, over HTTP status 413; client: the call fails", &[(SERVER, "a_message_of_4_mib"), (CLIENT, "faults.rs: a_message_is_as_long_as_the_limit_allows"), (HTTP, "tests/other.rs: a_body_is_taken_up_to_the_limit"), (FETCH, "calls.rs: nothing_of_a_response_is_longer_than_its_limit")]),
    ("event_bytes", "4 MiB", "an event carries one message", "client: the call fails", &[(FETCH, "calls.rs: nothing_of_a_response_is_longer_than_its_limit")]),
    ("json_depth", "128", "what serde_json allows for typed values", "the message is no message: error -32700", &[(SERVER, "json_128_levels_deep")]),
    ("name_bytes", "8 KiB", "what HTTP servers commonly accept for a header, in which such a name may have to travel", "error -32600 or -32602", &[(SERVER, "names_of_8_kib"), (SESSION, "calls.rs: a_progress_token_is_as_long_as_a_name_may_be"), (SERVER, "sixteen_streams_and_256_resources_in_each"), (SESSION, "extensions.rs: a_stream_follows_so_many_topics_and_no_more"), (CLIENT, "tasks.rs: a_tasks_id_is_as_long_as_a_name_may_be")]),
    ("batch_messages", "64", "as many calls as may be in flight", "error -32600 for the whole batch", &[(SERVER, "a_batch_of_64")]),
    ("rejections", "64", "enough to find a fault by; two machines that take each other's complaints for garbage fall silent", "silence, until a message can be read again", &[(SERVER, "sixty_four_complaints_in_a_row"), (SESSION, "input.rs: of_unreadable_messages_in_a_row_only_so_many_are_answered")]),
    ("calls_in_flight", "64", "more than a person or a model waits for at once; each may hold a thread and a whole message", "server: the call waits for a place; client: error -32000 to a question", &[(SERVER, "calls_in_flight_and_calls_that_wait_64_each"), (SERVER, "handlers_that_ignore_cancellation_are_at_most_twice_as_many"), (CLIENT, "input.rs: too_many_questions_at_once_are_turned_away"), ("mcp-server-core/src/ask/tests/unkind.rs", "so_many_calls_may_wait_for_answers"), (CLIENT, "limits.rs: so_many_questions_fit_into_one_round"), (FETCH, "sessions.rs: so_many_answers_are_under_way_and_the_rest_waits")]),
    ("calls_parked", "64", "another burst of the same size", "a stream: the next one is left unread for a while; then error -32000, \"busy\"", &[(SERVER, "calls_in_flight_and_calls_that_wait_64_each"), ("tests/tests/bursts.rs", "a_thousand_calls_at_once_all_get_their_results")]),
    ("outbound_high_water", "256 KiB", "more than a pipe or a local socket takes in, so that a reader's short pause stops nothing", "its further requests are not read", &[(SERVER, "output_that_nobody_takes"), (CLIENT, "faults.rs: answers_that_nobody_reads_are_bounded_in_bytes_and_time"), (HTTP, "tests/streams.rs: a_slow_reader_holds_only_so_much"), ("mcp-server-core/src/session/outbox.rs", "it_is_crowded_from_the_high_water_mark_on"), (HTTP, "streams.rs: what_nobody_reads_is_bounded_in_bytes_and_a_reader_is_too_slow_from_there"), (CLIENT, "faults.rs: answers_that_wait_are_counted_to_the_byte"), (HTTP, "tests/streams.rs: a_reply_takes_events_until_it_is_full"), (HTTP, "tests/streams.rs: a_reply_of_its_own_takes_messages_until_it_is_full")]),
    ("outbound_bytes", "8 MiB", "two full messages", "the connection ends", &[(SERVER, "answers_that_pile_up_to_8_mib"), (CLIENT, "faults.rs: answers_that_nobody_reads_are_bounded_in_bytes_and_time"), ("mcp-server-core/src/session/outbox.rs", "only_what_piles_up_overflows"), (HTTP, "streams.rs: what_nobody_reads_is_bounded_in_bytes_and_a_reader_is_too_slow_from_there"), ("mcp-server-core/src/session/batch.rs", "so_many_bytes_of_answers_may_wait"), (CLIENT, "faults.rs: answers_that_wait_are_counted_to_the_byte"), (SESSION, "input.rs: so_many_bytes_of_answers_may_wait_for_the_rest_of_their_batch")]),
    ("outbound_stall", "30 s", "a machine that swaps or changes its network is back by then", "the connection ends", &[(SERVER, "output_that_nobody_takes"), (HTTP, "tests/modern.rs: a_client_that_does_not_read_is_given_up"), (HTTP, "tests/other.rs: a_body_that_does_not_come_is_given_up"), (CLIENT, "faults.rs: answers_that_nobody_reads_are_bounded_in_bytes_and_time"), ("mcp-server-core/src/desk/tests.rs", "a_peer_has_time_to_take_its_answers_unless_it_was_given_up")]),
    ("client_calls", "4,096", "a burst of a busy program; more is rather a leak", "client: the caller is told `Misuse::TooManyCalls`", &[(CLIENT, "calls.rs: open_calls_are_counted_and_bounded")]),
    ("call_timeout", "5 min", "slow tools take minutes; what takes longer can report progress, which extends it", "server: error -32603; client: `notifications/cancelled`", &[(SESSION, "timing.rs: a_call_that_takes_too_long_is_answered_and_its_handler_told"), (CLIENT, "calls.rs: a_silent_server_loses_a_call_and_is_told"), ("mcp-client-core/src/session/call.rs", "a_call_has_the_time_that_the_limits_say"), (CLIENT, "limits.rs: opening_takes_as_long_as_a_call_where_nothing_else_can_be_tried"), (FETCH, "eras.rs: silence_says_nothing_about_the_era"), (FETCH, "sessions.rs: what_is_no_call_may_take_as_long_as_one"), (FETCH, "eras.rs: a_probe_may_take_as_long_as_a_call")]),
    ("call_timeout_max", "30 min", "nobody waits for longer; such work is a task", "the same", &[(SESSION, "timing.rs: progress_buys_time_but_not_for_ever"), (CLIENT, "calls.rs: progress_keeps_a_call_alive_up_to_its_maximum"), ("mcp-client-core/src/session/call.rs", "a_call_has_the_time_that_the_limits_say")]),
    ("drain_timeout", "5 s", "enough for `echo requests \\| server` to see its answers, too short to keep a process alive", "its calls are answered with an error, and the connection ends", &[(SESSION, "input.rs: the_end_of_the_input_is_answered_for_and_then_ends_all"), (SESSION, "counts.rs: the_drain_time_is_a_time_to_wait_for"), (FETCH, "sessions.rs: to_close_delivers_what_was_said_and_deletes_the_session")]),
    ("probe_timeout", "5 s", "time for a slow start; older servers may answer nothing before `initialize`", "client: `initialize` comes next", &[("tests/tests/era_probe.rs", "a_silent_server_is_given_five_seconds"), (CLIENT, "limits.rs: a_probe_is_waited_for_as_long_as_the_limits_say"), (FETCH, "sessions.rs: a_greeting_may_take_as_long_as_a_probe")]),
    ("input_rounds", "8", "a form, its corrections and some more; a handler that goes on has a fault", "server: error -32603 to the call; client: the call fails", &[("mcp-server-core/src/ask/tests/unkind.rs", "what_a_handler_asks_is_bounded"), (CLIENT, "input.rs: questions_are_bounded_in_rounds_and_number_and_by_what_was_declared"), (CLIENT, "limits.rs: a_call_that_asks_nothing_is_made_again_so_many_times"), (TASKS, "mod.rs: a_task_asks_in_so_many_rounds_and_no_more")]),
    ("input_requests", "16", "more than anyone would answer at once", "error -32603 to the call", &[("mcp-server-core/src/ask/tests/unkind.rs", "what_a_handler_asks_is_bounded")]),
    ("input_timeout", "10 min", "people answer slowly", "the question is taken back, the call answered with error -32603", &[("mcp-server-core/src/ask/tests/unkind.rs", "a_person_may_take_ten_minutes_and_the_call_does_not_notice"), (CLIENT, "input.rs: people_may_take_their_time_but_not_for_ever"), (FETCH, "calls.rs: a_login_may_take_ten_minutes"), ("mcp-server-core/src/ask/tests/unkind.rs", "a_state_counts_for_ten_minutes")]),
    ("request_state_bytes", "16 KiB", "answers to a few forms, and a header's worth of room to spare", "error -32603 to the call", &[("mcp-server-core/src/ask/tests/unkind.rs", "what_a_handler_asks_is_bounded")]),
    ("kept_state_bytes", "1 MiB", "the longest state for each call that may be in flight", "the oldest state is not valid any more: error -32602", &[("mcp-server-core/src/state/tests.rs", "what_is_kept_here_is_bounded"), ("mcp-server-core/src/state/tests.rs", "a_connection_keeps_as_many_bytes_of_states_as_it_may")]),
    ("listens", "16", "one for each part of a program that wants to hear of changes", "error -32000; client: the caller is told `Misuse::TooManySubscriptions`", &[(SERVER, "sixteen_streams_and_256_resources_in_each"), (CLIENT, "subscriptions.rs: subscriptions_are_bounded"), (CLIENT, "tasks.rs: so_many_tasks_are_listened_to_and_the_rest_is_looked_at")]),
    ("subscribed_uris", "256", "all that a program has open; 2 MiB of the longest names", "error -32000; client: the caller is told `Misuse::TooManyUris`", &[(SERVER, "sixteen_streams_and_256_resources_in_each"), (CLIENT, "subscriptions.rs: subscriptions_are_bounded")]),
    ("subscribed_topics", "256", "as for resources", "error -32000; client: the caller is told `Misuse::TooManyTopics`", &[(SESSION, "extensions.rs: a_stream_follows_so_many_topics_and_no_more"), (CLIENT, "subscriptions.rs: topics_are_bounded_over_all_subscriptions"), ("mcp-server-core/src/ask/tests/unkind.rs", "so_many_pages_are_remembered_and_of_more_the_newest"), (SESSION, "extensions.rs: a_session_follows_so_many_tasks_that_it_has_begun_and_no_more")]),
    ("notes_queued", "256", "reports that nobody has read for so long are out of date", "the oldest report is not told", &[(SESSION, "changes.rs: the_newest_progress_waits_for_a_slow_reader"), (SESSION, "changes.rs: log_entries_count_as_reports_and_one_report_may_wait_where_only_one_is_sent"), ("mcp-server-core/src/desk/tests.rs", "the_newest_of_so_many_notes_wait_for_the_next_turn"), (HTTP, "desk/tests.rs: the_newest_of_so_many_notes_wait_for_the_next_turn"), (HTTP, "streams.rs: reports_give_way_where_their_reader_is_slow")]),
    ("tasks", "1,024", "results can be fetched of sixteen times as many as may run", "error -32000, unless one has ended and gives way", &[(FILES, "so_many_fit_and_then_those_give_way_that_ended_first"), (TASKS, "stores.rs: so_many_fit_and_then_those_give_way_that_ended_first")]),
    ("task_bytes", "64 MiB", "64 KiB for each of so many, or sixteen of the longest results", "the same; a result that does not fit fails its task", &[(FILES, "so_many_bytes_fit_and_what_does_not_leaves_the_task_as_it_was"), (TASKS, "stores.rs: so_many_bytes_fit_and_a_result_that_does_not_leaves_the_task_as_it_was")]),
    ("tasks_running", "64", "as many as the calls that one connection has in flight", "error -32000, \"busy\"", &[(TASKS, "mod.rs: so_many_tasks_are_worked_on_and_no_more")]),
    ("task_ttl", "1 h", "a client that has lost its connection is back by then", "the task is forgotten: error -32602", &[(TASKS, "expiry.rs: a_task_is_forgotten_when_its_time_is_over_and_not_before"), (TASKS, "mod.rs: a_task_is_kept_before_it_is_answered_and_ends_with_its_result")]),
    ("task_ttl_max", "24 h", "what has run overnight can be fetched in the morning", "the task is told to be kept for this long", &[(TASKS, "expiry.rs: nobody_keeps_a_task_for_longer_than_a_day"), (TASKS, "expiry.rs: a_result_is_waited_for_as_long_as_any_task_may_be_kept")]),
    ("task_poll_min", "50 ms", "twenty looks a second, should a server say nothing but zero", "client: it looks again no sooner", &[(CLIENT, "tasks.rs: no_server_makes_a_client_look_without_end_or_never_again")]),
    ("task_poll_max", "60 s", "for so long a task's end may go unnoticed", "client: it looks again no later", &[(CLIENT, "tasks.rs: no_server_makes_a_client_look_without_end_or_never_again")]),
    ("page_items", "100", "most lists are one page, and that is far shorter than a message", "a cursor for the rest", &[(SERVER, "a_page_of_100"), (TASKS, "mod.rs: tasks_are_listed_to_whom_they_belong")]),
    ("pages", "250", "25,000 items in pages of a hundred; no model reads that many", "client: the call fails", &[(CLIENT, "calls.rs: a_list_that_does_not_end_is_given_up_at_the_limit"), (FETCH, "headers.rs: the_tools_are_looked_through_up_to_so_many_pages")]),
    ("list_bytes", "64 MiB", "some 2.6 KiB for each item of so many pages", "client: the call fails", &[(CLIENT, "calls.rs: a_list_that_is_too_long_is_given_up")]),
    ("sessions", "1,024", "those that lie idle take a few MiB; what busy ones may take is below", "one that lies idle gives way; else status 503", &[(HTTP, "tests/handshake.rs: there_are_only_so_many_sessions")]),
    ("session_idle", "30 min", "a person's break; who comes later begins anew", "the session is over: status 404", &[(HTTP, "tests/handshake.rs: a_session_ends_when_nobody_has_used_it_for_long")]),
    ("replay_events", "256", "what happens while a client connects again", "the oldest cannot be asked for again", &[(HTTP, "store.rs: the_oldest_goes_at_the_limits"), (HTTP, "streams.rs: what_nobody_reads_is_bounded")]),
    ("replay_bytes", "1 MiB", "4 KiB for each of so many events", "the oldest cannot be asked for again", &[(HTTP, "store.rs: the_oldest_goes_at_the_limits"), (HTTP, "streams.rs: what_nobody_reads_is_bounded_in_bytes_and_a_reader_is_too_slow_from_there")]),
    ("sse_after", "1 s", "most calls are done by then, and one piece costs less than a stream", "the response is an event stream", &[(HTTP, "tests/modern.rs: an_answer_in_time_is_json_and_a_late_one_is_a_stream"), (HTTP, "tests/streams.rs: a_late_answer_is_a_stream_that_primes_its_client")]),
    ("keep_alive", "15 s", "proxies commonly cut what was silent for 30 s or more", "a comment", &[(HTTP, "tests/modern.rs: an_answer_in_time_is_json_and_a_late_one_is_a_stream")]),
    ("fetches", "64", "as many as a server is busy with", "client: the call waits for its turn", &[(FETCH, "calls.rs: only_so_many_calls_are_under_way"), ("mcp-client-core/src/http/hyper/tests.rs", "so_many_connections_are_kept_for_later")]),
    ("connect_timeout", "10 s", "name, route, proxy and TLS, with a lost packet or two", "client: the call fails", &[("tests/tests/http_client/failures.rs", "who_does_not_answer_is_named_when_connecting"), ("mcp-client-core/src/http/hyper/tests.rs", "connecting_may_take_as_long_as_the_limits_say"), ("bind-blocking/src/client/http/agent.rs", "agents_have_the_bounds_that_the_limits_say")]),
    ("response_head_bytes", "64 KiB", "more than servers commonly send, and than they accept", "client: the call fails", &[("tests/tests/http_client/failures.rs", "what_is_too_long_is_not_read"), ("mcp-client-core/src/http/hyper/tests.rs", "a_head_is_as_long_as_the_limits_allow"), ("bind-blocking/src/client/http/agent.rs", "agents_have_the_bounds_that_the_limits_say")]),
    ("fetch_retries", "3", "with growing pauses they take some seconds, as a restart does", "client: the call fails", &[(FETCH, "eras.rs: an_unreachable_server_is_tried_with_growing_pauses"), (FETCH, "calls.rs: an_overloaded_server_is_asked_again_when_it_says"), (FETCH, "streams.rs: a_stream_that_never_opens_is_tried_so_many_times")]),
    ("resumptions", "5", "a network that comes and goes; when nothing new comes that often, nothing will", "client: the call fails", &[(FETCH, "streams.rs: a_stream_is_resumed_from_its_last_event_as_long_as_something_new_comes")]),
    ("redirects", "3", "a moved path, a slash at its end and one more", "client: the call fails", &[(FETCH, "calls.rs: redirects_lead_elsewhere_within_the_origin_and_not_for_ever")]),
    ("authorizations", "3", "\"a few times\", as the specification has it", "client: the call fails", &[(FETCH, "calls.rs: an_authorization_that_never_suffices_is_given_up")]),
    ("refusal_bytes", "64 KiB", "an error with its explanation, even as a page", "client: the rest is not read", &[(FETCH, "calls.rs: nothing_of_a_response_is_longer_than_its_limit"), (FETCH, "calls.rs: an_exchange_may_stay_open_for_a_second_after_its_answer")]),
    ("annotated_tools", "1,024", "more tools than a model is shown", "client: calls of further tools have no such headers; also where all of them take more than `message_bytes`", &[(FETCH, "headers.rs: only_so_many_tools_are_remembered"), ("mcp-client-core/src/http/tools.rs", "what_is_remembered_takes_no_more_than_one_message")]),
    ("cache_entries", "256", "the lists and the resources that a program comes back to", "client: the oldest result is asked for again", &[("mcp-client-core/src/http/cache.rs", "the_oldest_results_make_room")]),
    ("cache_bytes", "4 MiB", "one full message", "client: the oldest result is asked for again", &[("mcp-client-core/src/http/cache.rs", "the_oldest_results_make_room")]),
];

/// What is bounded beside `Limits`: what it is, how much, the reason, what happens beyond it; where the
/// number stands, and the tests that show it.
type Other = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, &'static str)],
);

#[rustfmt::skip]
const OTHERS: &[Other] = &[
    ("`HttpListener::max_connections`", "10,000", "idle ones fit into a small machine; the system's limit on descriptors may come first", "it waits in the system's queue until another one ends", &[("mcp-server-core/src/listen.rs", "pub const USUAL: usize = 10_000;")], &[("tests/tests/http_server/framing.rs", "one_connection_too_many_waits_for_another_to_end"), ("tests/tests/listeners.rs", "a_listener_has_room_for_so_many_where_nobody_says"), ("mcp-server-core/src/listen.rs", "so_many_connections_fit_and_the_next_one_waits_for_an_end")]),
    ("`Listener::max_connections`", "10,000; bind-blocking: 1,000", "the same; there each has threads of its own", "the same", &[("bind-blocking/src/server/listen.rs", "const MAX_CONNECTIONS: usize = 1_000;")], &[("tests/tests/listeners.rs", "one_connection_too_many_waits_for_another_to_end"), ("tests/tests/listeners.rs", "a_listener_has_room_for_so_many_where_nobody_says")]),
    ("`HttpListener::max_threads` of bind-blocking", "256", "four connections' calls in flight; idle connections and streams have none", "its request waits for a thread", &[("bind-blocking/src/server/http/listener.rs", "const MAX_THREADS: usize = 256;")], &[("tests/tests/http_server/ends.rs", "so_many_handlers_run_at_the_same_time"), ("tests/tests/listeners.rs", "a_listener_has_room_for_so_many_where_nobody_says")]),
    ("threads of handlers that may block, in bind-tokio", "512", "as many as tokio itself starts", "the handler begins when another has ended", &[("bind-tokio/src/threads.rs", "const MOST: usize = 512;")], &[("bind-tokio/src/threads.rs", "so_many_jobs_run_and_one_more_waits_for_a_thread")]),
    ("wait of a call that is left unread because there is no room", "500 ms, and 10 ms more for each call that ends, up to as much", "calls that end quickly all find room; a cancellation behind it waits for no others", "error -32000, \"busy\"", &[("mcp-server-core/src/session/room.rs", "const PATIENCE: Duration = Duration::from_millis(500);"), ("mcp-server-core/src/session/room.rs", "const EARNED: Duration = Duration::from_millis(10);")], &[("mcp-server-core/src/session/tests/room.rs", "patience_ends_so_that_a_cancellation_gets_through"), ("mcp-server-core/src/session/tests/room.rs", "each_call_that_ends_buys_ten_milliseconds_up_to_as_much_again")]),
    ("head of an HTTP request", "64 KiB; hyper: up to twice as much", "the names and arguments that newer clients repeat in headers", "status 431, and the connection ends", &[("mcp-server-core/src/http/bounds.rs", "pub const HEAD_BYTES: usize = 64 * 1024;")], &[("tests/tests/http_server/framing.rs", "heads_have_a_limit"), ("bind-blocking/src/server/http/head.rs", "heads_have_a_limit")]),
    ("its headers", "100", "more than clients and proxies add up to", "the same", &[("mcp-server-core/src/http/bounds.rs", "pub const HEADERS: usize = 100;")], &[("tests/tests/http_server/framing.rs", "heads_have_a_limit"), ("bind-blocking/src/server/http/head.rs", "heads_have_a_limit")]),
    ("time for such a head", "30 s", "a slow network; not a client that holds a connection on purpose", "status 408 or none, and the connection ends", &[("mcp-server-core/src/http/bounds.rs", "pub const HEAD_TIME: Duration = Duration::from_secs(30);")], &[("mcp-server-core/src/http/desk/pace.rs", "a_connection_is_given_up_where_nothing_moves"), ("bind-blocking/src/server/http/channel.rs", "a_head_has_to_come_in_time")]),
    ("silence between two requests", "75 s", "as with common servers", "the connection ends", &[("mcp-server-core/src/http/bounds.rs", "pub const IDLE: Duration = Duration::from_secs(75);")], &[("mcp-server-core/src/http/desk/pace.rs", "a_connection_is_given_up_where_nothing_moves"), ("bind-blocking/src/server/http/channel.rs", "a_silent_connection_ends_after_a_while")]),
    ("time to read the last response", "2 s", "a round trip or two", "the connection ends", &[("mcp-server-core/src/http/bounds.rs", "pub const LINGER: Duration = Duration::from_secs(2);")], &[("bind-blocking/src/server/http/channel.rs", "a_head_has_to_come_in_time")]),
    ("requests ahead of an answer, in bind-blocking", "16 KiB", "a few, and the beginning of the next", "they are read once it is answered", &[("bind-blocking/src/server/http/channel.rs", "const AHEAD_BYTES: usize = 16 * 1024;")], &[("bind-blocking/src/server/http/channel.rs", "so_much_is_read_ahead_of_the_answer")]),
    ("line with a chunk's size, in bind-blocking", "256 bytes", "sixteen digits, and an extension that nobody reads", "status 400, and the connection ends", &[("bind-blocking/src/server/http/body.rs", "const SIZE_LINE_BYTES: usize = 256;")], &[("bind-blocking/src/server/http/body.rs", "what_is_around_the_chunks_has_a_limit")]),
    ("trailers of a request, in bind-blocking", "8 KiB", "nobody reads them", "the same", &[("bind-blocking/src/server/http/body.rs", "const TRAILER_BYTES: usize = 8 * 1024;")], &[("bind-blocking/src/server/http/body.rs", "what_is_around_the_chunks_has_a_limit")]),
    ("changes that wait for one connection, of each kind", "1,024", "more than a connection may subscribe to, several times over", "resources: the list is told to have changed; else it is not told", &[("mcp-server-core/src/server/watch.rs", "const UPDATED: usize = 1024;")], &[("mcp-server-core/src/server/tests.rs", "what_waits_for_a_slow_watcher_is_bounded"), ("mcp-server-core/src/server/tests.rs", "so_many_topics_and_completed_pages_wait_and_no_more")]),
    ("states that count once, remembered by `SealedStates`", "65,536", "some 5 MiB", "error -32602, until others have expired", &[("mcp-server-core/src/state/sealed.rs", "const MOST_USED: usize = 65_536;")], &[("mcp-server-core/src/state/tests.rs", "no_more_used_states_are_remembered_than_65_536")]),
    ("attempts to change a task that others change", "16", "each time somebody else was faster", "error -32603", &[("mcp-server-core/src/tasks/runner.rs", "const CONTESTS: usize = 16;")], &[("mcp-server-core/src/tasks/tests/mod.rs", "so_many_times_somebody_else_may_be_faster")]),
    ("words on a task's status", "1,000 characters", "every listener is sent them", "the rest is cut off", &[("mcp-server-core/src/tasks/run.rs", "const STATUS_CHARS: usize = 1000;")], &[("mcp-server-core/src/tasks/run.rs", "words_on_a_status_have_an_end")]),
    ("problems told of one call's arguments", "20", "more than a model mends at once", "how many more there are", &[("mcp-server-core/src/arguments/problems.rs", "const TOLD: usize = 20;")], &[("mcp-server-core/src/arguments/problems.rs", "so_much_is_told_and_repeated")]),
    ("piece of an argument that is repeated", "80 bytes", "enough to recognise it by", "the rest is cut off", &[("mcp-server-core/src/arguments/problems.rs", "const QUOTED: usize = 80;")], &[("mcp-server-core/src/arguments/problems.rs", "so_much_is_told_and_repeated")]),
    ("unknown name that is repeated", "200 characters", "the same", "the rest is cut off", &[("mcp-server-core/src/session/serve.rs", "const SHOWN_CHARS: usize = 200;")], &[("mcp-server-core/src/session/serve.rs", "an_unknown_name_is_repeated_up_to_a_length")]),
    ("proposals of one completion", "100", "as the specification has it", "how many there are, and that there are more", &[("mcp-proto/src/types/complete.rs", "pub const MOST: usize = 100;")], &[("mcp-proto/src/types/tests.rs", "one_answer_holds_a_hundred_proposals"), ("mcp-server-core/src/output/completion.rs", "a_hundred_proposals_are_sent_at_most")]),
    ("URI that is matched with templates", "64 KiB", "beyond `name_bytes`, for callers of their own", "it matches none", &[("mcp-proto/src/uri/mod.rs", "pub const MAX_URI_BYTES: usize = 64 * 1024;")], &[("mcp-proto/src/uri/tests.rs", "sizes_are_bounded")]),
    ("values in one of its lists", "1,024", "more than a query has", "the same", &[("mcp-proto/src/uri/mod.rs", "pub const MAX_VALUES: usize = 1024;")], &[("mcp-proto/src/uri/tests.rs", "sizes_are_bounded")]),
    ("template, and its variables", "4,096 bytes, 32", "they are our own, and matched with each URI", "the server is not built", &[("mcp-proto/src/uri/mod.rs", "pub const MAX_TEMPLATE_BYTES: usize = 4096;"), ("mcp-proto/src/uri/mod.rs", "pub const MAX_VARIABLES: usize = 32;")], &[("mcp-proto/src/uri/tests.rs", "sizes_are_bounded")]),
    ("annotated parameters of a tool (`x-mcp-header`), and the names of each", "64, 4,096 bytes", "as many headers as servers commonly read; many at the end of one long path would each keep all of it", "client: the tool is left out; server: it is not built", &[("mcp-proto/src/http/param.rs", "pub const MAX_PARAMS: usize = 64;"), ("mcp-proto/src/http/param.rs", "pub const MAX_PARAM_BYTES: usize = 4096;")], &[("mcp-proto/src/http/param.rs", "a_tool_has_so_many_annotations_whose_names_are_so_long")]),
    ("session id from a server", "4,096 bytes", "it comes back as a header", "client: as if there were none", &[("mcp-proto/src/http/session_id.rs", "pub const MAX_LENGTH: usize = 4096;")], &[("mcp-proto/src/http/session_id.rs", "ids_are_visible_ascii")]),
    ("header of a response that is kept", "8 KiB", "as `name_bytes`", "client: it is as if it were not there", &[("mcp-client-core/src/http/exchange.rs", "const HEADER_BYTES: usize = 8 * 1024;")], &[("mcp-client-core/src/http/exchange.rs", "of_a_header_only_so_much_is_kept")]),
    ("body of an HTTP error that is shown", "512 bytes", "a sentence or two", "client: the rest is not in the error", &[("mcp-client-core/src/http/exchange.rs", "const SHOWN_BYTES: usize = 512;")], &[("mcp-client-core/src/http/exchange.rs", "the_beginning_of_a_body_is_shown")]),
    ("pauses between attempts of an HTTP client", "0.5 s, doubled up to 8 s", "a restart, and then a longer one", "client: the call takes so much longer", &[("mcp-client-core/src/http/send.rs", "const FIRST_PAUSE: Duration = Duration::from_millis(500);"), ("mcp-client-core/src/http/send.rs", "const LONGEST_PAUSE: Duration = Duration::from_secs(8);")], &[("mcp-client-core/src/http/send.rs", "pauses_grow_up_to_a_limit")]),
    ("pause that a server may ask for", "60 s", "`Retry-After` may say anything", "client: it asks again then", &[("mcp-client-core/src/http/send.rs", "const LONGEST_WAIT: Duration = Duration::from_secs(60);")], &[("mcp-client-core/src/http/tests/calls.rs", "an_overloaded_server_is_asked_again_when_it_says")]),
    ("pauses before a stream of changes is opened again", "1 s, doubled up to 60 s", "nobody waits for it", "client: changes are missed meanwhile, and the lists told to have changed", &[("mcp-client-core/src/session/subscribe.rs", "const FIRST_DELAY: Duration = Duration::from_secs(1);"), ("mcp-client-core/src/session/subscribe.rs", "const LONGEST_DELAY: Duration = Duration::from_secs(60);")], &[("mcp-client-core/src/session/tests/subscriptions.rs", "the_pauses_between_streams_grow_up_to_a_minute")]),
    ("pauses before a call that asks nothing is made again", "50 ms, doubled up to 250 ms", "a server that wants to be asked again has something to do", "client: the call takes so much longer", &[("mcp-client-core/src/session/input.rs", "const FIRST_PAUSE: Duration = Duration::from_millis(50);"), ("mcp-client-core/src/session/input.rs", "const LONGEST_PAUSE: Duration = Duration::from_millis(250);")], &[("mcp-client-core/src/session/input.rs", "pauses_grow_up_to_a_limit")]),
    ("shortest pause of an extension's call", "1 ms", "no machine keeps a session busy", "client: it goes on then", &[("mcp-client-core/src/session/follow.rs", "const SHORTEST_PAUSE: Duration = Duration::from_millis(1);")], &[("mcp-client-core/src/session/tests/tasks.rs", "no_pause_is_shorter_than_a_millisecond")]),
    ("exchange that stays open after its answer", "1 s", "its end may arrive, so that its connection is used again", "client: its connection is closed", &[("mcp-client-core/src/http/send.rs", "const LINGER: Duration = Duration::from_secs(1);")], &[("mcp-client-core/src/http/tests/calls.rs", "an_exchange_may_stay_open_for_a_second_after_its_answer")]),
    ("last messages of a client that closes", "1 s", "cancellations, which are a courtesy", "client: they are not sent", &[("mcp-client-core/src/desk/task.rs", "const PATIENCE: Duration = Duration::from_secs(1);"), ("bind-blocking/src/client/stream.rs", "const PATIENCE: Duration = Duration::from_secs(1);")], &[("tests/tests/servers_that_stop_reading.rs", "a_call_that_cannot_be_written_fails_when_its_time_is_up")]),
    ("time for a child process to end by itself, and then by SIGTERM", "2 s each", "to write what is to be kept", "SIGTERM; SIGKILL", &[("mcp-client-core/src/child.rs", "(Duration::from_secs(2), Signal::Terminate),"), ("mcp-client-core/src/child.rs", "(Duration::from_secs(2), Signal::Kill),")], &[("tests/tests/odd_servers.rs", "one_that_does_not_end_by_itself"), ("tests/tests/odd_servers.rs", "one_that_is_deaf_to_sigterm")]),
    ("pipes of a child process that has ended", "2 s", "what it has written is still on its way", "client: as if the pipes were closed", &[("mcp-client-core/src/child.rs", "pub const LINGER: Duration = Duration::from_secs(2);")], &[("tests/tests/odd_servers.rs", "one_that_leaves_a_process_with_its_pipes_behind")]),
    ("standard error of a child process", "64 KiB", "a panic with its backtrace", "client: the beginning is forgotten", &[("mcp-client-core/src/child.rs", "pub const BYTES: usize = 64 * 1024;")], &[("mcp-client-core/src/child.rs", "a_tail_keeps_the_last_of_it"), ("tests/tests/odd_servers.rs", "one_that_says_much_beside_the_protocol")]),
    ("changes of a task that wait for their reader", "64", "a task does not change as often as it makes progress", "client: the oldest change is not told", &[("mcp-client-core/src/desk/updates.rs", "const KEPT: usize = 64;")], &[("mcp-client-core/src/desk/updates.rs", "so_many_changes_wait_for_their_reader_and_of_more_the_newest")]),
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
    let number = number.replace(',', "").parse::<u64>();
    let number = number.expect("a default is a number");
    match unit {
        "ms" => format!("{:?}", Duration::from_millis(number)),
        "s" => format!("{:?}", Duration::from_secs(number)),
        "min" => format!("{:?}", Duration::from_secs(number * 60)),
        "h" => format!("{:?}", Duration::from_secs(number * 60 * 60)),
        "KiB" => (number * 1024).to_string(),
        "MiB" => (number * 1024 * 1024).to_string(),
        _ => number.to_string(),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn check_tests(what: &str, tests: &[(&str, &str)]) {
    assert!(!tests.is_empty(), "{what}");
    for (file, test) in tests {
        let (path, test) = match test.split_once(": ") {
            Some((below, test)) => (format!("{file}/{below}"), test),
            None => ((*file).to_owned(), *test),
        };
        let text = read(&path);
        let there = text.contains(&format!("fn {test}("));
        assert!(there, "{what}: there is no test {test} in {path}");
    }
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
    for (name, _, _, _, tests) in TABLE {
        check_tests(name, tests);
    }
    for (what, _, _, _, _, tests) in OTHERS {
        check_tests(what, tests);
    }
}

#[test]
fn the_page_of_the_limits_shows_the_table() {
    let page = read("mcp-proto/src/limits.rs");
    let (limits, others) = page.split_once("//! # Other numbers").expect("both");
    let shown = |text: &str, from: &str| -> Vec<String> {
        let lines = text.lines().skip_while(|line| *line != from).skip(1);
        let rows = lines.map_while(|line| line.strip_prefix("//! | "));
        rows.map(str::to_owned).collect()
    };
    let rows: Vec<String> = TABLE
        .iter()
        .map(|(name, default, why, beyond, _)| format!("`{name}` | {default} | {why} | {beyond} |"))
        .collect();
    assert_eq!(shown(limits, "//! |---|---|---|---|"), rows);
    let rows: Vec<String> = OTHERS
        .iter()
        .map(|(what, most, why, beyond, ..)| format!("{what} | {most} | {why} | {beyond} |"))
        .collect();
    assert_eq!(shown(others, "//! |---|---|---|---|"), rows);
}

/// Where the limit stands, its default and the reason are told as well.
#[test]
fn every_limit_says_its_default_and_the_reason() {
    let text = read("mcp-proto/src/limits.rs");
    let (_, members) = text.split_once("pub struct Limits {").expect("it is there");
    for (name, default, why, ..) in TABLE {
        let (before, _) = members
            .split_once(&format!("    pub {name}: "))
            .expect(name);
        let docs = before.rsplit(",\n").next().unwrap_or_default();
        let docs: Vec<&str> = docs
            .lines()
            .map(|line| line.trim().trim_start_matches("/// "))
            .collect();
        let said = format!("{default}: {}", why.replace("\\|", "|"));
        assert!(
            docs.join(" ").contains(&said),
            "{name}: {docs:?} lacks: {said}"
        );
    }
}

#[test]
fn every_other_number_stands_where_it_is_said_to() {
    for (what, .., consts, _) in OTHERS {
        assert!(!consts.is_empty(), "{what}");
        for (path, number) in *consts {
            assert!(
                read(path).contains(number),
                "{what}: {path} has no {number}"
            );
        }
    }
}

/// The numbers that bound no peer: how memory and time are used, and what is no amount at all.
#[rustfmt::skip]
const TUNING: &[(&str, &[&str])] = &[
    ("bind-async-std/src/client/http.rs", &["READ_BYTES"]),
    ("bind-async-std/src/clock.rs", &["FAR"]),
    ("bind-async-std/src/memory.rs", &["CAPACITY"]),
    ("bind-async-std/src/server/http/connection.rs", &["READ_BYTES"]),
    ("bind-blocking/src/client/http/agent.rs", &["IDLE"]),
    ("bind-blocking/src/client/http/worker.rs", &["READ_BYTES"]),
    ("bind-blocking/src/client/stream.rs", &["READ_BYTES"]),
    ("bind-blocking/src/memory.rs", &["CAPACITY"]),
    ("bind-blocking/src/server/driver.rs", &["TICK", "IDLE_TICKS", "WARY_CALLS", "MOST_WARY_CALLS", "READ_BYTES"]),
    ("bind-blocking/src/server/http/buffer.rs", &["READ_BYTES", "LONG_READ_BYTES", "LONG_BODY_BYTES", "KEPT_BYTES"]),
    ("bind-blocking/src/server/http/hub.rs", &["WORKER_IDLE"]),
    ("bind-blocking/src/server/http/poller.rs", &["TICK", "IDLE_TICKS", "ACCEPT_PAUSE", "FIRST"]),
    ("bind-blocking/src/server/http/worker.rs", &["PAUSE", "LONG"]),
    ("bind-tokio/src/clock.rs", &["FAR"]),
    ("bind-tokio/src/memory.rs", &["CAPACITY"]),
    ("bind-tokio/src/server/thread_reader.rs", &["READ_BYTES"]),
    ("bind-tokio/src/threads.rs", &["IDLE"]),
    ("mcp-client-core/src/desk/task.rs", &["WRITE_BYTES"]),
    ("mcp-client-core/src/http/answers.rs", &["LENT_BYTES"]),
    ("mcp-client-core/src/http/hyper.rs", &["IDLE"]),
    ("mcp-client-core/src/http/turn.rs", &["TURNS", "REPORTS"]),
    ("mcp-client-core/src/session/outbox.rs", &["KEPT_BYTES"]),
    ("mcp-client-core/src/session/spare.rs", &["KEPT_BYTES"]),
    ("mcp-client-core/src/tasks/watch.rs", &["INTERVAL"]),
    ("mcp-proto/src/encode/text.rs", &["LONG", "REST", "BLOCK", "WORD", "ONES", "LOW"]),
    ("mcp-proto/src/frame/line.rs", &["OWNED_FROM"]),
    ("mcp-proto/src/json/raw.rs", &["LONG", "BLOCK"]),
    ("mcp-proto/src/json/scan.rs", &["MAX_LEN", "FEW", "MANY"]),
    ("mcp-proto/src/limits.rs", &["KIB", "MIB"]),
    ("mcp-proto/src/meta.rs", &["COUNT"]),
    ("mcp-proto/src/page.rs", &["LENGTH"]),
    ("mcp-proto/src/pump.rs", &["READ_BYTES", "KEPT_BYTES", "TURNS"]),
    ("mcp-proto/src/rpc/envelope.rs", &["COUNT"]),
    ("mcp-proto/src/rpc/id.rs", &["FEW"]),
    ("mcp-proto/src/rpc/ledger.rs", &["GENERATIONS"]),
    ("mcp-proto/src/rpc/params.rs", &["COUNT"]),
    ("mcp-proto/src/rpc/result.rs", &["DIGITS"]),
    ("mcp-proto/src/types/answer.rs", &["LONGEST_BLANK"]),
    ("mcp-proto/src/types/schema.rs", &["DEPTH"]),
    ("mcp-proto/src/uri/screen.rs", &["ROUNDS"]),
    ("mcp-server-core/src/http/desk/pace.rs", &["NEVER"]),
    ("mcp-server-core/src/http/serving.rs", &["ORIGIN"]),
    ("mcp-server-core/src/http/sessions.rs", &["BYTES"]),
    ("mcp-server-core/src/http/streams.rs", &["UNASKED"]),
    ("mcp-server-core/src/listen.rs", &["PAUSE"]),
    ("mcp-server-core/src/service/page.rs", &["REVISIONS"]),
    ("mcp-server-core/src/session/outbox.rs", &["FIRST_BYTES"]),
    ("mcp-server-core/src/session/receive.rs", &["REMEMBERED"]),
    ("mcp-server-core/src/state/sealed.rs", &["NONCE"]),
    ("mcp-server-core/src/tasks/time.rs", &["DAY"]),
];

/// Each number that stands in a source is in a row, or bounds nobody: a new one cannot be overlooked.
#[test]
fn no_number_is_overlooked() {
    let mut found = Vec::new();
    for part in [
        "mcp-proto",
        "mcp-server-core",
        "mcp-client-core",
        "bind-blocking",
        "bind-tokio",
        "bind-async-std",
    ] {
        numbers_below(&root().join(part).join("src"), &mut found);
    }
    numbers_below(&root().join("mcp-server-core/file-tasks/src"), &mut found);
    let base = root();
    let mut rest: Vec<String> = Vec::new();
    for (path, line) in &found {
        let path = path
            .strip_prefix(&base)
            .expect("it is below")
            .to_string_lossy();
        let in_a_row = OTHERS.iter().any(|(.., consts, _)| {
            consts
                .iter()
                .any(|(file, number)| *file == path && line.contains(number))
        });
        let name = line
            .split_once("const ")
            .and_then(|(_, rest)| rest.split_once(':'));
        let name = name.map(|(name, _)| name).unwrap_or_default();
        let bounds_nobody = TUNING
            .iter()
            .any(|(file, names)| *file == path && names.contains(&name));
        if !in_a_row && !bounds_nobody {
            rest.push(format!("{path}: {line}"));
        }
    }
    assert!(rest.is_empty(), "{}", rest.join("\n"));
}

/// Constants that are numbers or times, outside of tests.
fn numbers_below(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && name != "tests" {
            numbers_below(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" && name != "fuzzing.rs" {
            let text = fs::read_to_string(&path).expect("it is text");
            let text = text.split("#[cfg(test)]\nmod").next().unwrap_or_default();
            let numbers = text.lines().map(str::trim).filter(|line| {
                let kinds = [": usize = ", ": u32 = ", ": u64 = ", ": Duration = "];
                line.contains("const ")
                    && kinds.iter().any(|kind| line.contains(kind))
                    && !line.starts_with("//")
            });
            found.extend(numbers.map(|line| (path.clone(), line.to_owned())));
        }
    }
}
