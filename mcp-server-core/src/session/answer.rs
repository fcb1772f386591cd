//! Answers on their way into the outbox, or into the batch that they are part of.

use alloc::vec::Vec;
use mcp_proto::{
    encode::{self, EncodeFields},
    meta::keys,
    rpc::{self, Rejected, RpcError, codes},
    version::{Era, ProtocolVersion},
};

use super::{
    Arrival, Session,
    batch::BatchId,
    offers::Offers,
    open::Address,
    outbox::{Sent, SentKind},
};
use crate::call::{Event, PeerFault};

impl Session {
    /// Answers with a result as `version` writes it.
    pub(super) fn answer_result<T: EncodeFields>(
        &mut self,
        to: &Address,
        version: ProtocolVersion,
        offers: &dyn Offers,
        result: &T,
    ) {
        self.answer(to, None, |out| {
            rpc::write_result(out, &to.id, |out| {
                write_result(out, version, offers, result);
            });
        });
    }

    /// Answers with an error.
    pub(super) fn answer_error(&mut self, to: &Address, error: &RpcError) {
        self.answer(to, Some(error.code), |out| {
            rpc::write_error(out, Some(&to.id), error);
        });
    }

    pub(super) fn answer(
        &mut self,
        to: &Address,
        error: Option<i32>,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let Some(batch) = to.batch else {
            let sent = Sent {
                origin: Some(to.origin),
                kind: SentKind::Answer { error },
            };
            self.out.put(sent, self.now, write);
            return;
        };
        self.batches.add(batch, write);
        self.leave_batch(batch);
    }

    /// One answer less is missing in that batch.
    pub(super) fn leave_batch(&mut self, batch: BatchId) {
        if let Some((origin, answers)) = self.batches.leave(batch) {
            let sent = Sent {
                origin: Some(origin),
                kind: SentKind::Answer { error: None },
            };
            self.out
                .put(sent, self.now, |out| out.extend_from_slice(&answers));
        }
    }

    /// Writes a notification that belongs to a request.
    pub(super) fn notify(&mut self, origin: Option<u32>, write: impl FnOnce(&mut Vec<u8>)) {
        self.out.put(
            Sent {
                origin,
                kind: SentKind::Notice,
            },
            self.now,
            write,
        );
    }

    /// Tells the peer that it sent something that is no message, if anything it sent asks for an
    /// answer at all.
    ///
    /// Two machines that complain about each other's complaints would never end: what looks like a
    /// response or notification is not answered, and of unreadable messages in a row only
    /// [`Limits::rejections`](mcp_proto::limits::Limits::rejections).
    pub(crate) fn reject(&mut self, rejected: Rejected, arrival: &Arrival<'_>) {
        let Rejected {
            id, error, unasked, ..
        } = rejected;
        self.rejected = self.rejected.saturating_add(1);
        let answer = !unasked && self.rejected <= self.limits.rejections;
        let null_id = self.shows_unreadable_id(&error);
        if let (true, Some(id)) = (answer, id) {
            let to = Address {
                id,
                origin: arrival.origin,
                batch: arrival.batch,
            };
            if let Some(batch) = arrival.batch {
                self.batches.join(batch);
            }
            self.answer_error(&to, &error);
        } else if let (true, Some(null_id)) = (answer, null_id) {
            self.answer_without_id(&error, null_id, arrival);
        }
        self.events
            .push_back(Event::Fault(PeerFault::NotRpc(error)));
    }

    fn answer_without_id(&mut self, error: &RpcError, null_id: bool, arrival: &Arrival<'_>) {
        let write = |out: &mut Vec<u8>| {
            if null_id {
                return rpc::write_error(out, None, error);
            }
            out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"error\":");
            error.write_to(out);
            out.push(b'}');
        };
        match arrival.batch {
            Some(batch) => self.batches.add(batch, write),
            None => {
                let kind = SentKind::Answer {
                    error: Some(error.code),
                };
                self.out.put(
                    Sent {
                        origin: Some(arrival.origin),
                        kind,
                    },
                    self.now,
                    write,
                );
            }
        }
    }

    // How an error is answered whose request's id could not be read: with a null id (`true`),
    // without any (`false`), or not at all. JSON-RPC 2.0 has null. The schemas forbid it; those
    // since 2025-11-25 let the member be absent, those before it require an id, so that there only
    // what could not be parsed is answered at all.
    fn shows_unreadable_id(&self, error: &RpcError) -> Option<bool> {
        match self.spoken {
            None => Some(true),
            Some(version) if version >= ProtocolVersion::V2025_11_25 => Some(false),
            Some(_) => (error.code == codes::PARSE_ERROR).then_some(true),
        }
    }
}

/// Writes a result's object, with what the stateless era adds to every result's `_meta`.
pub(super) fn write_result<T: EncodeFields>(
    out: &mut Vec<u8>,
    version: ProtocolVersion,
    offers: &dyn Offers,
    result: &T,
) {
    match version.era() {
        Era::Stateless => {
            // 2026-07-28, basic/index, `_meta`: servers SHOULD name themselves in every result.
            let server = [(keys::SERVER_INFO, offers.info_json())];
            encode::write_with_meta(result, out, version, &server);
        }
        _ => encode::write_object(result, out, version),
    }
}
