//! What streams are asked to tell, topics of extensions included.

use alloc::{string::String, vec::Vec};

use mcp_proto::{
    encode::{EncodeFields, Object},
    json::Json,
    types::{Map, SubscriptionFilter},
};

use crate::event::Change;

/// Parameters of `subscriptions/listen`.
#[derive(Clone)]
pub(crate) struct Listen {
    filter: SubscriptionFilter,
    // The member that lists them, and one of them.
    topics: Vec<(String, String)>,
}

impl Listen {
    pub(crate) fn new(filter: SubscriptionFilter, topics: Vec<(String, String)>) -> Self {
        Self { filter, topics }
    }
}

impl EncodeFields for Listen {
    fn encode_fields(&self, object: &mut Object<'_>) {
        let (out, version) = object.key("notifications");
        let mut filter = Object::new(out, version);
        self.filter.encode_fields(&mut filter);
        let mut fields: Vec<&str> = self.topics.iter().map(|(field, _)| &**field).collect();
        fields.sort_unstable();
        fields.dedup();
        for field in fields {
            let topics = self.topics.iter().filter(|(of, _)| of == field);
            let topics: Vec<String> = topics.map(|(_, topic)| topic.clone()).collect();
            filter.field(field, &topics);
        }
        filter.end();
        object.meta(None);
    }
}

/// The topics that an acknowledgement, given as JSON text, lists under `field`.
pub(crate) fn listed(acknowledged: &str, field: &str) -> Option<Vec<String>> {
    let params: Map<Json> = serde_json::from_str(acknowledged).ok()?;
    let granted: Map<Json> = params.get("notifications")?.to().ok()?;
    granted.get(field)?.to().ok()
}

/// Everything that may have changed of what a server grants.
pub(crate) fn changes_of(granted: &SubscriptionFilter) -> impl Iterator<Item = Change> + use<'_> {
    let lists = [
        granted.tools_list_changed.then_some(Change::Tools),
        granted.prompts_list_changed.then_some(Change::Prompts),
        granted.resources_list_changed.then_some(Change::Resources),
    ];
    let resources = granted
        .resource_subscriptions
        .iter()
        .map(|uri| Change::Resource(uri.as_str().into()));
    lists.into_iter().flatten().chain(resources)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use mcp_proto::{encode::write_with_meta, version::ProtocolVersion};

    #[test]
    fn topics_stand_beside_what_the_specification_knows() {
        let mut filter = SubscriptionFilter::default();
        filter.tools_list_changed = true;
        let topic = |field: &str, topic: &str| (String::from(field), String::from(topic));
        let topics = vec![topic("b", "1"), topic("a", "2"), topic("b", "3")];
        let mut out = Vec::new();
        let listen = Listen::new(filter, topics);
        write_with_meta(&listen, &mut out, ProtocolVersion::LATEST, &[]);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            r#"{"notifications":{"toolsListChanged":true,"a":["2"],"b":["1","3"]}}"#
        );
        assert_eq!(listed(&text, "b").unwrap(), ["1", "3"]);
        assert_eq!(listed(&text, "c"), None);
    }
}
