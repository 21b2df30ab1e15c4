//! The pages in a real browser, in front of a real gate.

mod check;
mod contrast;
mod hostile;
mod operators;
mod page;
mod proxy;
mod removal;
mod taken;
mod whole;
