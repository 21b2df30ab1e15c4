//! The one writer: it takes in what changes the book, makes the plan so, and then the gate table.
//!
//! In: requests of the control API, feeds, expiry, changes of the machine's interfaces and
//! addresses, signals. Out: the gate in the kernel, and a [`view::View`] of everything for those
//! who read. [`start`] is the way from nothing to an enforcing gate; it is also the way after a
//! crash and after an upgrade.

mod answer;
mod arguments;
mod burst;
mod classes;
mod connections;
mod desk;
mod door;
mod error;
mod explain;
mod flood;
mod handle;
mod intake;
mod kept;
mod listings;
mod logging;
mod lookup;
mod metrics;
mod mode;
mod notify;
mod off;
mod passed;
mod policy;
mod privileges;
mod reload;
mod reports;
mod request;
mod rules;
mod run;
mod series;
mod settings;
mod start;
mod told;
mod top;
mod turns;
mod verify;
mod view;
mod web;
mod writer;

pub use arguments::Arguments;
pub use error::DaemonError;
pub use handle::Handle;
pub use off::detach;
pub use passed::{Passed, PassedSocket};
pub use privileges::Loader;
pub use run::{Options, run};
