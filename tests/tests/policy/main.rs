//! The mail server asks the gate: Debian's Postfix, configured as docs/policy.md has it, and SMTP
//! clients from many addresses.

mod book;
mod life;
mod limits;
mod names;
mod postfix;
mod replies;
mod sender_domains;
mod simulate;
mod smtp;
