//! The packages, as whoever installs them meets them: in a Debian with a systemd of its own, under
//! traffic. `cargo xtask test` makes what these tests need.

mod life;
mod pages;
mod policy;
mod service;
