//! Every bound that the machines keep, in one place.
//!
//! The reasons stand with each of them below. This is what the peer sees beyond it, or where it says
//! so, what becomes of our own call:
//!
//! | limit | default | beyond it |
//! |---|---|---|
//! | `message_bytes` | 4 MiB | server: error -32700, over HTTP status 413; client: the call fails |
//! | `event_bytes` | 4 MiB | client: the call fails |
//! | `json_depth` | 128 | the message is no message: error -32700 |
//! | `name_bytes` | 8 KiB | error -32600 or -32602 |
//! | `batch_messages` | 64 | error -32600 for the whole batch |
//! | `rejections` | 64 | silence, until a message can be read again |
//! | `calls_in_flight` | 64 | server: the call waits for a place; client: error -32000 to a question |
//! | `calls_parked` | 64 | error -32000, "busy" |
//! | `outbound_high_water` | 256 KiB | its further requests are not read |
//! | `outbound_bytes` | 8 MiB | the connection ends |
//! | `outbound_stall` | 30 s | the connection ends |
//! | `client_calls` | 4096 | client: the caller is told `Misuse::TooManyCalls` |
//! | `call_timeout` | 300 s | server: error -32603; client: `notifications/cancelled` |
//! | `call_timeout_max` | 1800 s | the same |
//! | `drain_timeout` | 5 s | its calls are answered with an error, and the connection ends |
//! | `probe_timeout` | 5 s | client: `initialize` comes next |
//! | `input_rounds` | 8 | server: error -32603 to the call; client: the call fails |
//! | `input_requests` | 16 | error -32603 to the call |
//! | `input_timeout` | 600 s | the question is taken back, the call answered with error -32603 |
//! | `request_state_bytes` | 16 KiB | error -32603 to the call |
//! | `kept_state_bytes` | 1 MiB | the oldest state is not valid any more: error -32602 |
//! | `listens` | 16 | error -32000; client: the caller is told `Misuse::TooManySubscriptions` |
//! | `subscribed_uris` | 256 | error -32000; client: the caller is told `Misuse::TooManyUris` |
//! | `subscribed_topics` | 256 | error -32000; client: the caller is told `Misuse::TooManyTopics` |
//! | `notes_queued` | 256 | the oldest report is not told |
//! | `tasks` | 1024 | error -32000, unless one has ended and gives way |
//! | `task_bytes` | 64 MiB | the same; a result that does not fit fails its task |
//! | `tasks_running` | 64 | error -32000, "busy" |
//! | `task_ttl` | 3600 s | the task is forgotten: error -32602 |
//! | `task_ttl_max` | 86400 s | the task is told to be kept for this long |
//! | `task_poll_min` | 50 ms | client: it looks again no sooner |
//! | `task_poll_max` | 60 s | client: it looks again no later |
//! | `page_items` | 100 | a cursor for the rest |
//! | `pages` | 250 | client: the call fails |
//! | `sessions` | 1024 | one that lies idle gives way; else status 503 |
//! | `session_idle` | 1800 s | the session is over: status 404 |
//! | `replay_events` | 256 | the oldest cannot be asked for again |
//! | `replay_bytes` | 1 MiB | the oldest cannot be asked for again |
//! | `sse_after` | 1 s | the response is an event stream |
//! | `keep_alive` | 15 s | a comment |
//! | `fetches` | 64 | client: the call waits for its turn |
//! | `connect_timeout` | 10 s | client: the call fails |
//! | `response_head_bytes` | 64 KiB | client: the call fails |
//! | `fetch_retries` | 3 | client: the call fails |
//! | `resumptions` | 5 | client: the call fails |
//! | `redirects` | 3 | client: the call fails |
//! | `authorizations` | 3 | client: the call fails |
//! | `refusal_bytes` | 64 KiB | client: the rest is not read |
//! | `annotated_tools` | 1024 | client: calls of further tools have no such headers |
//! | `cache_entries` | 256 | client: the oldest result is asked for again |
//! | `cache_bytes` | 4 MiB | client: the oldest result is asked for again |
//!
//! # Memory
//!
//! So much text can a peer make a machine hold, with everything at its limit at once; the structures
//! around it add little.
//!
//! | | at most |
//! |---|---|
//! | a stream of a server | 3 messages of `message_bytes` on their way in, one for each of 2 · `calls_in_flight` + `calls_parked` calls; 2 · `outbound_bytes`; `name_bytes` for each of `subscribed_uris` resources in `listens` + 1 subscriptions; `kept_state_bytes` |
//! | each of `sessions` sessions over HTTP | one message for each of as many calls; 2 · `outbound_bytes`; `name_bytes` for each of `subscribed_uris` resources; 2 · `replay_bytes` |
//! | a client of a stream | 3 messages on their way in, one for each of `client_calls` results and `calls_in_flight` questions; 2 · `outbound_bytes` |
//!
//! Half of the calls of a server are such that nobody waits for, whose handlers have not heeded it.

