//! A world in which real clients and real servers meet over faulty links.
//!
//! ```text
//!   Program ─ Client ═════ Pipe, Pipe ═════ Conn ──────────┐               ┌─ handlers that wait,
//!   Program ─ HttpClient ═ Network ═ Exchange, HttpServer ─┴─ one Service ─┤  panic, never end
//!       │                    │                  │                          └─ a registry that is
//!       └─────── Book ──── Judge ───────────────┘   one virtual clock         swapped
//!
//!   Holder ─ messages ═ Conn ─ Tasks ─ Drive ═ Disk    a process that ends, a disk that stays
//! ```
//!
//! Both ends are the machines that everybody uses; the world is what lies between and around them.
//! It is a machine itself: no I/O, no clock, no threads, and the same [`Scenario`] gives the same
//! run to the last byte.
//!
//! After every step these laws are checked. What they say of a call, they say of every request.
//!
//! | law | where |
//! | --- | --- |
//! | S1 a request gets at most one answer, with its id, and a caller its own and once | `judge`, `program` |
//! | S2 nothing for a call after its cancellation was processed; over HTTP its outcome is discarded | `judge`, `steps` |
//! | S3 progress grows, and is for calls that are open and asked for it | `judge` |
//! | S4 a subscription's acknowledgement comes first, and only what was asked for comes after | `judge`, `program` |
//! | S5 nothing is asked of a client that it did not declare, by request or in a result | `judge` |
//! | S6 handlers at work, bytes, questions, sessions and tasks stay within the limits | `world`, `stream`, `office` |
//! | S7 after `handle_timeout(t)` the next deadline lies after `t`; nothing moves for ever | `world`, `web` |
//! | S8 never is something owed with nothing to wait for | `rest` |
//! | S9 how bytes are cut changes nothing | `replay` |
//! | S10 the same scenario has the same trace | `tests/laws.rs`, `world-run` |
//! | S11 handlers that ask are told the same in every era, and only what was answered to them; what they do once is done once | `eras`, `asks`, `forge` |
//! | S13 what was asked before its client's input ended gets `drain_timeout` to come to its end | `steps`, `stream` |
//! | T1 a task that a client was told of is found until its time is over, whatever processes end | `holder` |
//! | T2 what has ended never changes, nor what it has come to | `holder` |
//! | T3 a task comes to what its own call has come to | `holder` |
//! | T4 what was cancelled is at work no more, once that was acknowledged | `holder` |
//! | T5 after its process has ended nothing is said to be worked on; what waits for answers still does | `holder` |
//! | C1 what a client has kept it shows no longer than it may | `kept` |
//! | C2 nor once it was told of a newer version | `kept` |
//! | C3 nor to anybody but whom it was made for | `kept` |
//! | R1 an event comes through to a client once, and after those before it | `shelf` |
//! | R2 a client resumes a stream from the last event that came through | `shelf` |
//! | R3 a stream that is resumed passes over nothing that is kept | `network` |
//! | R4 a program is told each report once | `program` |
//! | where nothing was lost or added, no machine complains about the other | `stream`, `program` |
//!
//! There is no S12: the machines have no log that an error could stand in.
//!
//! Then all faults are switched off, handlers end and users answer, or none ever does:
//!
//! | law | |
//! | --- | --- |
//! | L1 | every call and every task ends in bounded time, and a new call succeeds |
//! | L2 | every subscription, one that was opened again too, sees the next change |
//!
//! At last everything is closed, and nothing may be left.
//!
//! A scenario that breaks a law panics with the law's name. [`find_fault`] catches that, and
//! [`shrink`] looks for the shortest scenario that has the same fault.

mod asks;
mod breaks;
mod calls;
mod disk;
mod eras;
mod faults;
mod forge;
mod handlers;
mod holder;
mod judge;
mod kept;
mod machine;
mod network;
mod office;
mod pipe;
mod program;
mod replay;
mod rest;
mod scenario;
mod shelf;
mod shrink;
mod steps;
mod stream;
mod trace;
mod web;
mod world;

/// Law: all of them hold, whatever the scenario. The body of the fuzz target.
pub fn fuzz(input: &[u8]) {
    let options = Options {
        replayed: true,
        ..Options::default()
    };
    let _ = run(&Scenario::from_bytes(input), options);
}

pub use breaks::{Break, Unfit};
pub use eras::eras_agree;
pub use scenario::{Pick, Scenario, Setup, Step};
pub use shrink::{find_fault, shrink, tell};
pub use world::{Options, Plant, Report, run};
