//! The methods that every binding's client has, written once.

/// Writes the methods of a binding's client into its `impl` block: `client_methods!(blocking, E, H)`
/// or `client_methods!(async, E, H)`, where `E` is the binding's error, made from a
/// [`CallError`](crate::CallError), and `H` what [`task_handle!`](crate::task_handle) makes.
///
/// The client must be `Clone` and have the fields `caller:` [`Caller`](crate::Caller) and
/// `server: Arc<`[`ServerDetails`](crate::ServerDetails)`>`.
#[macro_export]
macro_rules! client_methods {
    (blocking, $error:ty, $handle:ty) => {
        $crate::client_methods!(@all [] [.wait()] $error);
        $crate::client_methods!(@tasks [] [.wait()] $error, $handle);
    };
    (async, $error:ty, $handle:ty) => {
        $crate::client_methods!(@all [async] [.await] $error);
        $crate::client_methods!(@tasks [async] [.await] $error, $handle);
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

    (@tasks [$($async:tt)*] [$($wait:tt)*] $error:ty, $handle:ty) => {
        /// Calls a tool and does not wait for its result, if the server lets the call become a task:
        /// the handle leads to it. The client must have been built with
        /// [`tasks`]($crate::ClientBuilder::tasks); whether a call becomes a task is up to the
        /// server, and to the tool.
        ///
        /// The task goes on whatever becomes of the handle, of this client and of its connection:
        /// [`task`](Self::task) picks it up again.
        ///
        /// # Errors
        /// As the call has failed.
        pub $($async)* fn call_tool_as_task(
            &self,
            name: impl Into<String>,
            arguments: impl $crate::Serialize,
        ) -> Result<$crate::Started<$handle>, $error> {
            let call = $crate::tasks::call_tool_as_task(name, &arguments);
            let started = self.caller.submit(call) $($wait)* .map_err(<$error>::from)?;
            Ok(started.map(|begun| <$handle>::begun(self.clone(), begun)))
        }

        /// The task of that id, which this client or an earlier one has begun. Nothing is asked of
        /// the server yet.
        #[must_use]
        pub fn task(&self, id: impl Into<String>) -> $handle {
            <$handle>::picked_up(self.clone(), id.into())
        }

        /// All tasks that the server lets this client see, in 2025-11-25 only.
        ///
        /// # Errors
        /// As the call has failed; `NotInRevision` in any other revision.
        pub $($async)* fn list_tasks(
            &self,
        ) -> Result<Vec<$crate::mcp_proto::types::Task>, $error> {
            self.caller.submit($crate::tasks::list_tasks()) $($wait)* .map_err(<$error>::from)
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

/// Makes the handle on a task, `TaskHandle`, and what it does meanwhile, `TaskUpdates`, beside a
/// binding's client: `task_handle!(blocking, E, Client, [], [])`, or, for a client that is generic,
/// `task_handle!(async, E, Client<R>, [<R: Runtime>], [<R>])`.
#[macro_export]
macro_rules! task_handle {
    (blocking, $error:ty, $client:ty, $impl:tt, $args:tt) => {
        $crate::task_handle!(@all [] [.wait()] $error, $client, $impl, $args);

        impl Iterator for TaskUpdates {
            type Item = $crate::mcp_proto::types::Task;

            /// Blocks until the task has changed; `None` once it has ended, or cannot be waited for
            /// any longer: [`result`](Self::result) tells.
            fn next(&mut self) -> Option<Self::Item> {
                self.updates.wait_next()
            }
        }
    };
    (async, $error:ty, $client:ty, [$($impl:tt)*], [$($args:tt)*]) => {
        $crate::task_handle!(@all [async] [.await] $error, $client, [$($impl)*], [$($args)*]);

        impl $($impl)* TaskUpdates $($args)* {
            /// Waits until the task has changed, and gives it as it is then; `None` once it has
            /// ended, or cannot be waited for any longer: [`result`](Self::result) tells.
            ///
            /// Nothing is lost where the future is dropped.
            pub async fn next(&mut self) -> Option<$crate::mcp_proto::types::Task> {
                ::core::future::poll_fn(|context| self.updates.poll_next(context)).await
            }
        }
    };
    (@all [$($async:tt)*] [$($wait:tt)*] $error:ty, $client:ty, [$($impl:tt)*], [$($args:tt)*]) => {
        /// A task at the server: a call that outlives its request.
        ///
        /// What waits for it has its questions answered by the client's handlers, looks as often as
        /// the server wants, and ends with the task; with the call's timeout where the server is
        /// silent for so long; or when the call's maximum has passed, which
        /// [`Options::max`]($crate::Options::max) sets. To end the waiting, or to drop this, leaves
        /// the task alone: only [`cancel`](Self::cancel) cancels it.
        pub struct TaskHandle $($args)* {
            client: $client,
            id: String,
            begun: Option<$crate::tasks::Begun>,
        }

        impl $($impl)* Clone for TaskHandle $($args)* {
            fn clone(&self) -> Self {
                Self {
                    client: self.client.clone(),
                    id: self.id.clone(),
                    begun: self.begun.clone(),
                }
            }
        }

        impl $($impl)* ::core::fmt::Debug for TaskHandle $($args)* {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct("TaskHandle").field("id", &self.id).finish_non_exhaustive()
            }
        }

        /// A task that is waited for, change by change.
        pub struct TaskUpdates $($args)* {
            updates: $crate::Updates,
            // Keeps the connection open.
            _client: $client,
        }

        impl $($impl)* ::core::fmt::Debug for TaskUpdates $($args)* {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                self.updates.fmt(f)
            }
        }

        impl $($impl)* TaskHandle $($args)* {
            fn begun(client: $client, begun: $crate::tasks::Begun) -> Self {
                let id = begun.task.task_id.clone();
                Self { client, id, begun: Some(begun) }
            }

            fn picked_up(client: $client, id: String) -> Self {
                Self { client, id, begun: None }
            }

            fn call(&self) -> Option<$crate::mcp_proto::rpc::CallId> {
                self.begun.as_ref().map(|begun| begun.call)
            }

            /// Names it, for as long as the server keeps it: also on another connection.
            #[must_use]
            pub fn id(&self) -> &str {
                &self.id
            }

            /// How it was when it began; `None` where it was picked up.
            #[must_use]
            pub fn created(&self) -> Option<&$crate::mcp_proto::types::Task> {
                self.begun.as_ref().map(|begun| &begun.task)
            }

            /// The same task with other options for its calls.
            #[must_use]
            pub fn with(&self, options: $crate::Options) -> Self {
                let client = self.client.with(options);
                Self { client, ..self.clone() }
            }

            /// How it is now.
            ///
            /// # Errors
            /// As the call has failed. `Unknown` where the server does not keep it any longer.
            pub $($async)* fn status(&self) -> Result<$crate::mcp_proto::types::Task, $error> {
                let get = $crate::tasks::task_status(&*self.id);
                let got = self.client.caller.submit(get) $($wait)*;
                got.map(|got| got.task).map_err(<$error>::from)
            }

            /// Waits until it has ended, and gives it as it is then: completed, failed or cancelled.
            ///
            /// # Errors
            /// As the waiting has failed.
            pub $($async)* fn wait(&self) -> Result<$crate::mcp_proto::types::Task, $error> {
                let wait = $crate::tasks::wait_for_task(&*self.id, self.call());
                self.client.caller.submit(wait) $($wait)* .map_err(<$error>::from)
            }

            /// Waits until it has ended, and gives what the call would have given.
            ///
            /// # Errors
            /// What the call would have failed with; `Cancelled` where the task was.
            pub $($async)* fn result(&self) -> Result<$crate::ToolOutput, $error> {
                let result = $crate::tasks::task_result(&*self.id, self.call());
                self.client.caller.submit(result) $($wait)* .map_err(<$error>::from)
            }

            /// Waits for it, and tells each change meanwhile.
            pub fn updates(&self) -> TaskUpdates $($args)* {
                TaskUpdates {
                    updates: $crate::Updates::new(&self.client.caller, &self.id, self.call()),
                    _client: self.client.clone(),
                }
            }

            /// Asks the server to cancel it. It may finish all the same (2026-07-28).
            ///
            /// # Errors
            /// As the call has failed; also where it has ended already, in 2025-11-25.
            pub $($async)* fn cancel(&self) -> Result<(), $error> {
                let cancel = $crate::tasks::cancel_task(&*self.id);
                self.client.caller.submit(cancel) $($wait)* .map_err(<$error>::from)
            }
        }

        impl $($impl)* TaskUpdates $($args)* {
            /// Waits until the task has ended, and gives what the call would have given.
            ///
            /// # Errors
            /// What the call would have failed with; `Cancelled` where the task was.
            pub $($async)* fn result(self) -> Result<$crate::ToolOutput, $error> {
                self.updates.into_result() $($wait)* .map_err(<$error>::from)
            }
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
