//! What can go wrong outside of the protocol.

mcp_proto::binding_error!();
