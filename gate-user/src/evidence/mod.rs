//! Evidence: who complained of a source, what the filter said of its mail, and what follows.
//!
//! In: [`Evidence`], one record a report or a count of mail. It says what was seen, never what
//! is to be done about it.

pub mod intake;
mod model;
mod score;

pub use {
    model::{Digest, Evidence, Kind, MAX_FROM},
    score::{
        Complaint, Component, DnsblAnswer, Milli, Part, PtrClass, Score, SourceEvidence, Sum, score,
    },
};
