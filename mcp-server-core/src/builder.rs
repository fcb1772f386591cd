//! Putting a server together from functions.

use alloc::{string::String, sync::Arc};
use mcp_proto::{
    limits::Limits,
    types::{CacheHints, Icon, Implementation},
};

use crate::{
    entry::{Completer, ComponentSet, Components, IntoPrompt, IntoResource, IntoTool, Policy},
    error::{BuildError, Failure},
    extension::Extension,
    handler::Handler,
    service::{ComponentKind, Duplicates, Service, ServiceBuilder},
    state::StateKeeper,
};

/// Puts a server together from functions.
///
/// [`server!`](crate::server!) begins one that is named after the crate it stands in. Nothing
/// fails before it is built, and then with an error that names the fix.
#[derive(Debug)]
#[must_use = "a builder does nothing before it is built or served"]
pub struct ServerBuilder {
    service: ServiceBuilder<Handler>,
    set: ComponentSet,
    policy: Policy,
    // With what puts it into the service: linked only into programs that have one.
    completer: Option<(Completer, Complete)>,
    // As is what joins it.
    #[cfg(feature = "std")]
    bus: Option<(Arc<dyn crate::EventBus>, Join)>,
}

type Complete = fn(ServiceBuilder<Handler>, Completer, &Arc<Policy>) -> ServiceBuilder<Handler>;

#[cfg(feature = "std")]
type Join = fn(&crate::Server, Arc<dyn crate::EventBus>);

fn complete(
    service: ServiceBuilder<Handler>,
    completer: Completer,
    policy: &Arc<Policy>,
) -> ServiceBuilder<Handler> {
    service.completion(completer.into_handler(policy))
}

impl ServerBuilder {
    /// Begins a server of that name and version.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            service: ServiceBuilder::new(Implementation::new(name, version)),
            set: ComponentSet::default(),
            policy: Policy::default(),
            completer: None,
            #[cfg(feature = "std")]
            bus: None,
        }
    }

    /// Sets the server's name for people.
    pub fn title(self, title: impl Into<String>) -> Self {
        self.info(|info| info.title = Some(title.into()))
    }

    /// Says what the server is for (2025-11-25 on).
    pub fn description(self, description: impl Into<String>) -> Self {
        self.info(|info| info.description = Some(description.into()))
    }

    /// Says where to read about the server (2025-11-25 on).
    pub fn website_url(self, url: impl Into<String>) -> Self {
        self.info(|info| info.website_url = Some(url.into()))
    }

    /// Adds a picture to show beside the server (2025-11-25 on).
    pub fn icon(self, icon: Icon) -> Self {
        self.info(|info| info.icons.push(icon))
    }

    fn info(mut self, change: impl FnOnce(&mut Implementation)) -> Self {
        change(self.service.info_mut());
        self
    }

    /// Tells the model how to use the server.
    pub fn instructions(self, instructions: impl Into<String>) -> Self {
        self.service(|service| service.instructions(instructions))
    }

    /// Adds a tool.
    pub fn tool(mut self, tool: impl IntoTool) -> Self {
        self.set.tool(tool);
        self
    }

    /// Adds a resource or a resource template.
    pub fn resource(mut self, resource: impl IntoResource) -> Self {
        self.set.resource(resource);
        self
    }

    /// Adds a prompt.
    pub fn prompt(mut self, prompt: impl IntoPrompt) -> Self {
        self.set.prompt(prompt);
        self
    }

    /// Tells clients of this server what changes at others, and those of others what changes here:
    /// several processes that serve the same clients. See
    /// [`ServerHandle::changed`](crate::ServerHandle::changed).
    #[cfg(feature = "std")]
    pub fn event_bus(mut self, bus: Arc<dyn crate::EventBus>) -> Self {
        self.bus = Some((bus, crate::Server::join));
        self
    }

    /// Adds an extension of the protocol.
    pub fn extension(self, extension: Extension<Handler>) -> Self {
        self.service(|service| service.extension(extension))
    }

    /// Lets calls outlive their requests, of tools that [may](crate::ToolEntry::task).
    #[cfg(feature = "std")]
    pub fn tasks(self, tasks: crate::Tasks) -> Self {
        self.extension(tasks.into_extension())
    }

    /// Adds the components of a struct, or of anything else that has several.
    pub fn components(mut self, components: impl Components) -> Self {
        self.set.components(components);
        self
    }

    /// Sets what proposes values for the arguments of prompts and templates that have no
    /// completer of their own.
    pub fn completion(mut self, completer: Completer) -> Self {
        self.completer = Some((completer, complete));
        self
    }

    /// Decides what happens to a component whose name is taken; an error by default.
    pub fn on_duplicate(self, duplicates: Duplicates) -> Self {
        self.service(|service| service.on_duplicate(duplicates))
    }

    /// Sets the bounds of every connection.
    pub fn limits(self, limits: Limits) -> Self {
        self.service(|service| service.limits(limits))
    }

    /// Says how long clients may keep lists (2026-07-28); not at all by default.
    pub fn list_cache(self, hints: CacheHints) -> Self {
        self.service(|service| service.list_cache(hints))
    }

    /// Sets who keeps the states of calls that ask, between their rounds (2026-07-28).
    pub fn state_keeper(self, keeper: impl StateKeeper + 'static) -> Self {
        self.service(|service| service.state_keeper(Arc::new(keeper)))
    }

    /// Does not declare `logging`: nothing here ever logs.
    pub fn without_logging(self) -> Self {
        self.service(ServiceBuilder::without_logging)
    }

    /// Declares that there are components of this kind, although they may all come later, through
    /// the server's handle.
    pub fn announce(self, kind: ComponentKind) -> Self {
        self.service(|service| service.announce(kind))
    }

    fn service(
        mut self,
        change: impl FnOnce(ServiceBuilder<Handler>) -> ServiceBuilder<Handler>,
    ) -> Self {
        self.service = change(self.service);
        self
    }

    /// Shows internal errors to clients, instead of only to the [error hook](Self::on_error).
    pub fn expose_errors(mut self, expose: bool) -> Self {
        self.policy.expose_errors = expose;
        self
    }

    /// Takes tools' arguments only in the type that their schema says. Otherwise a string that
    /// holds the JSON of another type is read as that: models often send `"2"` for `2`.
    pub fn strict_arguments(mut self) -> Self {
        self.policy.strict_arguments = true;
        self
    }

    /// Calls `hook` with every internal error, whose cause clients do not see; to log it.
    ///
    /// It runs where the handler ran, before the answer is sent.
    pub fn on_error(mut self, hook: impl Fn(&Failure<'_>) + Send + Sync + 'static) -> Self {
        self.policy.on_error = Some(Arc::new(hook));
        self
    }

    /// Builds the bare service, for a loop of your own.
    ///
    /// # Errors
    /// The first thing that is wrong with a component.
    pub fn build_service(self) -> Result<Service<Handler>, BuildError> {
        self.build_with_policy().map(|(service, _)| service)
    }

    pub(crate) fn build_with_policy(self) -> Result<(Service<Handler>, Arc<Policy>), BuildError> {
        let policy = Arc::new(self.policy);
        let mut service = self.service;
        if let Some((completer, complete)) = self.completer {
            service = complete(service, completer, &policy);
        }
        let service = self.set.build_into(service, &policy)?.build()?;
        Ok((service, policy))
    }

    /// Builds the server.
    ///
    /// # Errors
    /// The first thing that is wrong with a component.
    #[cfg(feature = "std")]
    pub fn build(mut self) -> Result<crate::Server, BuildError> {
        let bus = self.bus.take();
        let (service, policy) = self.build_with_policy()?;
        let server = crate::Server::new(service, policy);
        if let Some((bus, join)) = bus {
            join(&server, bus);
        }
        Ok(server)
    }
}

