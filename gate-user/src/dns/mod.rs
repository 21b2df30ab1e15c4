//! What DNS tells of a source: questions about its address in, answers out, within a budget.

pub mod class;
pub mod dnsbl;
pub mod inquiry;
pub mod mail;
pub mod name;
pub mod ptr;
pub mod resolver;
#[cfg(test)]
pub(crate) mod testing;
