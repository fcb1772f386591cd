//! Clients that bring back what a call has to remember, when and where they should not.

use mcp_proto::{json::Json, version::Era};
use serde_json::{Map, Value};

use crate::{
    asks,
    judge::Given,
    scenario::Pick,
    world::{Link, World},
};

impl World {
    /// A client brings a state back that it, or the other one, was given: as it is, changed, or
    /// for something else.
    pub(crate) fn forge(&mut self, client: Pick, how: Pick) {
        let at = usize::from(client.0) % self.pairs.len();
        let states = self.pairs.iter().flat_map(|pair| match &pair.link {
            Link::Stream(stream) => &stream.judge.states,
            Link::Http(network) => &network.judge.states,
        });
        let states: Vec<Given> = states.cloned().collect();
        let Some(chosen) = Pick(how.0 / 4).among(states.len()) else {
            return;
        };
        let given = &states[chosen];
        let mut params = match serde_json::from_str(&given.params) {
            Ok(Value::Object(params)) => params,
            other => panic!("a call has parameters: {other:?}"),
        };
        params.remove("_meta");
        let mut state = given.state.clone();
        let number = match how.0 % 4 {
            1 => {
                change(&mut state);
                None
            }
            2 => {
                self.numbers += 1;
                Some(self.numbers)
            }
            _ => None,
        };
        let changed = how.0 % 4 == 1 || number.is_some_and(|number| readdress(&mut params, number));
        params.insert("requestState".to_owned(), state.into());
        let answers = params
            .entry("inputResponses")
            .or_insert_with(|| Map::new().into());
        if let Value::Object(answers) = answers {
            // Under a key of the handler's own it would answer what is asked now.
            answers.remove(asks::KEY);
            answers.insert("nobody".to_owned(), Value::Object(Map::new()));
        }
        let params = Json::new(&params).expect("it is JSON");
        let by = match &self.pairs[at].link {
            Link::Http(network) => &network.judge,
            Link::Stream(stream) => &stream.judge,
        };
        let is_same_subject = by.subject == given.subject;
        let server = self.pairs[at].program.machine.session().server();
        let changed = changed || !is_same_subject;
        // In older revisions these are members without a meaning.
        let counts = server.is_some_and(|server| server.version.era() == Era::Stateless);
        let method = given.method.clone();
        // There it is the same call once more.
        self.repeats |= !counts;
        let program = &mut self.pairs[at].program;
        // Its questions may come to nothing.
        program.unkind = true;
        program.forge(
            &method,
            &params,
            number.unwrap_or(0),
            changed && counts,
            self.now,
        );
    }
}

/// Makes something else of a state, which must not be good for anything then.
fn change(state: &mut String) {
    let middle = state.len() / 2;
    if middle < 20 {
        // A number, under which another state could be kept.
        state.push('x');
        return;
    }
    let other = if state[middle..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    state.replace_range(middle..=middle, other);
}

/// Makes the same call of another number. Tells whether it could.
fn readdress(params: &mut Map<String, Value>, number: u32) -> bool {
    if let Some(Value::Object(arguments)) = params.get_mut("arguments") {
        let number = match arguments.get("n") {
            Some(Value::String(_)) => Value::from(number.to_string()),
            _ => Value::from(number),
        };
        arguments.insert("n".to_owned(), number);
        return true;
    }
    let Some(Value::String(uri)) = params.get_mut("uri") else {
        return false;
    };
    let Some(end) = uri.rfind('/') else {
        return false;
    };
    uri.truncate(end + 1);
    *uri += &number.to_string();
    true
}
