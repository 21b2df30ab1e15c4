//! What the XDP program does with a frame, on the real kernel: mostly through test-run, attached
//! to nothing, one line a case.

mod alarms;
mod buffers;
mod fragments;
mod headers;
mod limits;
mod random;
mod reference;
mod reports;
mod stack;
mod truncation;
mod verdicts;
