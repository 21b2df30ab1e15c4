//! Maildirs to which complaints are delivered: mails in `new` are handed in, then moved or removed.
//!
//! A thread ([`Maildirs`]) looks at the directories, when something in them changes and once in a
//! while. A mail is moved only when it was taken or refused for good, so that a crash loses none;
//! one that is handed in twice counts once.

mod mailbox;

use std::{
    collections::BTreeSet,
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use self::mailbox::Mailbox;
pub use self::mailbox::{Handling, Mail};
use crate::{config::MaildirConfig, watch::Watch};

/// How often all Maildirs are looked at: for what inotify does not tell, and for what could not
/// be handed in.
const LOOK: Duration = Duration::from_secs(30);

/// The hand on the thread, which ends when this is dropped.
#[derive(Debug)]
pub struct Maildirs {
    commands: Sender<Command>,
}

enum Command {
    Changed,
    Configure(Vec<MaildirConfig>, usize),
    Stop,
}

impl Drop for Maildirs {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.commands.send(Command::Stop);
    }
}

impl Maildirs {
    /// Starts to hand in what is in these Maildirs, and what comes. `hand_in` may wait; it is
    /// called for one mail at a time. A mail of more than `max` bytes is handed in cut after one
    /// byte more, for the desk to refuse.
    ///
    /// # Errors
    /// When the thread cannot be made.
    pub fn start(
        maildirs: Vec<MaildirConfig>,
        max: usize,
        hand_in: impl FnMut(Mail<'_>) -> Handling + Send + 'static,
    ) -> io::Result<Self> {
        let (commands, inbox) = channel();
        let watch = {
            let commands = commands.clone();
            Watch::new(move || {
                // An error means that the daemon is ending.
                let _ = commands.send(Command::Changed);
            })
        };
        let mut worker = Worker {
            mailboxes: Vec::new(),
            watch,
            max,
            hand_in,
        };
        worker.configure(maildirs);
        thread::Builder::new()
            .name("maildirs".to_owned())
            .spawn(move || worker.work(&inbox))?;
        Ok(Self { commands })
    }

    /// Takes another configuration.
    pub fn configure(&self, maildirs: Vec<MaildirConfig>, max: usize) {
        // An error means that the daemon is ending.
        let _ = self.commands.send(Command::Configure(maildirs, max));
    }
}

struct Worker<F> {
    mailboxes: Vec<Mailbox>,
    watch: Watch,
    max: usize,
    hand_in: F,
}

impl<F: FnMut(Mail<'_>) -> Handling> Worker<F> {
    /// Those that stay keep what is known of them.
    fn configure(&mut self, maildirs: Vec<MaildirConfig>) {
        let mut former = std::mem::take(&mut self.mailboxes);
        self.mailboxes = maildirs
            .into_iter()
            .map(
                |config| match former.iter().position(|is| *is.config() == config) {
                    Some(at) => former.swap_remove(at),
                    None => Mailbox::new(config),
                },
            )
            .collect();
    }

    fn work(&mut self, inbox: &Receiver<Command>) {
        loop {
            // Before the look, so that nothing that comes during it is missed.
            self.watch.hear_again();
            let dirs: BTreeSet<_> = self.mailboxes.iter().map(Mailbox::incoming).collect();
            self.watch.directories(dirs);
            for mailbox in &mut self.mailboxes {
                mailbox.look(self.max, &mut self.hand_in);
            }
            match inbox.recv_timeout(LOOK) {
                Ok(Command::Changed) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Command::Configure(maildirs, max)) => {
                    self.max = max;
                    self.configure(maildirs);
                }
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::Then;

    #[test]
    fn what_is_there_and_what_comes_is_handed_in() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["new", "cur", "tmp"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join("new/1.a.host"), "one").unwrap();
        let config = MaildirConfig {
            path: dir.path().to_owned(),
            trap: true,
            then: Then::Keep,
        };
        let (seen, mails) = channel();
        let maildirs = Maildirs::start(vec![config], 100, move |mail: Mail<'_>| {
            let text = String::from_utf8_lossy(mail.raw).into_owned();
            seen.send((text, mail.trap)).unwrap();
            Handling::Taken
        })
        .unwrap();
        let next = || mails.recv_timeout(Duration::from_mins(1)).unwrap();
        assert_eq!(next(), ("one".to_owned(), true));
        // As a delivery does it: whole, by renaming.
        fs::write(dir.path().join("tmp/2.b.host"), "two").unwrap();
        fs::rename(
            dir.path().join("tmp/2.b.host"),
            dir.path().join("new/2.b.host"),
        )
        .unwrap();
        assert_eq!(next(), ("two".to_owned(), true));
        drop(maildirs);
        // The thread ends, and with it what it hands mails to.
        assert!(mails.recv_timeout(Duration::from_mins(1)).is_err());
        assert!(dir.path().join("cur/1.a.host:2,S").exists());
    }
}
