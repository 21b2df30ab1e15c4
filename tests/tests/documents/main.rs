//! The documents tell the truth: their commands run, their configuration is read, their links lead
//! somewhere.

mod book;
mod commands;
mod configuration;
mod console;
mod curl;
mod first_server;
mod gated;
mod operations;
mod page;
mod programs;
mod xtask;
