//! One server for all connections: the service that is current, and whom to tell when it changes.

mod bus;
mod watch;

use alloc::{
    string::String,
    sync::{Arc, Weak},
    vec::Vec,
};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use mcp_proto::time::Instant;

use crate::{
    builder::ServerBuilder,
    call::Change,
    conn::Conn,
    entry::{ComponentSet, Components, IntoPrompt, IntoResource, IntoTool, Policy},
    error::{BuildError, Failure},
    handler::Handler,
    host::{Host, SharedHost},
    interest::Interest,
    service::{ComponentKind, Edit, Service},
};

pub use bus::{Deliver, EventBus, LocalBus};
pub use watch::{Changes, Watch};
use watch::{Pending, Watcher, Watchers};

/// A server, ready to be served by any binding, on any number of connections at once.
///
/// It is cheap to clone; all clones are one server. What it offers can be changed at any time
/// through its [handle](Self::handle), and every connection learns of it.
///
/// ```
/// use mcp_server_core::{Server, ToolEntry};
///
/// let server = Server::builder("demo", "1.0.0").build().unwrap();
/// let handle = server.handle();
/// handle.add_tool(ToolEntry::new("hello").run(|_, _| "hello")).unwrap();
/// assert!(server.current().tool("hello").is_some());
/// ```
#[derive(Debug, Clone)]
pub struct Server {
    shared: Arc<Shared>,
    host: Option<SharedHost>,
}

/// A [`Server`] that others keep alive.
pub(crate) struct WeakServer {
    shared: Weak<Shared>,
    host: Option<Weak<dyn Host>>,
}

impl WeakServer {
    pub(crate) fn upgrade(&self) -> Option<Server> {
        let host = match &self.host {
            Some(host) => Some(host.upgrade()?),
            None => None,
        };
        let shared = self.shared.upgrade()?;
        Some(Server { shared, host })
    }
}

#[derive(Debug)]
struct Shared {
    policy: Arc<Policy>,
    bus: OnceLock<(Arc<dyn EventBus>, u64)>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    service: Arc<Service<Handler>>,
    watchers: Watchers,
}

impl Server {
    /// Begins a server of that name and version; [`server!`](crate::server!) takes them from the
    /// crate it stands in.
    pub fn builder(name: impl Into<String>, version: impl Into<String>) -> ServerBuilder {
        ServerBuilder::new(name, version)
    }

    pub(crate) fn new(service: Service<Handler>, policy: Arc<Policy>) -> Self {
        let state = Mutex::new(State {
            service: Arc::new(service),
            watchers: Watchers::default(),
        });
        Self {
            shared: Arc::new(Shared {
                policy,
                bus: OnceLock::new(),
                state,
            }),
            host: None,
        }
    }

    /// For bindings: the same server, with what it needs to run what outlives its connections.
    #[must_use]
    pub fn hosted_by(mut self, host: Arc<dyn Host>) -> Self {
        self.host = Some(host);
        self
    }

    /// What runs what outlives its connections, if it is served by something that does.
    #[must_use]
    pub fn host(&self) -> Option<&Arc<dyn Host>> {
        self.host.as_ref()
    }

    /// The same server, which is gone when all others let go of it.
    pub(crate) fn downgrade(&self) -> WeakServer {
        WeakServer {
            shared: Arc::downgrade(&self.shared),
            host: self.host.as_ref().map(Arc::downgrade),
        }
    }

    /// Takes part in what happens at other servers.
    pub(crate) fn join(&self, bus: Arc<dyn EventBus>) {
        let server = self.downgrade();
        let number = bus.subscribe(Arc::new(move |change| {
            let server = server.upgrade();
            server.is_some_and(|server| {
                server.take_in(change);
                true
            })
        }));
        // It is built once.
        let _ = self.shared.bus.set((bus, number));
    }

    fn take_in(&self, change: &Change) {
        let service = self.current();
        let state = self.state();
        let concerned = state.watchers.concerned(change);
        Self::tell(state, concerned, |pending| pending.note(change));
        if let Change::Topic(topic) = change {
            service.observe(topic);
        }
    }

    /// Tells the operator of what has failed outside of any handler.
    pub(crate) fn report(&self, failure: &Failure<'_>) {
        if let Some(hook) = &self.shared.policy.on_error {
            hook(failure);
        }
    }

    /// What it offers now.
    #[must_use]
    pub fn current(&self) -> Arc<Service<Handler>> {
        Arc::clone(&self.state().service)
    }

