//! One Maildir (<https://cr.yp.to/proto/maildir.html>): the files in `new`, one after the other.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::config::{MaildirConfig, Then};

/// A mail of a Maildir.
#[derive(Clone, Copy, Debug)]
pub struct Mail<'a> {
    /// The mail, or the beginning of one that is too long.
    pub raw: &'a [u8],
    /// Whether the Maildir is a spam trap's.
    pub trap: bool,
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Handling {
    /// It is taken: what it says is stored.
    Taken,
    /// It is refused, and kept elsewhere as configured.
    Refused,
    /// Neither: it is to be handed in again later.
    NotNow,
}

/// One Maildir.
#[derive(Debug)]
pub(super) struct Mailbox {
    config: MaildirConfig,
    /// What was handled, but could not be moved or removed: not handed in again.
    stuck: BTreeMap<PathBuf, Handling>,
    /// Whether it was told already that the Maildir is not usable.
    told: bool,
}

impl Mailbox {
    pub(super) fn new(config: MaildirConfig) -> Self {
        Self {
            config,
            stuck: BTreeMap::new(),
            told: false,
        }
    }

    pub(super) fn config(&self) -> &MaildirConfig {
        &self.config
    }

    /// Where mails come in.
    pub(super) fn incoming(&self) -> PathBuf {
        self.config.path.join("new")
    }

    /// Hands in all mails that are there, in the order of their names, which begin with the time
    /// of delivery. Ends early when one cannot be handed in now.
    pub(super) fn look(&mut self, max: usize, hand_in: &mut impl FnMut(Mail<'_>) -> Handling) {
        let mails = match mails(&self.incoming()) {
            Ok(mails) => mails,
            Err(error) => {
                self.tell(&self.incoming(), &error);
                return;
            }
        };
        self.stuck.retain(|path, _| mails.contains(path));
        let mut well = true;
        for path in mails {
            let handling = match self.stuck.get(&path) {
                Some(&handling) => handling,
                None => match read(&path, max) {
                    Ok(Some(raw)) => hand_in(Mail {
                        raw: &raw,
                        trap: self.config.trap,
                    }),
                    // Removed by somebody, or not a mail: a directory.
                    Ok(None) => continue,
                    Err(error) => {
                        self.tell(&path, &error);
                        well = false;
                        continue;
                    }
                },
            };
            if handling == Handling::NotNow {
                return;
            }
            if let Err(error) = self.put_away(&path, handling) {
                self.tell(&path, &error);
                well = false;
                self.stuck.insert(path, handling);
            }
        }
        if well {
            self.told = false;
        }
    }

    /// Moves a mail to `cur`, seen, and flagged if it was refused; or removes it.
    fn put_away(&self, path: &Path, handling: Handling) -> io::Result<()> {
        let gone = match self.config.then {
            Then::Delete => fs::remove_file(path),
            Then::Keep => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let flags = match handling {
                    Handling::Refused => "FS",
                    Handling::Taken | Handling::NotNow => "S",
                };
                let seen = self
                    .config
                    .path
                    .join("cur")
                    .join(format!("{name}:2,{flags}"));
                fs::rename(path, seen)
            }
        };
        match gone {
            // Somebody else was faster, unless it is `cur` that is missing.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.exists() => Ok(()),
            gone => gone,
        }
    }

    /// Logs what is wrong, once until all is well again.
    fn tell(&mut self, path: &Path, error: &io::Error) {
        if !self.told {
            tracing::error!(path = %path.display(), %error, "cannot use a Maildir");
            self.told = true;
        }
    }
}

/// The files in `new`, sorted.
fn mails(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut mails = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            mails.push(entry.path());
        }
    }
    mails.sort();
    Ok(mails)
}

