//! What the mail server asks before it takes mail, and what it is told to say.

pub mod reply;
