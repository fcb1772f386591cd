//! A recorded connection to somebody else's server, and the use of all that it offers.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mcp_client_core::http::Endpoint;
use mcp_client_core::{ClientBuilder, Options};
use mcp_proto::uri::UriTemplate;
use mcp_tests::clients::{AnyClient, Kind};
use mcp_tests::peers;
use mcp_tests::schema::Schemas;
use mcp_tests::served::Served;
use mcp_tests::transcript::{self, Side};
use serde_json::Value;

use crate::offers::{Offer, Outcome};
use crate::peer::Place;

/// A client of ours and a server of theirs.
pub(crate) struct Visit {
    pub(crate) client: Box<dyn AnyClient>,
    pub(crate) log: PathBuf,
    recorder: Option<Served>,
    problems: Vec<String>,
}

impl Visit {
    pub(crate) fn start(
        kind: Kind,
        server: Place<'_>,
        label: &str,
        builder: ClientBuilder,
    ) -> Self {
        let log = peers::scratch(&format!("{kind:?}-{label}-{server}.jsonl"));
        let (client, recorder) = match server {
            Place::Pipe(peer) => (kind.spawn(builder, peer.recorded(&log)), None),
            Place::Http(running) => {
                let recorder = Served::recorder(&log, running.url());
                let endpoint = Endpoint::new(recorder.url()).expect("a recorder has a URL");
                (kind.http(builder, endpoint), Some(recorder))
            }
        };
        Self {
            client: client.unwrap_or_else(|error| panic!("{label}: {error}")),
            log,
            recorder,
            problems: Vec::new(),
        }
    }

    pub(crate) fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(what());
        }
    }

    /// Uses everything on offer, and complains about what the offer does not know.
    pub(crate) fn use_all(&mut self, offer: Offer) {
        let capabilities = self.client.capabilities();
        let tools = offer.tools.iter().map(|(name, ..)| *name);
        self.same(self.client.tools(), "name", tools.chain(offer.untried));
        for (name, arguments, outcome) in offer.tools {
            self.call(name, &arguments, &outcome);
        }
        if capabilities.resources.is_some() {
            let listed = named(self.client.resources(), "uri");
            for uri in offer.resources {
                self.expect(listed.contains(uri), || {
                    format!("{uri} is not in {listed:?}")
                });
                let read = self.client.read(uri);
                self.expect(read.is_ok(), || format!("{uri}: {read:?}"));
            }
            let templates = offer.templates.iter().map(|(template, ..)| *template);
            self.same(self.client.templates(), "uriTemplate", templates);
            for (template, variables, part) in offer.templates {
                let parsed = UriTemplate::parse(template).expect("their templates are templates");
                let uri = parsed
                    .expand(&variables)
                    .expect("their variables are there");
                let read = self.client.read(&uri);
                self.expect(has(&read, part), || format!("{uri}: {read:?}"));
            }
        }
        if capabilities.prompts.is_some() {
            let prompts = offer.prompts.iter().map(|(name, ..)| *name);
            self.same(self.client.prompts(), "name", prompts);
            for (name, arguments, part) in offer.prompts {
                let prompt = self.client.prompt(name, &arguments);
                self.expect(has(&prompt, part), || format!("prompt {name}: {prompt:?}"));
            }
        }
    }

    pub(crate) fn call(&mut self, name: &str, arguments: &Value, outcome: &Outcome) {
        let result = self.client.call(name, arguments, Options::default());
        let failed = result
            .as_ref()
            .is_ok_and(|result| result["isError"] == true);
        let holds = match outcome {
            Outcome::Has(part) => !failed && has(&result, part),
            Outcome::ToolError(part) => failed && has(&result, part),
        };
        self.expect(holds, || format!("{name} {arguments}: {result:?}"));
    }

    fn same<'a>(
        &mut self,
        listed: Result<Vec<Value>, String>,
        key: &str,
        known: impl Iterator<Item = &'a str>,
    ) {
        let listed = named(listed, key);
        let known: BTreeSet<_> = known.map(str::to_owned).collect();
        self.expect(listed == known, || {
            let untried: Vec<_> = listed.difference(&known).collect();
            let missing: Vec<_> = known.difference(&listed).collect();
            format!("offered and not tried: {untried:?}; tried and not offered: {missing:?}")
        });
    }

    /// Closes the connection and judges what was recorded.
    pub(crate) fn end(mut self) {
        let stderr = self.client.stderr();
        let status = self.client.close();
        match self.recorder.take() {
            Some(recorder) => recorder.finish(),
            // Ours ends a server that takes too long by SIGTERM, which the recorder passes on as 143.
            None => {
                let code = status.and_then(|status| status.code());
                let ended = [0, 143].map(Some).contains(&code);
                self.expect(ended, || format!("the server ended with {status:?}"));
            }
        }
        let schemas = Schemas::load();
        if schemas.is_none() {
            let _ =
                peers::skip("messages are not validated, the folder of official schemas is absent");
        }
        let verdict = transcript::judge(&self.log, schemas.as_ref(), Side::Client);
        for fault in verdict.peer_faults {
            println!("the server's fault: {fault}");
        }
        self.problems.extend(verdict.problems);
        assert!(verdict.messages > 0);
        let stderr = peers::tail(&stderr, 20);
        let problems = self.problems.join("\n");
        assert!(problems.is_empty(), "{problems}\nstandard error:\n{stderr}");
    }
}

fn named(listed: Result<Vec<Value>, String>, key: &str) -> BTreeSet<String> {
    let listed = listed.unwrap_or_else(|error| panic!("a list failed: {error}"));
    let names = listed.iter().filter_map(|item| item[key].as_str());
    names.map(str::to_owned).collect()
}

fn has(result: &Result<Value, String>, part: &str) -> bool {
    result
        .as_ref()
        .is_ok_and(|value| value.to_string().contains(part))
}

/// Waits for what arrives on another thread.
pub(crate) fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within 10 s");
        std::thread::sleep(Duration::from_millis(5));
    }
}
