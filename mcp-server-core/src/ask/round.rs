//! One run of a handler, from outside.

#[cfg(not(feature = "std"))]
use core::future::Future;

use crate::{call::Outcome, cx::Cx};

/// A run of a handler, to be asked afterwards whether a question has stopped it. What the handler
/// has returned does not count then: whatever it makes of the error, the answer is what it lacked.
#[derive(Debug)]
pub(crate) struct Round {
    #[cfg(feature = "std")]
    call: crate::cancel::CancelToken,
}

#[cfg(feature = "std")]
impl Round {
    pub(crate) fn of(cx: &Cx) -> Self {
        Self {
            call: cx.cancel_token().clone(),
        }
    }

    /// Ends the run: what is to be asked, or else the outcome that the handler's result makes.
    pub(crate) fn end(&self, outcome: impl FnOnce() -> Outcome) -> Outcome {
        match self.call.asks().need() {
            Some(need) => Outcome::NeedInput(need),
            None => outcome(),
        }
    }

    /// Runs a future until it is done, or waits for an answer that is not there. It is boxed as it
    /// is: each async block around it would move the handler's future once more.
    pub(crate) async fn run<F: Future>(
        self,
        future: F,
        outcome: impl FnOnce(F::Output) -> Outcome,
    ) -> Outcome {
        use core::{
            pin::pin,
            task::{Context, Poll},
        };
        let asks = self.call.asks();
        asks.may_drop();
        let mut future = pin!(future);
        let poll = |context: &mut Context<'_>| match future.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending => {
                // Before the look, so that a question which is asked after it is noticed.
                asks.set_runner(context.waker());
                match asks.is_interrupted() {
                    true => Poll::Ready(None),
                    false => Poll::Pending,
                }
            }
        };
        match core::future::poll_fn(poll).await {
            Some(result) => self.end(|| outcome(result)),
            None => self
                .end(|| Outcome::Fail(mcp_proto::rpc::RpcError::internal("no question was asked"))),
        }
    }
}

/// Without std nothing can be asked through a `Cx`.
#[cfg(not(feature = "std"))]
impl Round {
    pub(crate) fn of(_: &Cx) -> Self {
        Self {}
    }

    pub(crate) fn end(&self, outcome: impl FnOnce() -> Outcome) -> Outcome {
        outcome()
    }

    pub(crate) async fn run<F: Future>(
        self,
        future: F,
        outcome: impl FnOnce(F::Output) -> Outcome,
    ) -> Outcome {
        outcome(future.await)
    }
}
