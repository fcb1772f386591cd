//! The methods that every binding's client has, written once.

/// Writes the methods of a binding's client into its `impl` block: `client_methods!(blocking, E)`
/// or `client_methods!(async, E)`, where `E` is the binding's error, made from a
/// [`CallError`](crate::CallError).
///
/// The client must be `Clone` and have the fields `caller:` [`Caller`](crate::Caller) and
/// `server: Arc<`[`ServerDetails`](crate::ServerDetails)`>`.
#[macro_export]
macro_rules! client_methods {
    (blocking, $error:ty) => {
        $crate::client_methods!(@all [] [.wait()] $error);
    };
    (async, $error:ty) => {
        $crate::client_methods!(@all [async] [.await] $error);
    };
    (@all $async:tt $wait:tt $error:ty) => {
        $crate::client_methods!(@known);
        $crate::client_methods!(@lists $async $wait $error);
        $crate::client_methods!(@calls $async $wait $error);
        $crate::client_methods!(@others $async $wait $error);
    };

    (@known) => {
        /// What is known about the server.
        #[must_use]
        pub fn server(&self) -> &$crate::ServerDetails {
            &self.server
        }

        /// The server's name and version. Servers of 2026-07-28 need not tell.
        #[must_use]
        pub fn server_info(&self) -> Option<&$crate::mcp_proto::types::Implementation> {
            self.server.info.as_ref()
        }

        /// What the server can do.
        #[must_use]
        pub fn capabilities(&self) -> &$crate::mcp_proto::types::ServerCapabilities {
            &self.server.capabilities
        }

        /// How to use the server, for the model.
        #[must_use]
        pub fn instructions(&self) -> Option<&str> {
            self.server.instructions.as_deref()
        }

        /// The revision that was agreed on.
        #[must_use]
        pub fn protocol_version(&self) -> $crate::mcp_proto::version::ProtocolVersion {
            self.server.version
        }

        /// The same client with other options for its calls: timeouts, progress, metadata.
        #[must_use]
        pub fn with(&self, options: $crate::Options) -> Self {
            let mut client = self.clone();
            client.caller = self.caller.with(options);
            client
        }

        /// Ends a subscription.
        pub fn unsubscribe(&self, id: $crate::SubscriptionId) {
            self.caller.run(move |session, now| session.unsubscribe(id, now));
        }

        /// Replaces the roots that the server is told, and tells it. Without effect for a client
        /// that was built without roots.
        pub fn set_roots(&self, roots: impl IntoIterator<Item = $crate::mcp_proto::types::Root>) {
            self.caller.set_roots(roots);
        }
    };

    (@lists [$($async:tt)*] $wait:tt $error:ty) => {
        $crate::client_methods!(@list [$($async)*] $wait $error, list_tools, ListTools, Tool,
            "All tools of the server, however many pages they are on.");
        $crate::client_methods!(@list [$($async)*] $wait $error, list_resources, ListResources, Resource,
            "All resources of the server, however many pages they are on.");
        $crate::client_methods!(@list [$($async)*] $wait $error, list_resource_templates,
            ListResourceTemplates, ResourceTemplate,
            "All resource templates of the server, however many pages they are on.");
        $crate::client_methods!(@list [$($async)*] $wait $error, list_prompts, ListPrompts, Prompt,
            "All prompts of the server, however many pages they are on.");
    };
    (@list [$($async:tt)*] [$($wait:tt)*] $error:ty, $name:ident, $request:ident, $item:ident, $doc:literal) => {
        #[doc = $doc]
        ///
        /// # Errors
        /// As the call has failed.
        pub $($async)* fn $name(&self) -> Result<Vec<$crate::mcp_proto::types::$item>, $error> {
            let list = $crate::command::list_all::<$crate::mcp_proto::request::$request>();
            self.caller.submit(list) $($wait)* .map_err(<$error>::from)
        }
    };

    (@calls [$($async:tt)*] [$($wait:tt)*] $error:ty) => {
        /// Calls a tool. The arguments serialize to an object: a struct, a map, `json!({..})`; or
        /// to `null` for none: `()`.
        ///
        /// A tool that fails gives an output like any other, marked as an error: read it with
        /// `structured` or `into_result`, which tell.
        ///
        /// # Errors
        /// As the call has failed.
        pub $($async)* fn call_tool(
            &self,
            name: impl Into<String>,
            arguments: impl $crate::Serialize,
        ) -> Result<$crate::ToolOutput, $error> {
            let call = $crate::command::call_tool(name, &arguments);
            self.caller.submit(call) $($wait)* .map_err(<$error>::from)
        }

        /// Reads a resource.
        ///
        /// # Errors
        /// As the call has failed.
        pub $($async)* fn read_resource(
            &self,
            uri: impl Into<String>,
        ) -> Result<$crate::mcp_proto::types::ReadResourceResult, $error> {
            let read = $crate::command::read_resource(uri);
            self.caller.submit(read) $($wait)* .map_err(<$error>::from)
        }

        /// Renders a prompt. The arguments serialize to an object, whose values are sent as texts;
        /// or to `null` for none: `()`.
        ///
        /// # Errors
        /// As the call has failed.
        pub $($async)* fn get_prompt(
            &self,
            name: impl Into<String>,
            arguments: impl $crate::Serialize,
        ) -> Result<$crate::mcp_proto::types::GetPromptResult, $error> {
            let get = $crate::command::get_prompt(name, &arguments);
            self.caller.submit(get) $($wait)* .map_err(<$error>::from)
        }

        /// Asks for values of an argument, of which `value` has been typed.
        ///
        /// # Errors
        /// As the call has failed.
        pub $($async)* fn complete(
            &self,
            reference: $crate::mcp_proto::types::CompletionReference,
            argument: impl Into<String>,
            value: impl Into<String>,
        ) -> Result<$crate::mcp_proto::types::Completion, $error> {
            let complete = $crate::command::complete(reference, argument, value);
            self.caller.submit(complete) $($wait)* .map_err(<$error>::from)
        }

        /// Like `complete`, with the other arguments as context.
        ///
        /// # Errors
        /// As the call has failed.
        pub $($async)* fn complete_with(
            &self,
            params: $crate::mcp_proto::types::CompleteParams,
        ) -> Result<$crate::mcp_proto::types::Completion, $error> {
            let complete = $crate::command::complete_with(params);
            self.caller.submit(complete) $($wait)* .map_err(<$error>::from)
        }

        /// Makes any request; `M` is one of the types in `mcp_proto::request`, or your own.
        ///
        /// # Errors
        /// As the call has failed.
        pub $($async)* fn call<M>(&self, params: M::Params) -> Result<M::Result, $error>
        where
            M: $crate::mcp_proto::request::Request,
            M::Result: Send + 'static,
        {
            self.caller.submit($crate::command::call::<M>(params)) $($wait)* .map_err(<$error>::from)
        }

        /// Makes a request by its method's name, such as one of an extension.
        ///
        /// # Errors
        /// As the call has failed.
        pub $($async)* fn call_custom(
            &self,
            method: impl Into<String>,
            params: impl $crate::Serialize,
        ) -> Result<$crate::mcp_proto::json::Json, $error> {
            let call = $crate::command::call_custom(method.into(), &params);
            self.caller.submit(call) $($wait)* .map_err(<$error>::from)
        }
    };

    (@others [$($async:tt)*] [$($wait:tt)*] $error:ty) => {
        /// Asks whether the server is there.
        ///
        /// # Errors
        /// As the call has failed.
        pub $($async)* fn ping(&self) -> Result<(), $error> {
            self.caller.submit($crate::command::ping()) $($wait)* .map_err(<$error>::from)
        }

        /// Sets the least severe log entries that the server is to send.
        ///
        /// # Errors
        /// As the call has failed.
        pub $($async)* fn set_log_level(
            &self,
            level: $crate::mcp_proto::types::LoggingLevel,
        ) -> Result<(), $error> {
            let set = $crate::command::set_log_level(level);
            self.caller.submit(set) $($wait)* .map_err(<$error>::from)
        }

        /// Subscribes to changes, which the client's `on_change` is told. Gives what the server
        /// grants of it.
        ///
        /// # Errors
        /// As the call has failed.
        pub $($async)* fn subscribe(
            &self,
            wanted: $crate::Subscription,
        ) -> Result<$crate::Subscribed, $error> {
            let subscribe = $crate::command::subscribe(wanted);
            self.caller.submit(subscribe) $($wait)* .map_err(<$error>::from)
        }
    };
}

/// A [`ClientBuilder`](crate::ClientBuilder) for a client that bears the name and version of the
/// crate that this is used in.
///
/// ```
/// let builder = mcp_client_core::client!().title("My application");
/// # let _ = builder;
/// ```
#[macro_export]
macro_rules! client {
    () => {
        $crate::ClientBuilder::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
    };
}