    /// A handle to change what it offers.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle {
            server: self.clone(),
        }
    }

    /// For drivers: to be told of changes. `wake` is called, from whatever thread makes a change
    /// and with none of the server's locks held, when there is something to
    /// [`take`](Watch::take) that was not there before.
    ///
    /// Begin to watch before [`connect`](Self::connect), and no change is missed.
    pub fn watch(&self, wake: Arc<dyn Fn() + Send + Sync>) -> Watch {
        self.begin_watch(None, wake)
    }

    /// The same for one subscription: to be told of what the server offers, of its lists, and of
    /// nothing else but what `interest` names. So a change of one resource costs those who asked
    /// for it, however many others listen.
    pub fn watch_for(&self, interest: Interest, wake: Arc<dyn Fn() + Send + Sync>) -> Watch {
        self.begin_watch(Some(interest), wake)
    }

    fn begin_watch(&self, interest: Option<Interest>, wake: Arc<dyn Fn() + Send + Sync>) -> Watch {
        let watcher = Arc::new(Watcher {
            wake,
            pending: Mutex::default(),
        });
        let number = self.state().watchers.add(&watcher, interest);
        Watch {
            watcher,
            number,
            server: Arc::downgrade(&self.shared),
        }
    }

    /// For drivers: its end of one more byte stream. `tag` tells its calls from those of other
    /// connections. It is [patient](Conn::patient).
    #[must_use]
    pub fn connect(&self, tag: u32, now: Instant) -> Conn<Handler> {
        Conn::new(self.current(), tag, now).patient()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }

    fn edit<R>(
        &self,
        edit: impl FnOnce(&mut Edit<Handler>) -> Result<R, BuildError>,
        is_change: impl FnOnce(&R) -> bool,
    ) -> Result<R, BuildError> {
        let mut state = self.state();
        let (service, outcome) = state.service.edited(edit)?;
        if is_change(&outcome) {
            let lists = service.changes_since(&state.service);
            state.service = Arc::new(service);
            let service = Arc::clone(&state.service);
            let everybody = state.watchers.all();
            Self::tell(state, everybody, |pending| {
                pending.service = Some(Arc::clone(&service));
                lists.iter().for_each(|list| pending.lists.insert(list));
            });
        }
        Ok(outcome)
    }

    /// Notes something down for these watchers, then wakes them without holding a lock.
    fn tell(
        state: MutexGuard<'_, State>,
        mut watchers: Vec<Arc<Watcher>>,
        mut note: impl FnMut(&mut Pending),
    ) {
        watchers.retain(|watcher| {
            let mut pending = lock(&watcher.pending);
            let quiet = pending.is_empty();
            note(&mut pending);
            quiet
        });
        drop(state);
        watchers.iter().for_each(|watcher| (watcher.wake)());
    }
}

/// A lock whose data is consistent even if a thread panicked while holding it: every change below
/// is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server, or what can still become one: what bindings take.
pub trait IntoServer {
    /// The server.
    ///
    /// # Errors
    /// Where it cannot be built.
    fn into_server(self) -> Result<Server, BuildError>;
}

impl IntoServer for Server {
    fn into_server(self) -> Result<Server, BuildError> {
        Ok(self)
    }
}

impl IntoServer for &Server {
    fn into_server(self) -> Result<Server, BuildError> {
        Ok(self.clone())
    }
}

impl IntoServer for ServerBuilder {
    fn into_server(self) -> Result<Server, BuildError> {
        self.build()
    }
}

/// Changes what a server offers while it runs. Every connection is told, and tells its client
/// where that one listens: `list_changed` in the handshake era, subscriptions since 2026-07-28.
///
/// It is cheap to clone and may be kept anywhere but in the server's own handlers, which get it
/// from [`Cx::server`](crate::Cx::server): one that is kept there keeps the server alive.
#[derive(Debug, Clone)]
pub struct ServerHandle {
    server: Server,
}

impl ServerHandle {
    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Adds a tool. Tells whether something changed: under
    /// [`Duplicates::KeepFirst`](crate::Duplicates::KeepFirst) it may not.
    ///
    /// # Errors
    /// What building the server with it would have failed with.
    pub fn add_tool(&self, tool: impl IntoTool) -> Result<bool, BuildError> {
        self.add(|set| set.tool(tool))
    }

    /// Adds a resource or resource template.
    ///
    /// # Errors
    /// What building the server with it would have failed with.
    pub fn add_resource(&self, resource: impl IntoResource) -> Result<bool, BuildError> {
        self.add(|set| set.resource(resource))
    }

    /// Adds a prompt.
    ///
    /// # Errors
    /// What building the server with it would have failed with.
    pub fn add_prompt(&self, prompt: impl IntoPrompt) -> Result<bool, BuildError> {
        self.add(|set| set.prompt(prompt))
    }

    /// Adds several components at once: all of them or, with an error, none.
    ///
    /// # Errors
    /// What building the server with them would have failed with.
    pub fn add_components(&self, components: impl Components) -> Result<bool, BuildError> {
        self.add(|set| set.components(components))
    }

    fn add(
        &self,
        fill: impl FnOnce(&mut ComponentSet) -> &mut ComponentSet,
    ) -> Result<bool, BuildError> {
        // User code runs here, before anything is locked.
        let mut set = ComponentSet::default();
        fill(&mut set);
        let policy = &self.server.shared.policy;
        self.server
            .edit(|edit| set.add_into(edit, policy), |changed| *changed)
    }

