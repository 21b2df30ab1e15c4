//! A feed that is fetched: when it is due, what is asked for, and what became of what came.

use std::time::Duration;

use jiff::Timestamp;

use super::{Feed, Look, Source};
use crate::{
    config::{FeedSource, FeedUrl},
    feeds::{
        FileState, InForce, SourceStatus,
        fetch::{
            FetchError, Fetched, Order, Patience, Validators,
            schedule::{Pace, chance},
        },
        last_good::Note,
    },
};

/// A clock that was set back by less than this makes no difference.
const SET_BACK: Duration = Duration::from_hours(1);

/// What is known of a list that is fetched.
#[derive(Default)]
pub(super) struct Web {
    /// Of the last good copy, if there is one: to be told whether there is another list.
    validators: Validators,
    /// Tells the copy that they are of.
    copy: Option<String>,
    /// When the last fetch ended.
    fetched: Option<Timestamp>,
    /// When the next one is due.
    next: Timestamp,
    /// How many have failed one behind the other.
    failures: u32,
}

impl Feed {
    /// When its list is to be fetched next; `None` if it is not fetched at all.
    pub(in crate::feeds) fn next_fetch(&self) -> Option<Timestamp> {
        match &self.source {
            Source::Url(web) => Some(web.next),
            Source::File(_) => None,
        }
    }

    /// Whether its list is to be fetched now.
    pub(in crate::feeds) fn is_due(&self, now: Timestamp) -> bool {
        let Source::Url(web) = &self.source else {
            return false;
        };
        // Where the clock was set back, what was due by it may be far away.
        let set_back = |fetched: Timestamp| later(now, SET_BACK) < fetched;
        web.next <= now || web.fetched.is_some_and(set_back)
    }

    /// What is to be fetched; `None` if nothing is.
    pub(in crate::feeds) fn order(&self) -> Option<Order> {
        let (Source::Url(web), FeedSource::Url(url)) = (&self.source, self.config.source()) else {
            return None;
        };
        // What has lapsed must come whole.
        let known = self.good.is_some() && web.copy.is_some();
        Some(Order {
            url: url.clone(),
            ca_file: self.config.ca_file.clone(),
            max_size: self.config.max_size,
            patience: Patience::of(self.config.timeout),
            validators: known.then(|| web.validators.clone()),
        })
    }

    /// Takes what came of a fetch that ended `now`.
    pub(in crate::feeds) fn fetched(
        &mut self,
        outcome: Result<Fetched, FetchError>,
        now: Timestamp,
    ) -> Look {
        let FeedSource::Url(url) = self.config.source() else {
            return Look::Unchanged;
        };
        let url = url.clone();
        self.status.checked = Some(now);
        let (http, outcome) = match outcome {
            Ok(Fetched::List { bytes, validators }) => (Some(200), Ok((bytes, Some(validators)))),
            Ok(Fetched::Same) => (Some(304), self.copy().map(|bytes| (bytes, None))),
            Err(error) => (error.status(), Err(error)),
        };
        let (look, failed) = match outcome {
            Ok((bytes, validators)) => {
                let look = self.take(&bytes, now);
                if self.status.file == FileState::Ok {
                    self.keep(&bytes, validators);
                }
                (look, None)
            }
            Err(error) => {
                let why = error.to_string();
                let look = self.not_good(FileState::Failed { why }, now);
                (look, Some(error))
            }
        };
        self.plan_next(&url, http, failed.as_ref(), now);
        look
    }

    /// The last good copy, which is what the server would send.
    fn copy(&mut self) -> Result<Vec<u8>, FetchError> {
        let copy = self.copies.read(&self.config.name).ok().flatten();
        let Source::Url(web) = &mut self.source else {
            return Err(FetchError::CopyLost);
        };
        match copy {
            Some((_, bytes)) if web.copy == Some(Note::digest(&bytes)) => Ok(bytes),
            _ => {
                web.copy = None;
                Err(FetchError::CopyLost)
            }
        }
    }

    /// Notes that this list is the last good copy, if it is: what is not on the disk must come whole
    /// again.
    fn keep(&mut self, bytes: &[u8], validators: Option<Validators>) {
        let done = self.copied.is_some_and(|copied| copied.done);
        let Source::Url(web) = &mut self.source else {
            return;
        };
        if !done {
            web.copy = None;
        } else if let Some(validators) = validators {
            web.copy = Some(Note::digest(bytes));
            web.validators = validators;
        }
    }

