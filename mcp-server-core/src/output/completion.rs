//! What a completion returns.

use alloc::{string::String, vec::Vec};
use mcp_proto::types::Completion;

use crate::error::ToolError;

/// Proposals for an argument. Of more than a hundred, the first hundred are sent, and how many
/// there were.
#[diagnostic::on_unimplemented(
    message = "a completion cannot return `{Self}`",
    label = "these are no proposals",
    note = "return a `Vec` or array of text, a `Completion`, or a `Result` of one of them"
)]
pub trait IntoCompletion: Sized {
    /// The proposals to send.
    ///
    /// # Errors
    /// What the handler failed with.
    fn into_completion(self) -> Result<Completion, ToolError>;
}

impl IntoCompletion for Completion {
    fn into_completion(mut self) -> Result<Completion, ToolError> {
        if self.values.len() > Completion::MOST {
            let total = self.total.unwrap_or(self.values.len() as u64);
            self.values.truncate(Completion::MOST);
            (self.total, self.has_more) = (Some(total), Some(true));
        }
        Ok(self)
    }
}

impl<T: Into<String>> IntoCompletion for Vec<T> {
    fn into_completion(self) -> Result<Completion, ToolError> {
        Ok(Completion::new(self.into_iter().map(Into::into).collect()))
    }
}

impl<T: Into<String>, const N: usize> IntoCompletion for [T; N] {
    fn into_completion(self) -> Result<Completion, ToolError> {
        Vec::from(self).into_completion()
    }
}

impl<T: IntoCompletion, E: Into<ToolError>> IntoCompletion for Result<T, E> {
    fn into_completion(self) -> Result<Completion, ToolError> {
        self.map_err(Into::into)?.into_completion()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_hundred_proposals_are_sent_at_most() {
        let numbers = |count: u32| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
        let all = numbers(100).into_completion().unwrap();
        assert_eq!(
            (all.values.len(), all.total, all.has_more),
            (100, None, None)
        );
        let mut whole = Completion::default();
        whole.values = numbers(101);
        for some in [numbers(101).into_completion(), whole.into_completion()] {
            let some = some.unwrap();
            assert_eq!(
                (some.values.len(), some.total, some.has_more),
                (100, Some(101), Some(true))
            );
        }
    }

    #[test]
    fn an_array_is_a_list_and_a_failure_is_passed_on() {
        let proposed = ["a", "b"].into_completion().unwrap();
        assert_eq!(
            proposed,
            Completion::new(alloc::vec!["a".into(), "b".into()])
        );
        let whole = Ok::<_, ToolError>(proposed.clone()).into_completion();
        assert_eq!(whole.unwrap(), proposed);
        let failed = Err::<[&str; 0], _>(ToolError::new("no idea")).into_completion();
        assert_eq!(failed.unwrap_err().to_string(), "no idea");
    }
}