/// Begins a server that is named after the crate it stands in, with that crate's version; or one
/// of the name and version given.
///
/// ```
/// let server = mcp_server_core::server!().instructions("Ask away.").build_service().unwrap();
/// assert_eq!(server.info().name, env!("CARGO_PKG_NAME"));
/// ```
#[macro_export]
macro_rules! server {
    () => {
        $crate::ServerBuilder::new(
            ::core::env!("CARGO_PKG_NAME"),
            ::core::env!("CARGO_PKG_VERSION"),
        )
    };
    ($name:expr, $version:expr $(,)?) => {
        $crate::ServerBuilder::new($name, $version)
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        call::{Outcome, Work},
        cx::Cx,
        entry::{PromptEntry, ResourceEntry, ToolEntry},
        service::CompletionTarget,
        state::Bound,
    };
    use mcp_proto::{
        time::Instant,
        types::{CompleteParams, CompletionArgument, CompletionReference},
        version::ProtocolVersion,
    };

    fn named() -> ServerBuilder {
        ServerBuilder::new("town", "1.0.0")
    }

    #[test]
    fn who_the_server_is_and_what_it_keeps_to_is_as_it_was_set() {
        let mut limits = Limits::default();
        limits.message_bytes = 1234;
        let service = named()
            .title("Town")
            .description("A town")
            .website_url("https://example.com")
            .icon(Icon::new("https://example.com/a.png"))
            .icon(Icon::new("https://example.com/b.png"))
            .instructions("Ask away.")
            .limits(limits)
            .list_cache(CacheHints::private(5))
            .build_service()
            .unwrap();
        let info = service.info();
        assert_eq!((&*info.name, &*info.version), ("town", "1.0.0"));
        assert_eq!(info.title.as_deref(), Some("Town"));
        assert_eq!(info.description.as_deref(), Some("A town"));
        assert_eq!(info.website_url.as_deref(), Some("https://example.com"));
        assert!(
            info.icons
                .iter()
                .map(|icon| &*icon.src)
                .eq(["https://example.com/a.png", "https://example.com/b.png"])
        );
        assert_eq!(service.instructions(), Some("Ask away."));
        assert_eq!(service.limits().message_bytes, 1234);
        assert_eq!(service.list_cache(), CacheHints::private(5));
    }

    #[test]
    fn what_is_declared_can_be_changed() {
        let declared = |builder: ServerBuilder| {
            let service = builder.build_service().unwrap();
            let of = service.capabilities(ProtocolVersion::LATEST);
            (
                of.logging.is_some(),
                of.tools.is_some(),
                of.prompts.is_some(),
            )
        };
        assert_eq!(declared(named()), (true, false, false));
        assert_eq!(declared(named().without_logging()), (false, false, false));
        let announced = named().announce(ComponentKind::Tool);
        assert_eq!(declared(announced), (true, true, false));
        let extended = named().extension(Extension::new("com.example/clock"));
        let service = extended.build_service().unwrap();
        let of = service.capabilities(ProtocolVersion::LATEST);
        assert!(of.extensions.contains_key("com.example/clock"));
    }

    #[test]
    fn of_two_components_with_one_name_the_chosen_one_stays() {
        let two = || {
            named()
                .tool(ToolEntry::new("t").title("first").call(|| 1))
                .tool(ToolEntry::new("t").title("second").call(|| 2))
        };
        let title = |builder: ServerBuilder| {
            let service = builder.build_service().unwrap();
            service.tool("t").unwrap().definition().title.clone()
        };
        assert!(two().build_service().is_err());
        let replaced = two().on_duplicate(Duplicates::Replace);
        assert_eq!(title(replaced).as_deref(), Some("second"));
        let kept = two().on_duplicate(Duplicates::KeepFirst);
        assert_eq!(title(kept).as_deref(), Some("first"));
    }

    #[test]
    fn components_of_a_set_are_added_with_the_others() {
        struct Parts;
        impl Components for Parts {
            fn add_to(self, set: &mut ComponentSet) {
                set.tool(ToolEntry::new("a").call(|| ()))
                    .resource(ResourceEntry::new("x:a", "a").constant("a"))
                    .prompt(PromptEntry::new("a").call(|| "a"));
            }
        }
        struct Whole;
        impl Components for Whole {
            fn add_to(self, set: &mut ComponentSet) {
                set.components(Parts).tool(ToolEntry::new("b").call(|| ()));
            }
        }
        let service = named().components(Whole).build_service().unwrap();
        let tools: alloc::vec::Vec<_> = service.tools().map(|tool| &**tool.key()).collect();
        assert_eq!(tools, ["a", "b"]);
        assert!(service.resource("x:a").is_some() && service.prompt("a").is_some());
    }

    #[test]
    fn a_completer_for_all_is_asked_where_nothing_else_is() {
        let kinds = [
            Completer::new(|typed| [[typed, "!"].concat()]),
            Completer::with_async(
                |params, _| async move { [[&*params.argument.value, "!"].concat()] },
            ),
        ];
        for completer in kinds {
            let service = named()
                .prompt(PromptEntry::new("p").required("who", "").call(|| "hi"))
                .completion(completer)
                .build_service()
                .unwrap();
            let of = CompletionReference::prompt("p");
            let CompletionTarget::Handler(handler) = service.completion(&of) else {
                panic!("nothing completes");
            };
            let run = |work| match handler {
                Handler::Sync(run) | Handler::Quick(run) => run(work, Cx::detached()),
                Handler::Async(run) => {
                    let mut running = run(work, Cx::detached());
                    let mut context = core::task::Context::from_waker(core::task::Waker::noop());
                    match running.as_mut().poll(&mut context) {
                        core::task::Poll::Ready(outcome) => outcome,
                        core::task::Poll::Pending => panic!("not ready"),
                    }
                }
            };
            let params = CompleteParams::new(of, CompletionArgument::new("who", "A"));
            let Outcome::Complete(told) = run(Work::Complete(params.into())) else {
                panic!("no proposals");
            };
            assert_eq!(told.values, ["A!"]);
            // A driver's mistake.
            let wrong = Work::Prompt {
                name: "p".into(),
                arguments: None,
            };
            assert!(matches!(run(wrong), Outcome::Fail(error) if error.code == -32603));
        }
    }

    #[test]
    fn a_keeper_of_states_is_handed_on() {
        #[derive(Debug)]
        struct Keeper;
        impl StateKeeper for Keeper {
            fn keep(&self, state: &str, _: &Bound, _: Instant) -> Option<String> {
                Some(state.into())
            }
            fn recall(&self, brought: &str, _: &Bound, _: Instant) -> Option<String> {
                Some(brought.into())
            }
        }
        let service = named().state_keeper(Keeper).build_service().unwrap();
        let kept = alloc::format!("{service:?}");
        assert!(kept.contains("Keeper"), "{kept}");
    }
}