    fn plan_next(
        &mut self,
        url: &FeedUrl,
        http: Option<u16>,
        failed: Option<&FetchError>,
        now: Timestamp,
    ) {
        let Source::Url(web) = &mut self.source else {
            return;
        };
        let pace = Pace {
            interval: self.config.interval,
            floor: url.floor(),
        };
        let pause = match failed {
            None => {
                web.failures = 0;
                pace.after_a_list(chance())
            }
            Some(error) => {
                web.failures = web.failures.saturating_add(1);
                pace.after_a_failure(web.failures, error, chance())
            }
        };
        web.fetched = Some(now);
        web.next = later(now, pause);
        let note = Note {
            url: Note::digest(url.whole().as_str().as_bytes()),
            copy: web.copy.clone(),
            validators: web.validators.clone(),
            fetched: now,
            good: self.status.file == FileState::Ok,
            failures: web.failures,
            next: web.next,
        };
        if let Err(error) = self.copies.write_note(&self.config.name, &note) {
            tracing::error!(
                feed = %self.config.name, %error,
                "cannot note when the feed was fetched; the next start fetches it at once"
            );
        }
        self.tell_fetch(http);
    }

    /// Goes on where the daemon was ended, as far as there is a copy to go on with.
    pub(super) fn read_note(&mut self, now: Timestamp) {
        let FeedSource::Url(url) = self.config.source() else {
            return;
        };
        let url = url.clone();
        let of_this = Note::digest(url.whole().as_str().as_bytes());
        let note = self.copies.note(&self.config.name);
        let Some(note) = note.filter(|note| note.url == of_this) else {
            self.good_is_of_another_list();
            return;
        };
        let copy = self.copies.read(&self.config.name).ok().flatten();
        let known = copy.is_some_and(|(_, bytes)| note.copy == Some(Note::digest(&bytes)));
        if !known {
            // It may be of a former address, at which nothing good was fetched since.
            self.good_is_of_another_list();
        }
        let known = known && self.good.is_some();
        let Source::Url(web) = &mut self.source else {
            return;
        };
        web.failures = note.failures;
        web.fetched = Some(note.fetched);
        let pace = Pace {
            interval: self.config.interval,
            floor: url.floor(),
        };
        // A clock that was ahead does not put it off for longer.
        web.next = note.next.min(later(now, pace.after_a_list(1.0)));
        if !known || (note.failures == 0 && !note.good) {
            // Whoever starts it again may have mended that: as soon as the server may be asked.
            web.next = web.next.min(later(note.fetched, pace.floor));
        }
        if known {
            web.validators = note.validators;
            web.copy = note.copy;
            if note.good && now < web.next {
                self.status.file = FileState::Ok;
                self.status.in_force = InForce::File;
                self.status.lapses = None;
            }
        }
        self.status.checked = Some(note.fetched);
        self.tell_fetch(None);
    }

    /// What is in force is not what is at the feed's address now, which is fetched as if for the
    /// first time.
    pub(super) fn fetch_anew(&mut self, now: Timestamp) {
        self.source = Source::Url(Web {
            next: now,
            ..Web::default()
        });
        self.tell_fetch(None);
    }

    /// By other guards; another interval counts from now on.
    pub(super) fn judge_copy_again(&mut self, now: Timestamp) -> Look {
        let interval = self.config.interval;
        let copy = self.copies.read(&self.config.name).ok().flatten();
        let copy = copy.filter(|_| self.good.is_some());
        let judged = copy.map(|(_, bytes)| {
            let parsed = self.parse(&bytes);
            self.judge(&parsed, now)
        });
        let was_refused = matches!(self.status.file, FileState::Refused { .. });
        if let Source::Url(web) = &mut self.source {
            web.next = web.next.min(later(now, interval));
            if was_refused {
                // What was refused is not kept: it may be good now.
                web.next = now;
            }
        }
        self.tell_fetch(self.http());
        match judged {
            Some(Err(refusal)) => {
                let why = refusal.to_string();
                self.not_good(FileState::Refused { why }, now)
            }
            Some(Ok(_)) | None => Look::Unchanged,
        }
    }

    fn http(&self) -> Option<u16> {
        match &self.status.source {
            SourceStatus::Url(fetch) => fetch.http,
            SourceStatus::File(_) => None,
        }
    }

    fn tell_fetch(&mut self, http: Option<u16>) {
        if let (Source::Url(web), SourceStatus::Url(fetch)) =
            (&self.source, &mut self.status.source)
        {
            fetch.fetched = web.fetched;
            fetch.next = Some(web.next);
            fetch.http = http;
            fetch.failures = web.failures;
        }
    }
}

/// In whole seconds, as all times of the status.
fn later(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = Duration::from_secs(pause.as_secs());
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
