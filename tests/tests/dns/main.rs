//! What DNS says, all the way: a real resolver, real lists, the kernel's verdict.
//!
//! A source that connects is asked about; what follows shows in the book and on the wire. Nothing
//! here leaves the lab.

mod flood;
mod lists;
mod names;
mod space;
