//! The error that every binding has: one text, so that they are the same in all of them.

/// Defines `Error`, what can go wrong outside of the protocol, in a binding that has the features
/// `server` and `client` and depends on the cores accordingly.
#[doc(hidden)]
#[macro_export]
macro_rules! binding_error {
    () => {
        /// Why serving or connecting failed.
        ///
        /// Its `Debug` is its `Display`: a `main` that returns it ends with a sentence.
        #[non_exhaustive]
        pub enum Error {
            /// The server's components contradict each other or the protocol; the message names the fix.
            #[cfg(feature = "server")]
            Build(mcp_server_core::BuildError),
            /// A call to a server failed, or the connection could not be made.
            #[cfg(feature = "client")]
            Call(mcp_client_core::CallError),
            /// A tool's result is not what it was read as; or it is the tool's own failure.
            #[cfg(feature = "client")]
            Output(mcp_client_core::OutputError),
            /// The system refused a read, a write, a socket or a process.
            Io(::std::io::Error),
        }

        impl ::std::fmt::Display for Error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self {
                    #[cfg(feature = "server")]
                    Self::Build(error) => write!(f, "the server cannot be built: {error}"),
                    #[cfg(feature = "client")]
                    Self::Call(error) => error.fmt(f),
                    #[cfg(feature = "client")]
                    Self::Output(error) => error.fmt(f),
                    Self::Io(error) => error.fmt(f),
                }
            }
        }

        impl ::std::fmt::Debug for Error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }

        impl ::std::error::Error for Error {
            fn source(&self) -> Option<&(dyn ::std::error::Error + 'static)> {
                match self {
                    #[cfg(feature = "server")]
                    Self::Build(error) => Some(error),
                    #[cfg(feature = "client")]
                    Self::Call(error) => Some(error),
                    #[cfg(feature = "client")]
                    Self::Output(error) => Some(error),
                    Self::Io(error) => Some(error),
                }
            }
        }

        #[cfg(feature = "http-client")]
        impl From<mcp_client_core::http::BadEndpoint> for Error {
            fn from(error: mcp_client_core::http::BadEndpoint) -> Self {
                Self::Io(error.into())
            }
        }

        #[cfg(feature = "server")]
        impl From<mcp_server_core::BuildError> for Error {
            fn from(error: mcp_server_core::BuildError) -> Self {
                Self::Build(error)
            }
        }

        #[cfg(feature = "client")]
        impl From<mcp_client_core::CallError> for Error {
            fn from(error: mcp_client_core::CallError) -> Self {
                Self::Call(error)
            }
        }

        #[cfg(feature = "client")]
        impl From<mcp_client_core::OutputError> for Error {
            fn from(error: mcp_client_core::OutputError) -> Self {
                Self::Output(error)
            }
        }

        impl From<::std::io::Error> for Error {
            fn from(error: ::std::io::Error) -> Self {
                Self::Io(error)
            }
        }
    };
}
