//! The public page in a real browser, in front of a real gate.

mod check;
mod hostile;
mod page;
mod removal;
mod taken;
