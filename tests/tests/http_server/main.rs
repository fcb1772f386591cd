//! The HTTP server of every binding, from the outside: by raw sockets, in ways that no client
//! library can be brought to.

mod ends;
mod framing;
mod raw;
mod rig;
mod sessions;
mod streams;

/// Every test for every binding: another one is another line.
macro_rules! on {
    ($($binding:ident = $variant:ident,)*) => {$(
        mod $binding {
            each! { $variant:
                framing::chunked_and_dribbling_requests_are_read,
                framing::pipelined_requests_are_answered_in_order,
                framing::connections_go_on_or_end_as_asked,
                framing::one_connection_too_many_waits_for_another_to_end,
                framing::a_client_may_wait_for_our_word,
                framing::malformed_requests_are_refused_and_cut_off,
                framing::heads_have_a_limit,
                framing::bodies_that_are_too_long_are_refused,
                framing::unread_bodies_do_not_become_requests,
                framing::heads_that_lead_nowhere_are_refused,
                framing::duplicate_headers_are_refused,
                framing::other_names_and_pages_are_kept_out,
                streams::notes_arrive_while_the_handler_runs,
                streams::a_slow_answer_becomes_a_stream,
                streams::http_1_0_gets_a_stream_until_the_end,
                streams::everybody_who_listens_is_told,
                streams::a_slow_reader_holds_nobody_up,
                streams::a_reader_that_pauses_gets_the_rest,
                streams::a_reader_that_has_stopped_is_given_up,
                streams::many_open_streams_need_few_threads,
                sessions::a_session_has_one_stream_of_its_own,
                sessions::an_answer_that_was_lost_can_be_fetched,
                sessions::sessions_are_bound_to_who_opened_them,
                sessions::a_batch_runs_its_calls_at_the_same_time,
                ends::leaving_cancels_a_call_of_2026_07_28,
                ends::leaving_does_not_cancel_an_older_call,
                ends::a_panic_ends_a_call_and_nothing_else,
                ends::a_timed_out_call_does_not_hold_up_the_next,
                ends::a_graceful_end_lets_everybody_finish,
                ends::an_end_that_takes_too_long_is_cut_short,
            }
        }
    )*};
}

macro_rules! each {
    ($variant:ident: $($module:ident::$test:ident,)*) => {$(
        #[test]
        fn $test() {
            crate::$module::$test(mcp_tests::bindings::Binding::$variant);
        }
    )*};
}

#[test]
fn the_blocking_binding_runs_as_many_handlers_as_it_has_threads() {
    ends::so_many_handlers_run_at_the_same_time();
}

on! {
    blocking = Blocking,
    tokio = TokioCurrentThread,
    tokio_threads = TokioMultiThread,
    smol = Smol,
    async_std = AsyncStd,
}
