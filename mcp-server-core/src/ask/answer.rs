//! A question that a handler has asked, and what it gets for it.

use alloc::string::String;
use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use mcp_proto::json::Json;

use super::error::AskError;
use crate::{cancel::CancelToken, error::ToolError};

/// A question on its way to the client, as [`Cx::elicit`](crate::Cx::elicit) and its like make it:
/// awaited in an async handler, [`get`](Self::get) in any other.
///
/// Where it was not answered yet, the run of the handler ends there, together with all other
/// questions that were asked until then, and the handler is run again from its beginning once they
/// are answered. So ask first and act then; what must happen before a question, and once only, goes
/// into [`Cx::once`](crate::Cx::once).
///
/// To ask several questions at once, ask them before waiting for the first answer, or `join` them.
#[must_use = "nobody is asked before the answer is waited for, with `.await` or `.get()?`"]
pub struct Ask<T> {
    asked: Result<(CancelToken, usize), AskError>,
    read: fn(&Json) -> Option<T>,
}

impl<T> Ask<T> {
    pub(super) fn new(
        asked: Result<(CancelToken, usize), AskError>,
        read: fn(&Json) -> Option<T>,
    ) -> Self {
        Self { asked, read }
    }

    /// Sets the key under which the client sees the question from 2026-07-28 on, and must not be
    /// that of another question of this call. By default it is derived from the question itself, so
    /// that a question that changes is another one.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        if let Ok((call, number)) = &self.asked {
            let set = call.asks().open(None).set_key(*number, key.into());
            if let Err(error) = set {
                self.asked = Err(error);
            }
        }
        self
    }

    /// Names the elicitation, so that its client can be told when
    /// [it is complete](crate::ServerHandle::elicitation_complete) (2025-11-25). For
    /// [`elicit_url`](crate::Cx::elicit_url); nothing else has such an id, nor has any other
    /// revision. It must be unique within the server, and the same in each run of the handler, so
    /// that [`Cx::once`](crate::Cx::once) is the place to draw it in.
    ///
    /// ```
    /// use mcp_server_core::{Cx, ToolError};
    /// # fn new_ticket() -> String { "t-1".into() }
    ///
    /// fn connect(cx: &Cx) -> Result<&'static str, ToolError> {
    ///     let ticket: String = cx.once("ticket", new_ticket)?;
    ///     let page = format!("https://example.com/connect?ticket={ticket}");
    ///     cx.elicit_url("Connect your account", page).elicitation_id(&ticket).get()?.required()?;
    ///     // Whatever serves the page calls `handle.elicitation_complete(ticket)` in the end.
    ///     Ok("connect your account on the page that was opened")
    /// }
    ///
    /// # use mcp_server_core::mcp_proto::{json::Json, types::ElicitResult};
    /// # let cx = Cx::detached().answering(|_| Json::new(&ElicitResult::accept(Json::empty_object())).ok());
    /// # connect(&cx).unwrap();
    /// ```
    pub fn elicitation_id(self, id: impl Into<String>) -> Self {
        if let Ok((call, number)) = &self.asked {
            call.asks()
                .open(None)
                .set_elicitation_id(*number, id.into());
        }
        self
    }

    /// The answer, where the client has given one; else the error that ends this run of the
    /// handler.
    ///
    /// # Errors
    /// See [`AskError`]; to be passed on with `?`.
    pub fn get(self) -> Result<T, AskError> {
        match self.look()? {
            Some(answer) => Ok(answer),
            None => {
                if let Ok((call, _)) = &self.asked {
                    call.asks().interrupt();
                }
                Err(AskError::Unanswered)
            }
        }
    }

    fn look(&self) -> Result<Option<T>, AskError> {
        let (call, number) = self.asked.as_ref().map_err(Clone::clone)?;
        let mut book = call.asks().open(None);
        let answer = match book.answer(*number) {
            None => return Ok(None),
            Some(Ok(answer)) => (self.read)(answer),
            Some(Err(error)) => return Err(AskError::Refused(error.clone())),
        };
        if answer.is_none() {
            book.reject(*number);
        }
        Ok(answer)
    }
}

impl<T> Future for Ask<T> {
    type Output = Result<T, AskError>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        match self.look() {
            Ok(Some(answer)) => Poll::Ready(Ok(answer)),
            Err(error) => Poll::Ready(Err(error)),
            Ok(None) => match &self.asked {
                // Whoever runs the handler drops it here: nothing that follows is run in vain.
                Ok((call, _)) if call.asks().interrupt() => Poll::Pending,
                _ => Poll::Ready(Err(AskError::Unanswered)),
            },
        }
    }
}

impl<T> fmt::Debug for Ask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = self.asked.as_ref().map(|(_, number)| number);
        f.debug_struct("Ask")
            .field("asked", &asked)
            .finish_non_exhaustive()
    }
}

/// What a person did with a question.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "to be matched by handlers, and all there is"
)]
pub enum Elicited<T> {
    /// Answered it.
    Accepted(T),
    /// Said no.
    Declined,
    /// Closed it without an answer.
    Cancelled,
}

impl<T> Elicited<T> {
    /// The answer, where there is one.
    #[must_use]
    pub fn accepted(self) -> Option<T> {
        match self {
            Self::Accepted(answer) => Some(answer),
            _ => None,
        }
    }

    /// The answer; where there is none, the error that tells the model so.
    ///
    /// # Errors
    /// A [`ToolError`] that the model may read.
    pub fn required(self) -> Result<T, ToolError> {
        match self {
            Self::Accepted(answer) => Ok(answer),
            Self::Declined => Err(ToolError::new("the user declined to answer")),
            Self::Cancelled => Err(ToolError::new("the user closed the question")),
        }
    }

    /// The answer turned into something else.
    #[must_use]
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> Elicited<U> {
        match self {
            Self::Accepted(answer) => Elicited::Accepted(turn(answer)),
            Self::Declined => Elicited::Declined,
            Self::Cancelled => Elicited::Cancelled,
        }
    }
}