/// The mail at `path`, at most one byte more than `max`; `None` if there is no regular file.
fn read(path: &Path, max: usize) -> io::Result<Option<Vec<u8>>> {
    // A link leads elsewhere, and a FIFO would block.
    let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW;
    let open = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file: File = match open {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut raw = Vec::new();
    file.take(max as u64 + 1).read_to_end(&mut raw)?;
    Ok(Some(raw))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn maildir(then: Then) -> (TempDir, Mailbox) {
        let dir = tempfile::tempdir().unwrap();
        for name in ["new", "cur", "tmp"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let mailbox = Mailbox::new(MaildirConfig {
            path: dir.path().to_owned(),
            trap: false,
            then,
        });
        (dir, mailbox)
    }

    fn put(dir: &TempDir, name: &str, text: &str) {
        fs::write(dir.path().join("new").join(name), text).unwrap();
    }

    /// The names in a directory of the Maildir, sorted.
    fn names(dir: &TempDir, of: &str) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(dir.path().join(of))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// What a look hands in; `no` is refused, `wait` is for later.
    fn look(mailbox: &mut Mailbox) -> Vec<String> {
        let mut seen = Vec::new();
        mailbox.look(10, &mut |mail: Mail<'_>| {
            let text = String::from_utf8(mail.raw.to_vec()).unwrap();
            let handling = match text.as_str() {
                "no" => Handling::Refused,
                "wait" => Handling::NotNow,
                _ => Handling::Taken,
            };
            seen.push(text);
            handling
        });
        seen
    }

    #[test]
    fn mails_are_handed_in_once_in_their_order_and_put_away() {
        let (dir, mut mailbox) = maildir(Then::Keep);
        for (name, text) in [("2.b", "no"), ("1.a", "one"), (".hidden", "x")] {
            put(&dir, name, text);
        }
        fs::create_dir(dir.path().join("new/3.c")).unwrap();
        assert_eq!(look(&mut mailbox), ["one", "no"]);
        assert_eq!(names(&dir, "cur"), ["1.a:2,S", "2.b:2,FS"]);
        assert!(look(&mut mailbox).is_empty());
    }

    #[test]
    fn mails_are_removed_where_that_is_configured() {
        let (dir, mut mailbox) = maildir(Then::Delete);
        put(&dir, "1.a", "one");
        put(&dir, "2.b", "no");
        assert_eq!(look(&mut mailbox).len(), 2);
        assert!(names(&dir, "new").is_empty() && names(&dir, "cur").is_empty());
    }

    #[test]
    fn a_mail_that_was_not_taken_stays() {
        let (dir, mut mailbox) = maildir(Then::Delete);
        put(&dir, "1.a", "one");
        put(&dir, "2.b", "wait");
        put(&dir, "3.c", "three");
        assert_eq!(look(&mut mailbox), ["one", "wait"]);
        assert_eq!(names(&dir, "new"), ["2.b", "3.c"]);
    }

    #[test]
    fn a_mail_that_cannot_be_put_away_is_not_handed_in_again_and_again() {
        let (dir, mut mailbox) = maildir(Then::Keep);
        put(&dir, "1.a", "one");
        fs::remove_dir(dir.path().join("cur")).unwrap();
        assert_eq!(look(&mut mailbox), ["one"]);
        assert!(look(&mut mailbox).is_empty());
        fs::create_dir(dir.path().join("cur")).unwrap();
        assert!(look(&mut mailbox).is_empty());
        assert_eq!(names(&dir, "cur"), ["1.a:2,S"]);
    }

    #[test]
    fn a_mail_that_is_too_long_is_cut_where_that_can_be_seen() {
        let (dir, mut mailbox) = maildir(Then::Keep);
        put(&dir, "1.a", &"x".repeat(100));
        assert_eq!(look(&mut mailbox), ["x".repeat(11)]);
    }

    #[test]
    fn what_is_no_mail_is_left_alone() {
        let (dir, mut mailbox) = maildir(Then::Keep);
        let fifo = dir.path().join("new/1.fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("new/2.link")).unwrap();
        assert!(look(&mut mailbox).is_empty());
        assert_eq!(names(&dir, "new").len(), 2);
    }

    #[test]
    fn a_maildir_that_is_not_there_is_no_end() {
        let (dir, mut mailbox) = maildir(Then::Keep);
        fs::remove_dir(dir.path().join("new")).unwrap();
        assert!(look(&mut mailbox).is_empty());
        fs::create_dir(dir.path().join("new")).unwrap();
        put(&dir, "1.a", "one");
        assert_eq!(look(&mut mailbox), ["one"]);
    }
}
