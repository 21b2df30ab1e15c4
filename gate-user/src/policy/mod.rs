//! What the mail server asks before it takes mail, and what it is told.

mod aging;
mod check;
pub mod counters;
pub mod decide;
pub mod facts;
mod finding;
mod lookups;
pub mod maillog;
pub mod protocol;
mod reference;
pub mod reply;
pub mod request;
pub mod server;
mod service;
pub mod session;
#[cfg(test)]
pub(crate) mod testing;
pub mod traffic;
mod window;

pub(crate) use aging::Aging;
pub use check::{Case, Check};
pub use finding::Finding;
pub use lookups::Lookups;
pub use reference::Reference;
pub use service::{Policy, Scene};
pub(crate) use window::Window;
