//! What the view shows: samples, losses and actions in; rates and rows out. No clock, no terminal.

use std::time::{Duration, Instant};

use super::{
    keys::Action,
    rates::Rates,
    rows::{Row, View},
    sample::Sample,
};

/// Two samples closer than this make no rate: another view was looked at between two ticks.
const APART: Duration = Duration::from_millis(500);

/// What comes after an action.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Flow {
    GoOn,
    Quit,
}

/// In what order the rows are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Sort {
    /// The index of the column that decides.
    pub(super) column: usize,
    /// Whether what would be first is last.
    pub(super) reversed: bool,
}

/// A daemon that does not answer.
#[derive(Clone, Debug)]
pub(super) struct Lost {
    /// The first time that it did not.
    pub(super) since: Instant,
    /// What came instead, the last time.
    pub(super) why: String,
}

/// All that a picture is made of.
#[derive(Debug)]
pub(super) struct State {
    pub(super) view: View,
    pub(super) paused: bool,
    pub(super) help: bool,
    /// The first row that is shown.
    pub(super) first: usize,
    pub(super) rates: Rates,
    pub(super) latest: Option<Sample>,
    pub(super) lost: Option<Lost>,
    earlier: Option<Sample>,
    /// By view.
    sorts: [Sort; View::ALL.len()],
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            view: View::Sources,
            paused: false,
            help: false,
            first: 0,
            rates: Rates::default(),
            latest: None,
            lost: None,
            earlier: None,
            // The counts: the most first.
            sorts: [Sort {
                column: 1,
                reversed: false,
            }; View::ALL.len()],
        }
    }

    /// The daemon has answered.
    pub(super) fn take(&mut self, sample: Sample) {
        self.lost = None;
        if self.paused {
            return;
        }
        let is_apart = |latest: &Sample| sample.at.duration_since(latest.at) >= APART;
        if self.latest.as_ref().is_none_or(is_apart) {
            self.rates.take(&sample.stats, sample.at);
            self.earlier = self.latest.replace(sample);
        } else {
            self.latest = Some(sample);
        }
    }

    /// The daemon has not answered.
    pub(super) fn lose(&mut self, why: String, now: Instant) {
        let since = self.lost.as_ref().map_or(now, |lost| lost.since);
        self.lost = Some(Lost { since, why });
    }

    /// Does what a key wants.
    pub(super) fn act(&mut self, action: Action) -> Flow {
        match action {
            Action::Quit => return Flow::Quit,
            Action::Look(view) => self.look(view),
            Action::NextView => {
                let next = (self.view as usize + 1) % View::ALL.len();
                self.look(View::ALL[next]);
            }
            Action::Sort => {
                let columns = self.view.columns().len();
                let sort = &mut self.sorts[self.view as usize];
                sort.column = (sort.column + 1) % columns;
                sort.reversed = false;
                self.first = 0;
            }
            Action::Reverse => {
                let sort = &mut self.sorts[self.view as usize];
                sort.reversed = !sort.reversed;
                self.first = 0;
            }
            Action::Pause => self.paused = !self.paused,
            Action::Help => self.help = !self.help,
            Action::Down(rows) => {
                let last = self.rows().len().saturating_sub(1);
                self.first = (self.first + rows).min(last);
            }
            Action::Up(rows) => self.first = self.first.saturating_sub(rows),
            Action::Top => self.first = 0,
        }
        Flow::GoOn
    }

    /// Another view may need what a held picture has not: it goes on.
    fn look(&mut self, view: View) {
        self.view = view;
        self.first = 0;
        self.paused = false;
    }

    pub(super) fn sort(&self) -> Sort {
        self.sorts[self.view as usize]
    }

    /// All rows of the view, sorted.
    pub(super) fn rows(&self) -> Vec<Row> {
        let Some(latest) = &self.latest else {
            return Vec::new();
        };
        let mut rows = self.view.rows(latest, self.earlier.as_ref());
        let Sort { column, reversed } = self.sort();
        rows.sort_by(|one, other| {
            let order = one[column].order(&other[column]);
            if reversed { order.reverse() } else { order }
        });
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::top::testing::{sample, source},
        control::examples::now,
    };

    fn state() -> State {
        let mut sample = sample();
        sample.top.sources = vec![
            source("192.0.2.7", 5),
            source("192.0.2.9", 9),
            source("192.0.2.8", 7),
        ];
        let mut state = State::new();
        state.take(sample);
        state
    }

    fn firsts(state: &State) -> Vec<String> {
        let rows = state.rows();
        rows.iter().map(|row| row[0].text(now())).collect()
    }

    #[test]
    fn rows_are_sorted_as_is_asked_for() {
        let mut state = state();
        assert_eq!(firsts(&state), ["192.0.2.9", "192.0.2.8", "192.0.2.7"]);
        state.act(Action::Reverse);
        assert_eq!(firsts(&state), ["192.0.2.7", "192.0.2.8", "192.0.2.9"]);
        for _ in 1..View::Sources.columns().len() {
            state.act(Action::Sort);
        }
        assert_eq!(state.sort().column, 0);
        assert_eq!(firsts(&state), ["192.0.2.7", "192.0.2.8", "192.0.2.9"]);
        state.act(Action::NextView);
        assert_eq!(
            firsts(&state),
            ["192.0.2.0/24"],
            "each view has its own order"
        );
        assert_eq!(state.sort().column, 1);
    }

    #[test]
    fn a_held_picture_stays() {
        let mut state = state();
        state.act(Action::Pause);
        let mut next = sample();
        next.top.sources.clear();
        state.take(next.clone());
        assert_eq!(firsts(&state).len(), 3);
        state.act(Action::Look(View::Networks));
        state.take(next);
        assert_eq!(firsts(&state).len(), 0, "another view goes on");
    }

    #[test]
    fn another_view_between_two_ticks_makes_no_rate() {
        let mut state = state();
        let mut next = sample();
        next.at = state.latest.as_ref().unwrap().at + Duration::from_secs(1);
        state.take(next.clone());
        let told = |state: &State| format!("{:?}", (&state.rates, &state.earlier));
        let before = told(&state);
        next.at += Duration::from_millis(20);
        next.stats.seen += 1000;
        state.take(next.clone());
        assert_eq!(told(&state), before);
        assert_eq!(state.latest.as_ref().unwrap().at, next.at, "it is shown");
        next.at += Duration::from_secs(1);
        state.take(next);
        assert_ne!(told(&state), before);
    }

    #[test]
    fn one_can_move_to_the_last_row_and_back() {
        let mut state = state();
        state.act(Action::Down(10));
        assert_eq!(state.first, 2);
        state.act(Action::Up(1));
        assert_eq!(state.first, 1);
        state.act(Action::Top);
        assert_eq!(state.first, 0);
    }

    #[test]
    fn a_daemon_that_is_away_is_missed_since_it_went() {
        let mut state = state();
        let went = Instant::now();
        state.lose("no socket".to_owned(), went);
        state.lose("refused".to_owned(), went + Duration::from_secs(3));
        let lost = state.lost.as_ref().unwrap();
        assert_eq!((lost.since, lost.why.as_str()), (went, "refused"));
        assert_eq!(firsts(&state).len(), 3, "what it said last stays");
        state.act(Action::Pause);
        state.take(sample());
        assert!(state.lost.is_none(), "also in a held picture");
    }

    #[test]
    fn only_quit_quits() {
        let mut state = state();
        assert_eq!(state.act(Action::Help), Flow::GoOn);
        assert_eq!(state.act(Action::Quit), Flow::Quit);
    }
}