    /// Removes a tool. Tells whether it was there.
    pub fn remove_tool(&self, name: &str) -> bool {
        self.remove(ComponentKind::Tool, name)
    }

    /// Removes a resource by its URI, or a template by its text. Tells whether it was there.
    pub fn remove_resource(&self, uri: &str) -> bool {
        self.remove(ComponentKind::Resource, uri) || self.remove(ComponentKind::Template, uri)
    }

    /// Removes a prompt. Tells whether it was there.
    pub fn remove_prompt(&self, name: &str) -> bool {
        self.remove(ComponentKind::Prompt, name)
    }

    fn remove(&self, kind: ComponentKind, key: &str) -> bool {
        // Removing has no errors.
        self.server
            .edit(|edit| Ok(edit.remove(kind, key)), |removed| *removed)
            .unwrap_or(false)
    }

    /// Shows what is selected. Tells how many components that changed.
    pub fn enable(&self, selected: &Selector) -> usize {
        self.set_enabled(selected, true)
    }

    /// Hides what is selected: it is in no list, and using it is answered as if it did not exist.
    /// Tells how many components that changed.
    pub fn disable(&self, selected: &Selector) -> usize {
        self.set_enabled(selected, false)
    }

    fn set_enabled(&self, selected: &Selector, enabled: bool) -> usize {
        let edit = |edit: &mut Edit<Handler>| {
            Ok(edit.set_enabled(enabled, |kind, key, tags| selected.selects(kind, key, tags)))
        };
        self.server.edit(edit, |changed| *changed > 0).unwrap_or(0)
    }

    /// Tells the clients that watch this resource that its contents have changed.
    pub fn resource_updated(&self, uri: impl Into<Arc<str>>) {
        self.changed(Change::Resource(uri.into()));
    }

    /// Tells the client that was sent to a page, in the elicitation of
    /// [this id](crate::Ask::elicitation_id), that what it was sent there for is done. It may close
    /// what it shows, or repeat what it could not do before (2025-11-25; later revisions have no
    /// such message, and their clients make the call again instead).
    ///
    /// From wherever that is known: the handler of the page, in this process or in another on the
    /// same [bus](crate::ServerBuilder::event_bus), or the tool itself. An id that no client was
    /// asked under is nobody's.
    pub fn elicitation_complete(&self, id: impl Into<Arc<str>>) {
        self.changed(Change::ElicitationComplete(id.into()));
    }

    /// Tells the clients that asked for it of a change.
    ///
    /// Every session of the handshake era is told once, on one of its streams, and so is every
    /// subscription of 2026-07-28 that asked for it. What waits for a client that is slow to read
    /// is put together: any number of changes of one thing waits as one. Servers on the same
    /// [bus](crate::ServerBuilder::event_bus) tell theirs.
    pub fn changed(&self, change: impl Into<Change>) {
        let change = change.into();
        self.server.take_in(&change);
        if let Some((bus, number)) = self.server.shared.bus.get() {
            bus.publish(*number, &change);
        }
    }
}

/// Chooses components to show or hide.
///
/// ```
/// use mcp_server_core::{Selector, Server, ToolEntry};
///
/// let secret = ToolEntry::new("secret").tag("beta").run(|_, _| "42");
/// let server = Server::builder("demo", "1.0.0").tool(secret).build().unwrap();
/// assert_eq!(server.handle().disable(&Selector::tag("beta")), 1);
/// assert!(server.current().tool("secret").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selector {
    /// The component of that kind under that name, URI or template.
    Key(ComponentKind, String),
    /// All components with that tag.
    Tag(String),
    /// All components of that kind.
    Kind(ComponentKind),
    /// All components.
    All,
}

impl Selector {
    /// The tool of that name.
    pub fn tool(name: impl Into<String>) -> Self {
        Self::Key(ComponentKind::Tool, name.into())
    }

    /// The resource at that URI.
    pub fn resource(uri: impl Into<String>) -> Self {
        Self::Key(ComponentKind::Resource, uri.into())
    }

    /// The resource template with that text.
    pub fn template(uri_template: impl Into<String>) -> Self {
        Self::Key(ComponentKind::Template, uri_template.into())
    }

    /// The prompt of that name.
    pub fn prompt(name: impl Into<String>) -> Self {
        Self::Key(ComponentKind::Prompt, name.into())
    }

    /// All components with that tag.
    pub fn tag(tag: impl Into<String>) -> Self {
        Self::Tag(tag.into())
    }

    fn selects(&self, kind: ComponentKind, key: &str, tags: &[String]) -> bool {
        match self {
            Self::Key(of, name) => *of == kind && name == key,
            Self::Tag(tag) => tags.contains(tag),
            Self::Kind(of) => *of == kind,
            Self::All => true,
        }
    }
}

#[cfg(test)]
mod tests;
