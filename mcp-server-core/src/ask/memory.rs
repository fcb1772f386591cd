//! What a call remembers from one run to the next.

use alloc::{string::String, vec::Vec};
use mcp_proto::{json::Json, rpc::RpcError, types::Map};
use serde::{Deserialize, Serialize};

/// What was asked, answered and done in earlier runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Memory {
    #[serde(rename = "q", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) asked: Vec<Asked>,
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) answered: Vec<Answered>,
    /// The results of side effects.
    #[serde(rename = "o", default, skip_serializing_if = "Map::is_empty")]
    pub(super) once: Map<Json>,
}

/// A question that is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Asked {
    #[serde(rename = "k")]
    pub(super) key: String,
    /// The whole of it: an answer counts for this very question only.
    #[serde(rename = "q")]
    pub(super) question: Json,
}

/// An answer, with the question that it answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Answered {
    #[serde(rename = "k")]
    pub(super) key: String,
    #[serde(rename = "q")]
    pub(super) question: Json,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    result: Option<Json>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    error: Option<(i32, String, Option<Json>)>,
}

impl Answered {
    pub(super) fn new(asked: Asked, answer: Result<Json, RpcError>) -> Self {
        let (result, error) = match answer {
            Ok(result) => (Some(result), None),
            Err(error) => (
                None,
                Some((error.code, error.message.into_owned(), error.data)),
            ),
        };
        Self {
            key: asked.key,
            question: asked.question,
            result,
            error,
        }
    }

    pub(super) fn answer(&self) -> Result<Json, RpcError> {
        match (&self.result, &self.error) {
            (_, Some((code, message, data))) => {
                let mut error = RpcError::new(*code, message.clone());
                error.data.clone_from(data);
                Err(error)
            }
            (Some(result), None) => Ok(result.clone()),
            (None, None) => Ok(Json::null()),
        }
    }
}
