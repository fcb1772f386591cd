//! What a prompt returns.

use alloc::{borrow::Cow, boxed::Box, string::String, vec, vec::Vec};
use mcp_proto::types::{ContentBlock, GetPromptResult, PromptMessage};

use super::{Audio, Image};
use crate::error::ToolError;

/// A value that a prompt may consist of: text, said by the user; one message or several; or a
/// whole result.
#[diagnostic::on_unimplemented(
    message = "a prompt cannot return `{Self}`",
    label = "this is no prompt",
    note = "return text, a `PromptMessage`, a `Vec` of them, a `GetPromptResult`, or a `Result` of one of them"
)]
pub trait IntoPromptResult: Sized {
    /// The result to send.
    ///
    /// # Errors
    /// What the handler failed with.
    fn into_prompt_result(self) -> Result<GetPromptResult, ToolError>;
}

impl IntoPromptResult for GetPromptResult {
    fn into_prompt_result(self) -> Result<GetPromptResult, ToolError> {
        Ok(self)
    }
}

impl IntoPromptResult for PromptMessage {
    fn into_prompt_result(self) -> Result<GetPromptResult, ToolError> {
        Ok(GetPromptResult::new(vec![self]))
    }
}

impl<T: Into<PromptMessage>> IntoPromptResult for Vec<T> {
    fn into_prompt_result(self) -> Result<GetPromptResult, ToolError> {
        Ok(GetPromptResult::new(
            self.into_iter().map(Into::into).collect(),
        ))
    }
}

impl<T: Into<PromptMessage>, const N: usize> IntoPromptResult for [T; N] {
    fn into_prompt_result(self) -> Result<GetPromptResult, ToolError> {
        Vec::from(self).into_prompt_result()
    }
}

macro_rules! said_by_the_user {
    ($($ty:ty),*) => {$(
        impl IntoPromptResult for $ty {
            fn into_prompt_result(self) -> Result<GetPromptResult, ToolError> {
                PromptMessage::user(ContentBlock::from(self)).into_prompt_result()
            }
        }
    )*};
}
said_by_the_user!(&str, String, Image, Audio, ContentBlock);

impl IntoPromptResult for Cow<'_, str> {
    fn into_prompt_result(self) -> Result<GetPromptResult, ToolError> {
        self.into_owned().into_prompt_result()
    }
}

impl IntoPromptResult for Box<str> {
    fn into_prompt_result(self) -> Result<GetPromptResult, ToolError> {
        self.into_string().into_prompt_result()
    }
}

impl<T: IntoPromptResult, E: Into<ToolError>> IntoPromptResult for Result<T, E> {
    fn into_prompt_result(self) -> Result<GetPromptResult, ToolError> {
        self.map_err(Into::into)?.into_prompt_result()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_proto::types::Role;

    fn said(value: impl IntoPromptResult) -> Vec<(Role, String)> {
        let messages = value.into_prompt_result().unwrap().messages;
        messages
            .iter()
            .map(|message| (message.role, message.content.as_text().unwrap().into()))
            .collect()
    }

    #[test]
    fn text_is_said_by_the_user_and_messages_stay_as_they_are() {
        assert_eq!(said("hi"), [(Role::User, "hi".into())]);
        assert_eq!(
            said(Ok::<_, ToolError>(String::from("hi"))),
            [(Role::User, "hi".into())]
        );
        let messages = [PromptMessage::user("a"), PromptMessage::assistant("b")];
        assert_eq!(
            said(messages),
            [(Role::User, "a".into()), (Role::Assistant, "b".into())]
        );
    }

    #[test]
    fn whatever_a_message_can_be_made_of_is_a_prompt() {
        let hi = [(Role::User, String::from("hi"))];
        assert_eq!(said(alloc::borrow::Cow::Borrowed("hi")), hi);
        assert_eq!(said(Box::<str>::from("hi")), hi);
        assert_eq!(said(ContentBlock::text("hi")), hi);
        assert_eq!(said(PromptMessage::user("hi")), hi);
        assert_eq!(said(vec![PromptMessage::user("hi")]), hi);
        assert_eq!(
            said(GetPromptResult::new(vec![PromptMessage::user("hi")])),
            hi
        );
        let shown = |value: Result<GetPromptResult, ToolError>| {
            let mut messages = value.unwrap().messages;
            assert_eq!((messages.len(), messages[0].role), (1, Role::User));
            messages.remove(0).content
        };
        let image = Image::png([1]);
        assert_eq!(shown(image.clone().into_prompt_result()), image.into());
        let sound = Audio::wav([1]);
        assert_eq!(shown(sound.clone().into_prompt_result()), sound.into());
        assert!(
            Err::<&str, _>(ToolError::new("no"))
                .into_prompt_result()
                .is_err()
        );
    }
}