use core::time::Duration;

/// The bounds of one machine. Everything a peer can make us hold is covered by one of them.
///
/// ```
/// use mcp_proto::limits::Limits;
///
/// let mut limits = Limits::default();
/// limits.message_bytes = 64 * 1024;
/// assert_eq!(limits.calls_in_flight, 64);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest message in bytes, a line or an HTTP body. 4 MiB: an image or two in base64.
    ///
    /// A longer one is answered with an error where the transport allows it, its bytes are
    /// skipped, and the connection lives on.
    pub message_bytes: usize,
    /// Longest server-sent event in bytes. 4 MiB, as for messages.
    pub event_bytes: usize,
    /// Deepest nesting of arrays and objects. 128: what serde_json allows for typed values.
    pub json_depth: usize,
    /// Longest method name, tool name, URI, cursor or string id, in bytes. 8 KiB: the length that
    /// HTTP servers commonly accept for a header, which such a name may have to travel in.
    pub name_bytes: usize,
    /// Messages in one batch (2025-03-26 only). 64: as many as may be in flight.
    pub batch_messages: usize,

    /// Messages that cannot be read and are answered nevertheless, in a row. 64: then silence, so
    /// that two machines which take each other's complaints for garbage do not go on for ever.
    pub rejections: usize,

    /// Calls that handlers may be busy with, for each connection. 64.
    pub calls_in_flight: usize,
    /// Calls that wait for one of those places; the next one is answered "busy". 64.
    pub calls_parked: usize,
    /// Bytes of answers waiting for a slow reader before no more requests are read. 256 KiB.
    pub outbound_high_water: usize,
    /// Bytes of answers waiting at which the connection is given up. 8 MiB, two full messages.
    pub outbound_bytes: usize,
    /// How long a peer may take none of our bytes before the connection is given up. 30 s.
    pub outbound_stall: Duration,

    /// Calls of a client that are open, or whose results wait to be taken. 4,096: a burst of a busy
    /// program; more is rather a leak.
    pub client_calls: usize,
    /// How long one call may take. 5 min; progress extends it.
    pub call_timeout: Duration,
    /// How long one call may take however much progress it reports. 30 min.
    pub call_timeout_max: Duration,
    /// How long calls may still run once their client has ended its side of the connection. 5 s:
    /// enough for `echo requests | server` to see its answers, too short to keep a process alive.
    pub drain_timeout: Duration,
    /// How long a client waits for the answer to its era probe. 5 s.
    pub probe_timeout: Duration,

    /// Questions asked in rounds within one call. 8.
    pub input_rounds: usize,
    /// Questions in one round. 16: more than anyone would answer at once.
    pub input_requests: usize,
    /// How long the user may take to answer one round. 10 min: people answer slowly.
    pub input_timeout: Duration,
    /// Longest state that a call which asks may have between its rounds, in bytes before it is
    /// sealed. 16 KiB: answers to a few forms, and a header's worth of room to spare.
    pub request_state_bytes: usize,
    /// Bytes of such states that one connection keeps for its client where nothing seals them;
    /// the oldest give way. 1 MiB.
    pub kept_state_bytes: usize,

    /// Open subscription streams for each connection. 16.
    pub listens: usize,
    /// Resource URIs in one subscription, or subscribed to in one session. 256.
    pub subscribed_uris: usize,
    /// Topics of extensions in one subscription, such as tasks, or followed by one session; and
    /// pages that the client of one session was sent to and that may still be told to be done with
    /// (2025-11-25). 256.
    pub subscribed_topics: usize,
    /// Notifications kept for one call or stream before the oldest progress report gives way. 256.
    pub notes_queued: usize,

    /// Tasks that one server's store keeps. 1,024; those that ended first give way to new ones.
    pub tasks: usize,
    /// Bytes of such tasks, their results included. 64 MiB.
    pub task_bytes: usize,
    /// Tasks that one server works on at once; the next one is refused. 64.
    pub tasks_running: usize,
    /// How long a task is kept from its beginning where nobody says. 1 h.
    pub task_ttl: Duration,
    /// How long a task is kept at most, whatever its client asks for. 24 h.
    pub task_ttl_max: Duration,

    /// How long a client waits at least before it looks at a task again, however soon the server
    /// wants it to. 50 ms: twenty looks a second, should a server say nothing but zero.
    pub task_poll_min: Duration,
    /// How long it waits at most, however late the server wants it to. 60 s: for so long a task's
    /// end may go unnoticed.
    pub task_poll_max: Duration,

    /// Items in one page of a list. 100.
    pub page_items: usize,
    /// Pages that a client follows for one list. 250.
    pub pages: usize,

    /// Handshake sessions over HTTP. 1,024.
    pub sessions: usize,
    /// How long such a session may lie idle. 30 min.
    pub session_idle: Duration,
    /// Events kept for each session's resumable streams. 256.
    pub replay_events: usize,
    /// Bytes kept for each session's resumable streams. 1 MiB.
    pub replay_bytes: usize,
    /// How long an HTTP request may run before its response becomes an event stream. 1 s.
    pub sse_after: Duration,
    /// Silence on an event stream after which a comment keeps it alive. 15 s.
    pub keep_alive: Duration,

    /// Calls that an HTTP client has under way at once; the others wait for their turn. 64: as many
    /// as a server is busy with.
    pub fetches: usize,
    /// How long an HTTP client may take to reach a server, by name, route, proxy and TLS. 10 s.
    pub connect_timeout: Duration,
    /// Longest head of a response that an HTTP client reads. 64 KiB: more than servers commonly
    /// send, and than they accept.
    pub response_head_bytes: usize,
    /// How often an HTTP client tries again what may have failed by accident: no connection, an
    /// overloaded server. 3, with growing pauses.
    pub fetch_retries: usize,
    /// How often a broken stream is resumed without anything new having come. 5.
    pub resumptions: usize,
    /// Redirects followed for one request. 3.
    pub redirects: usize,
    /// How often one request is repeated with another authorization. 3: "a few times".
    pub authorizations: usize,
    /// How much of the body of an HTTP error is read. 64 KiB.
    pub refusal_bytes: usize,
    /// Tools whose arguments travel in headers as well, remembered by a client. 1,024.
    pub annotated_tools: usize,
    /// Results that a client keeps for as long as their server allows. 256.
    pub cache_entries: usize,
    /// Bytes of such results. 4 MiB, one full message.
    pub cache_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: usize = 1024;
        const MIB: usize = 1024 * KIB;
        Self {
            message_bytes: 4 * MIB,
            event_bytes: 4 * MIB,
            json_depth: 128,
            name_bytes: 8 * KIB,
            batch_messages: 64,
            rejections: 64,
            calls_in_flight: 64,
            calls_parked: 64,
            outbound_high_water: 256 * KIB,
            outbound_bytes: 8 * MIB,
            outbound_stall: Duration::from_secs(30),
            client_calls: 4096,
            call_timeout: Duration::from_secs(5 * 60),
            call_timeout_max: Duration::from_secs(30 * 60),
            drain_timeout: Duration::from_secs(5),
            probe_timeout: Duration::from_secs(5),
            input_rounds: 8,
            input_requests: 16,
            input_timeout: Duration::from_secs(10 * 60),
            request_state_bytes: 16 * KIB,
            kept_state_bytes: MIB,
            listens: 16,
            subscribed_uris: 256,
            subscribed_topics: 256,
            notes_queued: 256,
            tasks: 1024,
            task_bytes: 64 * MIB,
            tasks_running: 64,
            task_ttl: Duration::from_secs(60 * 60),
            task_ttl_max: Duration::from_secs(24 * 60 * 60),
            task_poll_min: Duration::from_millis(50),
            task_poll_max: Duration::from_secs(60),
            page_items: 100,
            pages: 250,
            sessions: 1024,
            session_idle: Duration::from_secs(30 * 60),
            replay_events: 256,
            replay_bytes: MIB,
            sse_after: Duration::from_secs(1),
            keep_alive: Duration::from_secs(15),
            fetches: 64,
            connect_timeout: Duration::from_secs(10),
            response_head_bytes: 64 * KIB,
            fetch_retries: 3,
            resumptions: 5,
            redirects: 3,
            authorizations: 3,
            refusal_bytes: 64 * KIB,
            annotated_tools: 1024,
            cache_entries: 256,
            cache_bytes: 4 * MIB,
        }
    }
}
