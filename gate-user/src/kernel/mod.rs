//! The kernel's side, and the only module that writes it.

mod object;

pub use object::OBJECT;
