//! Parameters that are JSON text already.

use alloc::string::String;

use mcp_proto::{
    encode::{EncodeFields, Object},
    json::Json,
    types::{InputResponses, Map, Meta},
};

/// The members of a JSON object, written again as parameters; `_meta` is merged with the reserved
/// members.
#[derive(Debug, Clone)]
pub(crate) struct RawParams {
    members: Map<Json>,
    meta: Option<Meta>,
}

impl RawParams {
    pub(crate) fn read(params: &str) -> Result<Self, serde_json::Error> {
        let mut members: Map<Json> = serde_json::from_str(params)?;
        let meta = members.remove("_meta").map(|meta| meta.to()).transpose()?;
        Ok(Self { members, meta })
    }

    /// With answers to a server's questions, in place of any there were.
    ///
    /// 2026-07-28, basic/utilities/mrtr: the retry has the same parameters, the answers, and
    /// exactly the state that came with the questions, or none where none came.
    pub(crate) fn answered(
        mut self,
        answers: &InputResponses,
        state: Option<&String>,
    ) -> Result<Self, serde_json::Error> {
        for (name, value) in [
            (
                "inputResponses",
                (!answers.is_empty()).then(|| Json::new(answers)),
            ),
            ("requestState", state.map(Json::new)),
        ] {
            self.members.remove(name);
            if let Some(value) = value {
                self.members.insert(name, value?);
            }
        }
        Ok(self)
    }
}

impl EncodeFields for RawParams {
    fn encode_fields(&self, object: &mut Object<'_>) {
        for (name, value) in self.members.iter() {
            object.raw(name, value.as_str());
        }
        object.meta(self.meta.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use mcp_proto::{encode::write_with_meta, version::ProtocolVersion};

    fn written(params: &RawParams) -> String {
        let mut out = Vec::new();
        let reserved = [("progressToken", "7"), ("a", "2")];
        write_with_meta(params, &mut out, ProtocolVersion::LATEST, &reserved);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_retry_has_the_same_parameters_and_exactly_the_last_state() {
        let kept = r#"{"name":"x","requestState":"old","inputResponses":{"q":0},"_meta":{"a":1}}"#;
        let params = RawParams::read(kept).unwrap();
        let mut answers = InputResponses::new();
        let none = params.clone().answered(&answers, None).unwrap();
        assert_eq!(
            written(&none),
            r#"{"name":"x","_meta":{"a":1,"progressToken":7}}"#
        );
        answers.insert("k", Json::parse("{}").unwrap());
        let state = String::from("\"\u{1}é");
        let both = params.answered(&answers, Some(&state)).unwrap();
        assert_eq!(
            written(&both),
            "{\"name\":\"x\",\"inputResponses\":{\"k\":{}},\"requestState\":\"\\\"\\u0001é\",\
             \"_meta\":{\"a\":1,\"progressToken\":7}}"
        );
        assert!(RawParams::read("[1]").is_err());
    }
}
