//! What the mail server asks before it takes mail, and what it is told.

mod aging;
mod check;
pub mod decide;
pub mod facts;
mod finding;
pub mod protocol;
pub mod reply;
pub mod request;
pub mod session;
mod window;

pub use check::{Case, Check};
pub use finding::Finding;
