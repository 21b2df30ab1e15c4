//! What the tests that need a kernel stand on.

pub mod lab;
