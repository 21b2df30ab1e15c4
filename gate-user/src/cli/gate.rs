//! What every command has at hand: the daemon, and where its answers are shown.

use std::{
    cell::{Cell, RefCell},
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use jiff::Timestamp;
use serde::Serialize;

use super::error::CliError;
use crate::control::client::Client;

/// The daemon that is spoken to, and how and where its answers are shown.
pub(super) struct Gate {
    pub(super) client: Client,
    pub(super) json: bool,
    out: RefCell<Box<dyn Write>>,
    reader_gone: Cell<bool>,
}

impl Gate {
    /// A gate whose daemon listens on `socket` and whose answers go to `out`.
    pub(super) fn new(socket: PathBuf, json: bool, out: Box<dyn Write>) -> Self {
        Self {
            client: Client::new(socket),
            json,
            out: RefCell::new(out),
            reader_gone: Cell::new(false),
        }
    }

    /// Shows an answer: as JSON, or as `render` has it at the present time.
    pub(super) fn show<T: Serialize>(
        &self,
        answer: &T,
        render: impl FnOnce(&T, Timestamp) -> String,
    ) -> Result<(), CliError> {
        self.write(|out| {
            if self.json {
                serde_json::to_writer(&mut *out, answer)?;
                out.write_all(b"\n")
            } else {
                out.write_all(render(answer, Timestamp::now()).as_bytes())
            }
        })
    }

    /// Whether anybody may still read what is shown: who goes on showing has to ask.
    pub(super) fn has_reader(&self) -> bool {
        !self.reader_gone.get()
    }

    /// Shows what `write` writes. A reader that has gone (`gatectl list | head`) is no error.
    pub(super) fn write(
        &self,
        write: impl FnOnce(&mut BufWriter<&mut Box<dyn Write>>) -> io::Result<()>,
    ) -> Result<(), CliError> {
        let mut out = self.out.borrow_mut();
        let mut buffered = BufWriter::new(&mut *out);
        match write(&mut buffered).and_then(|()| buffered.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                // What is left over would be written when the buffer goes.
                let _ = buffered.into_parts();
                self.reader_gone.set(true);
                Ok(())
            }
            written => written.map_err(CliError::Output),
        }
    }
}
