//! What the behaviour tests share: the peers that others wrote, and the official schemas.

pub mod peers;
pub mod schema;
pub mod served;
pub mod source;
pub mod transcript;
