//! Every bound that the machines keep, in one place.
//!
//! What stands under "beyond it" is what the peer sees, or where it says so, what becomes of our own
//! call:
//!
//! | limit | default | why | beyond it |
//! |---|---|---|---|
//! | `message_bytes` | 4 MiB | an image or two in base64 | server: error -32700, over HTTP status 413; client: the call fails |
//! | `event_bytes` | 4 MiB | an event carries one message | client: the call fails |
//! | `json_depth` | 128 | what serde_json allows for typed values | the message is no message: error -32700 |
//! | `name_bytes` | 8 KiB | what HTTP servers commonly accept for a header, in which such a name may have to travel | error -32600 or -32602 |
//! | `batch_messages` | 64 | as many calls as may be in flight | error -32600 for the whole batch |
//! | `rejections` | 64 | enough to find a fault by; two machines that take each other's complaints for garbage fall silent | silence, until a message can be read again |
//! | `calls_in_flight` | 64 | more than a person or a model waits for at once; each may hold a thread and a whole message | server: the call waits for a place; client: error -32000 to a question |
//! | `calls_parked` | 64 | another burst of the same size | a stream: the next one is left unread for a while; then error -32000, "busy" |
//! | `outbound_high_water` | 256 KiB | more than a pipe or a local socket takes in, so that a reader's short pause stops nothing | its further requests are not read |
//! | `outbound_bytes` | 8 MiB | two full messages | the connection ends |
//! | `outbound_stall` | 30 s | a machine that swaps or changes its network is back by then | the connection ends |
//! | `client_calls` | 4,096 | a burst of a busy program; more is rather a leak | client: the caller is told `Misuse::TooManyCalls` |
//! | `call_timeout` | 5 min | slow tools take minutes; what takes longer can report progress, which extends it | server: error -32603; client: `notifications/cancelled` |
//! | `call_timeout_max` | 30 min | nobody waits for longer; such work is a task | the same |
//! | `drain_timeout` | 5 s | enough for `echo requests \| server` to see its answers, too short to keep a process alive | its calls are answered with an error, and the connection ends |
//! | `probe_timeout` | 5 s | time for a slow start; older servers may answer nothing before `initialize` | client: `initialize` comes next |
//! | `input_rounds` | 8 | a form, its corrections and some more; a handler that goes on has a fault | server: error -32603 to the call; client: the call fails |
//! | `input_requests` | 16 | more than anyone would answer at once | error -32603 to the call |
//! | `input_timeout` | 10 min | people answer slowly | the question is taken back, the call answered with error -32603 |
//! | `request_state_bytes` | 16 KiB | answers to a few forms, and a header's worth of room to spare | error -32603 to the call |
//! | `kept_state_bytes` | 1 MiB | the longest state for each call that may be in flight | the oldest state is not valid any more: error -32602 |
//! | `listens` | 16 | one for each part of a program that wants to hear of changes | error -32000; client: the caller is told `Misuse::TooManySubscriptions` |
//! | `subscribed_uris` | 256 | all that a program has open; 2 MiB of the longest names | error -32000; client: the caller is told `Misuse::TooManyUris` |
//! | `subscribed_topics` | 256 | as for resources | error -32000; client: the caller is told `Misuse::TooManyTopics` |
//! | `notes_queued` | 256 | reports that nobody has read for so long are out of date | the oldest report is not told |
//! | `tasks` | 1,024 | results can be fetched of sixteen times as many as may run | error -32000, unless one has ended and gives way |
//! | `task_bytes` | 64 MiB | 64 KiB for each of so many, or sixteen of the longest results | the same; a result that does not fit fails its task |
//! | `tasks_running` | 64 | as many as the calls that one connection has in flight | error -32000, "busy" |
//! | `task_ttl` | 1 h | a client that has lost its connection is back by then | the task is forgotten: error -32602 |
//! | `task_ttl_max` | 24 h | what has run overnight can be fetched in the morning | the task is told to be kept for this long |
//! | `task_poll_min` | 50 ms | twenty looks a second, should a server say nothing but zero | client: it looks again no sooner |
//! | `task_poll_max` | 60 s | for so long a task's end may go unnoticed | client: it looks again no later |
//! | `page_items` | 100 | most lists are one page, and that is far shorter than a message | a cursor for the rest |
//! | `pages` | 250 | 25,000 items in pages of a hundred; no model reads that many | client: the call fails |
//! | `list_bytes` | 64 MiB | some 2.6 KiB for each item of so many pages | client: the call fails |
//! | `sessions` | 1,024 | those that lie idle take a few MiB; what busy ones may take is below | one that lies idle gives way; else status 503 |
//! | `session_idle` | 30 min | a person's break; who comes later begins anew | the session is over: status 404 |
//! | `replay_events` | 256 | what happens while a client connects again | the oldest cannot be asked for again |
//! | `replay_bytes` | 1 MiB | 4 KiB for each of so many events | the oldest cannot be asked for again |
//! | `sse_after` | 1 s | most calls are done by then, and one piece costs less than a stream | the response is an event stream |
//! | `keep_alive` | 15 s | proxies commonly cut what was silent for 30 s or more | a comment |
//! | `fetches` | 64 | as many as a server is busy with | client: the call waits for its turn |
//! | `connect_timeout` | 10 s | name, route, proxy and TLS, with a lost packet or two | client: the call fails |
//! | `response_head_bytes` | 64 KiB | more than servers commonly send, and than they accept | client: the call fails |
//! | `fetch_retries` | 3 | with growing pauses they take some seconds, as a restart does | client: the call fails |
//! | `resumptions` | 5 | a network that comes and goes; when nothing new comes that often, nothing will | client: the call fails |
//! | `redirects` | 3 | a moved path, a slash at its end and one more | client: the call fails |
//! | `authorizations` | 3 | "a few times", as the specification has it | client: the call fails |
//! | `refusal_bytes` | 64 KiB | an error with its explanation, even as a page | client: the rest is not read |
//! | `annotated_tools` | 1,024 | more tools than a model is shown | client: calls of further tools have no such headers; also where all of them take more than `message_bytes` |
//! | `cache_entries` | 256 | the lists and the resources that a program comes back to | client: the oldest result is asked for again |
//! | `cache_bytes` | 4 MiB | one full message | client: the oldest result is asked for again |
//!
//! # Other numbers
//!
//! What is not in [`Limits`] is fixed, or belongs to one binding: the options of its listeners. Numbers
//! that only say how memory and time are used, such as the sizes of buffers, are not here.
//!
//! | what | at most | why | beyond it |
//! |---|---|---|---|
//! | `HttpListener::max_connections` | 10,000 | idle ones fit into a small machine; the system's limit on descriptors may come first | it waits in the system's queue until another one ends |
//! | `Listener::max_connections` | 10,000; bind-blocking: 1,000 | the same; there each has threads of its own | the same |
//! | `HttpListener::max_threads` of bind-blocking | 256 | four connections' calls in flight; idle connections and streams have none | its request waits for a thread |
//! | threads of handlers that may block, in bind-tokio | 512 | as many as tokio itself starts | the handler begins when another has ended |
//! | wait of a call that is left unread because there is no room | 500 ms, and 10 ms more for each call that ends, up to as much | calls that end quickly all find room; a cancellation behind it waits for no others | error -32000, "busy" |
//! | head of an HTTP request | 64 KiB; hyper: up to twice as much | the names and arguments that newer clients repeat in headers | status 431, and the connection ends |
//! | its headers | 100 | more than clients and proxies add up to | the same |
//! | time for such a head | 30 s | a slow network; not a client that holds a connection on purpose | status 408 or none, and the connection ends |
//! | silence between two requests | 75 s | as with common servers | the connection ends |
//! | time to read the last response | 2 s | a round trip or two | the connection ends |
//! | requests ahead of an answer, in bind-blocking | 16 KiB | a few, and the beginning of the next | they are read once it is answered |
//! | line with a chunk's size, in bind-blocking | 256 bytes | sixteen digits, and an extension that nobody reads | status 400, and the connection ends |
//! | trailers of a request, in bind-blocking | 8 KiB | nobody reads them | the same |
//! | changes that wait for one connection, of each kind | 1,024 | more than a connection may subscribe to, several times over | resources: the list is told to have changed; else it is not told |
//! | states that count once, remembered by `SealedStates` | 65,536 | some 5 MiB | error -32602, until others have expired |
//! | attempts to change a task that others change | 16 | each time somebody else was faster | error -32603 |
//! | words on a task's status | 1,000 characters | every listener is sent them | the rest is cut off |
//! | problems told of one call's arguments | 20 | more than a model mends at once | how many more there are |
//! | piece of an argument that is repeated | 80 bytes | enough to recognise it by | the rest is cut off |
//! | unknown name that is repeated | 200 characters | the same | the rest is cut off |
//! | proposals of one completion | 100 | as the specification has it | how many there are, and that there are more |
//! | URI that is matched with templates | 64 KiB | beyond `name_bytes`, for callers of their own | it matches none |
//! | values in one of its lists | 1,024 | more than a query has | the same |
//! | template, and its variables | 4,096 bytes, 32 | they are our own, and matched with each URI | the server is not built |
//! | annotated parameters of a tool (`x-mcp-header`), and the names of each | 64, 4,096 bytes | as many headers as servers commonly read; many at the end of one long path would each keep all of it | client: the tool is left out; server: it is not built |
//! | session id from a server | 4,096 bytes | it comes back as a header | client: as if there were none |
//! | header of a response that is kept | 8 KiB | as `name_bytes` | client: it is as if it were not there |
//! | body of an HTTP error that is shown | 512 bytes | a sentence or two | client: the rest is not in the error |
//! | pauses between attempts of an HTTP client | 0.5 s, doubled up to 8 s | a restart, and then a longer one | client: the call takes so much longer |
//! | pause that a server may ask for | 60 s | `Retry-After` may say anything | client: it asks again then |
//! | pauses before a stream of changes is opened again | 1 s, doubled up to 60 s | nobody waits for it | client: changes are missed meanwhile, and the lists told to have changed |
//! | pauses before a call that asks nothing is made again | 50 ms, doubled up to 250 ms | a server that wants to be asked again has something to do | client: the call takes so much longer |
//! | shortest pause of an extension's call | 1 ms | no machine keeps a session busy | client: it goes on then |
//! | exchange that stays open after its answer | 1 s | its end may arrive, so that its connection is used again | client: its connection is closed |
//! | last messages of a client that closes | 1 s | cancellations, which are a courtesy | client: they are not sent |
//! | time for a child process to end by itself, and then by SIGTERM | 2 s each | to write what is to be kept | SIGTERM; SIGKILL |
//! | pipes of a child process that has ended | 2 s | what it has written is still on its way | client: as if the pipes were closed |
//! | standard error of a child process | 64 KiB | a panic with its backtrace | client: the beginning is forgotten |
//! | changes of a task that wait for their reader | 64 | a task does not change as often as it makes progress | client: the oldest change is not told |
//!
//! # Memory
//!
//! So much text can a peer make a machine hold, with everything at its limit at once; the structures
//! around it add little.
//!
//! | | at most |
//! |---|---|
//! | a stream of a server | 3 messages of `message_bytes` on their way in, one for each of 2 · `calls_in_flight` + `calls_parked` calls; 2 · `outbound_bytes`; `name_bytes` for each of `subscribed_uris` resources and `subscribed_topics` topics in `listens` + 1 subscriptions; `kept_state_bytes` |
//! | each of `sessions` sessions over HTTP | one message for each of as many calls; 2 · `outbound_bytes`; `name_bytes` for each of `subscribed_uris` resources; 2 · `replay_bytes` |
//! | a client of a stream | 3 messages on their way in, one for each of `client_calls` results and `calls_in_flight` questions; 2 · `outbound_bytes` |
//! | a client over HTTP | as many; 2 messages, or events of `event_bytes`, for each of `fetches` + `calls_in_flight` + `listens` exchanges under way; `cache_bytes`; `message_bytes` of tools whose arguments travel in headers |
//! | each list that a client follows | `list_bytes` |
//! | each exchange of 2026-07-28 with an HTTP server, of which a connection has one at a time | 2 messages; 2 · `outbound_high_water`; `name_bytes` for each of `subscribed_uris` resources and `subscribed_topics` topics |
//! | the tasks of a server | `task_bytes`; 2 messages for each of `tasks_running` |
//! | the states of calls that ask over HTTP | nothing where they are sealed, else what `StoredStates` was given |
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
    /// Longest server-sent event in bytes. 4 MiB: an event carries one message.
    pub event_bytes: usize,
    /// Deepest nesting of arrays and objects. 128: what serde_json allows for typed values.
    pub json_depth: usize,
    /// Longest method name, tool name, URI, cursor or string id, in bytes. 8 KiB: what HTTP servers
    /// commonly accept for a header, in which such a name may have to travel.
    pub name_bytes: usize,
    /// Messages in one batch (2025-03-26 only). 64: as many calls as may be in flight.
    pub batch_messages: usize,

    /// Messages that cannot be read and are answered nevertheless, in a row; then silence. 64:
    /// enough to find a fault by; two machines that take each other's complaints for garbage fall
    /// silent.
    pub rejections: usize,

    /// Calls that handlers may be busy with, for each connection. 64: more than a person or a model
    /// waits for at once; each may hold a thread and a whole message.
    pub calls_in_flight: usize,
    /// Calls that wait for one of those places; on a stream the next one is left unread
    /// while they end quickly; otherwise it is answered "busy". 64: another burst of the same size.
    pub calls_parked: usize,
    /// Bytes of answers waiting for a slow reader before no more requests are read. 256 KiB: more
    /// than a pipe or a local socket takes in, so that a reader's short pause stops nothing.
    pub outbound_high_water: usize,
    /// Bytes of answers waiting at which the connection is given up. 8 MiB: two full messages.
    pub outbound_bytes: usize,
    /// How long a peer may take none of our bytes, while more of them wait, before the connection is
    /// given up. 30 s: a machine that swaps or changes its network is back by then. On a stream, what
    /// was handed to its writer counts once something waits behind it.
    pub outbound_stall: Duration,

    /// Calls of a client that are open, or whose results wait to be taken. 4,096: a burst of a busy
    /// program; more is rather a leak.
    pub client_calls: usize,
    /// How long one call may take. 5 min: slow tools take minutes; what takes longer can report
    /// progress, which extends it.
    pub call_timeout: Duration,
    /// How long one call may take however much progress it reports. 30 min: nobody waits for
    /// longer; such work is a task.
    pub call_timeout_max: Duration,
    /// How long calls may still run once their client has ended its side of the connection. 5 s:
    /// enough for `echo requests | server` to see its answers, too short to keep a process alive.
    pub drain_timeout: Duration,
    /// How long a client waits for the answer to its era probe. 5 s: time for a slow start; older
    /// servers may answer nothing before `initialize`.
    pub probe_timeout: Duration,

    /// Questions asked in rounds within one call. 8: a form, its corrections and some more; a
    /// handler that goes on has a fault.
    pub input_rounds: usize,
    /// Questions in one round. 16: more than anyone would answer at once.
    pub input_requests: usize,
    /// How long the user may take to answer one round. 10 min: people answer slowly.
    pub input_timeout: Duration,
    /// Longest state that a call which asks may have between its rounds, in bytes before it is
    /// sealed. 16 KiB: answers to a few forms, and a header's worth of room to spare.
    pub request_state_bytes: usize,
    /// Bytes of such states that one connection keeps for its client where nothing seals them; the
    /// oldest give way. 1 MiB: the longest state for each call that may be in flight.
    pub kept_state_bytes: usize,

    /// Open subscription streams for each connection. 16: one for each part of a program that wants
    /// to hear of changes.
    pub listens: usize,
    /// Resource URIs in one subscription, or subscribed to in one session. 256: all that a program
    /// has open; 2 MiB of the longest names.
    pub subscribed_uris: usize,
    /// Topics of extensions in one subscription, such as tasks, or followed by one session; and
    /// pages that the client of one session was sent to and that may still be told to be done with
    /// (2025-11-25). 256: as for resources.
    pub subscribed_topics: usize,
    /// Notifications kept for one call or stream before the oldest progress report gives way. 256:
    /// reports that nobody has read for so long are out of date.
    pub notes_queued: usize,

    /// Tasks that one server's store keeps; those that ended first give way to new ones. 1,024:
    /// results can be fetched of sixteen times as many as may run.
    pub tasks: usize,
    /// Bytes of such tasks, their results included. 64 MiB: 64 KiB for each of so many, or sixteen
    /// of the longest results.
    pub task_bytes: usize,
    /// Tasks that one server works on at once; the next one is refused. 64: as many as the calls
    /// that one connection has in flight.
    pub tasks_running: usize,
    /// How long a task is kept from its beginning where nobody says. 1 h: a client that has lost
    /// its connection is back by then.
    pub task_ttl: Duration,
    /// How long a task is kept at most, whatever its client asks for. 24 h: what has run overnight
    /// can be fetched in the morning.
    pub task_ttl_max: Duration,

    /// How long a client waits at least before it looks at a task again, however soon the server
    /// wants it to. 50 ms: twenty looks a second, should a server say nothing but zero.
    pub task_poll_min: Duration,
    /// How long it waits at most, however late the server wants it to. 60 s: for so long a task's
    /// end may go unnoticed.
    pub task_poll_max: Duration,

    /// Items in one page of a list. 100: most lists are one page, and that is far shorter than a
    /// message.
    pub page_items: usize,
    /// Pages that a client follows for one list. 250: 25,000 items in pages of a hundred; no model
    /// reads that many.
    pub pages: usize,
    /// Bytes of such a list, all of its pages together. 64 MiB: some 2.6 KiB for each item of so many
    /// pages.
    pub list_bytes: usize,

    /// Handshake sessions over HTTP. 1,024: those that lie idle take a few MiB; what busy ones may
    /// take is below.
    pub sessions: usize,
    /// How long such a session may lie idle. 30 min: a person's break; who comes later begins anew.
    pub session_idle: Duration,
    /// Events kept for each session's resumable streams. 256: what happens while a client connects
    /// again.
    pub replay_events: usize,
    /// Bytes kept for each session's resumable streams. 1 MiB: 4 KiB for each of so many events.
    pub replay_bytes: usize,
    /// How long an HTTP request may run before its response becomes an event stream. 1 s: most
    /// calls are done by then, and one piece costs less than a stream.
    pub sse_after: Duration,
    /// Silence on an event stream after which a comment keeps it alive. 15 s: proxies commonly cut
    /// what was silent for 30 s or more.
    pub keep_alive: Duration,

    /// Calls that an HTTP client has under way at once; the others wait for their turn. 64: as many
    /// as a server is busy with.
    pub fetches: usize,
    /// How long an HTTP client may take to reach a server. 10 s: name, route, proxy and TLS, with a
    /// lost packet or two.
    pub connect_timeout: Duration,
    /// Longest head of a response that an HTTP client reads. 64 KiB: more than servers commonly
    /// send, and than they accept.
    pub response_head_bytes: usize,
    /// How often an HTTP client tries again what may have failed by accident: no connection, an
    /// overloaded server. 3: with growing pauses they take some seconds, as a restart does.
    pub fetch_retries: usize,
    /// How often a broken stream is resumed without anything new having come. 5: a network that
    /// comes and goes; when nothing new comes that often, nothing will.
    pub resumptions: usize,
    /// Redirects followed for one request. 3: a moved path, a slash at its end and one more.
    pub redirects: usize,
    /// How often one request is repeated with another authorization. 3: "a few times", as the
    /// specification has it.
    pub authorizations: usize,
    /// How much of the body of an HTTP error is read. 64 KiB: an error with its explanation, even
    /// as a page.
    pub refusal_bytes: usize,
    /// Tools whose arguments travel in headers as well, remembered by a client. 1,024: more tools
    /// than a model is shown.
    pub annotated_tools: usize,
    /// Results that a client keeps for as long as their server allows. 256: the lists and the
    /// resources that a program comes back to.
    pub cache_entries: usize,
    /// Bytes of such results. 4 MiB: one full message.
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
            list_bytes: 64 * MIB,
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
