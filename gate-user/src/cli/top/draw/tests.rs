use std::time::Duration;

use gate_common::Reason;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};

use super::*;
use crate::{
    cli::top::{
        keys::Action,
        rows::View,
        sample::Sample,
        testing::{sample, source},
    },
    control::{api::PerReason, examples::now},
};

/// A gate that has dropped 1000 SYNs within a second, nine times.
fn busy() -> State {
    let mut state = State::new();
    let mut sample = sample();
    sample.top.sources = (1..=40)
        .map(|host| source(&format!("192.0.2.{host}"), 1000 - host))
        .collect();
    for second in 0..9 {
        state.take(Sample {
            at: sample.at + Duration::from_secs(second),
            ..sample.clone()
        });
        sample.stats.seen += 1000;
        let dropped = &sample.stats.dropped;
        sample.stats.dropped = PerReason::from_fn(|reason| {
            dropped.of(reason) + 1000 * u64::from(reason == Reason::Feed)
        });
    }
    state
}

fn picture(state: &State, palette: Palette, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let at = state.latest.as_ref().map_or_else(Instant::now, |it| it.at);
    let later = at + Duration::from_secs(12);
    terminal
        .draw(|frame| draw(frame, state, palette, later, now()))
        .unwrap();
    terminal.backend().buffer().clone()
}

/// What the picture shows, line by line.
fn text(state: &State, width: u16, height: u16) -> Vec<String> {
    let buffer = picture(state, Palette::Plain, width, height);
    let symbols: Vec<_> = buffer
        .content()
        .iter()
        .map(ratatui::buffer::Cell::symbol)
        .collect();
    let lines = symbols.chunks(width.into()).map(<[_]>::concat);
    lines.map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn at_80_by_24_all_is_there() {
    let lines = text(&busy(), 80, 24);
    assert_eq!(
        lines.join("\n"),
        "\
gate enforce  calm for 3d 6h  eth0 native  eth1 not attached: no such interface
SYNs 1.0k/s  passed 0.0 %  dropped 100.0 %
31 open from 12 sources  blocked 1190 + 44  index 0.0 % full
warning: eth1 is not guarded: no such interface
SYNs            A SECOND         TOTAL
seen                1.0k        128000                                  ████████
passed               0.0         20000
allowed              0.0            42
feed                1.0k        106000                                  ████████
manual               0.0          1958
limited              0.0           127
courtesy             0.0             9
malformed            0.0             3
 1 sources   2 networks   3 connections  since 6h ago, one drop of 100
SOURCE     DROPS v  A SECOND  REASON  LAST
192.0.2.1     ~999       0.0  manual  1m 59s ago
192.0.2.2     ~998       0.0  manual  1m 59s ago
192.0.2.3     ~997       0.0  manual  1m 59s ago
192.0.2.4     ~996       0.0  manual  1m 59s ago
192.0.2.5     ~995       0.0  manual  1m 59s ago
192.0.2.6     ~994       0.0  manual  1m 59s ago
192.0.2.7     ~993       0.0  manual  1m 59s ago
192.0.2.8     ~992       0.0  manual  1m 59s ago
 q  quit   ?  keys   Tab  view   s  sort   r  reverse   p  hold"
    );
}

#[test]
fn a_narrow_terminal_shows_the_first_columns() {
    let lines = text(&busy(), 30, 16);
    assert_eq!(
        lines.join("\n"),
        "\
gate enforce  calm for 3d 6h
SYNs 1.0k/s  passed 0.0 %  dro
31 open from 12 sources  block
warning: eth1 is not guarded:
SYNs            A SECOND
seen                1.0k
passed               0.0
allowed              0.0
feed                1.0k
 1 sources   2 networks   3 co
SOURCE     DROPS v  A SECOND
192.0.2.1     ~999       0.0
192.0.2.2     ~998       0.0
192.0.2.3     ~997       0.0
192.0.2.4     ~996       0.0
 q  quit   ?  keys   Tab  view"
    );
}

#[test]
fn no_size_is_too_small() {
    for make in [State::new, busy] {
        for width in [1, 2, 7, 20, 39, 46, 47, 150] {
            for height in [1, 2, 3, 4, 5, 6, 9, 40] {
                for help in [false, true] {
                    let mut state = make();
                    state.help = help;
                    picture(&state, Palette::Colours, width, height);
                }
            }
        }
    }
}

#[test]
fn colours_are_drawn_with_the_palette_for_them_alone() {
    let mut state = busy();
    state.lose("no gate daemon".to_owned(), Instant::now());
    let colours = |palette| {
        let buffer = picture(&state, palette, 80, 24);
        let cells = buffer.content().iter();
        cells.filter(|cell| cell.fg != Color::Reset).count()
    };
    assert!(colours(Palette::Colours) > 0);
    assert_eq!(colours(Palette::Plain), 0);
}

#[test]
fn a_daemon_that_is_away_is_told_of_over_its_last_words() {
    let mut state = busy();
    let at = state.latest.as_ref().unwrap().at;
    state.lose("no gate daemon at /s\u{1b}[2J".to_owned(), at);
    let lines = text(&state, 80, 24);
    assert_eq!(
        lines[3],
        "trying again, for 12s: no gate daemon at /s\\u{1b}[2J"
    );
    assert!(lines.iter().any(|line| line.contains("192.0.2.1 ")));
    let mut never = State::new();
    never.lose("no gate daemon".to_owned(), Instant::now());
    let lines = text(&never, 80, 24);
    assert!(lines[1].ends_with(": no gate daemon"), "{lines:?}");
}

#[test]
fn keys_change_what_is_drawn() {
    let mut state = busy();
    state.act(Action::Down(3));
    assert!(has(&state, "192.0.2.4 ") && !has(&state, "192.0.2.3 "));
    state.act(Action::Reverse);
    assert!(has(&state, "DROPS ^") && has(&state, "192.0.2.40 "));
    state.act(Action::Look(View::Networks));
    assert!(has(&state, "192.0.2.0/24"));
    state.act(Action::Look(View::Connections));
    assert!(has(&state, "2001:db8:1:2::/64") && has(&state, "2 in all"));
    state.act(Action::Pause);
    assert!(has(&state, " p  go on"));
    state.act(Action::Help);
    assert!(has(&state, "sort by the next column"));
}

#[test]
fn what_is_amiss_is_told() {
    let mut state = busy();
    let latest = state.latest.as_mut().unwrap();
    latest.top.sample = 0;
    latest.status.kernel = None;
    latest.status.drift.missing = 3;
    latest.status.warnings.push("two".to_owned());
    for words in [
        "drops are not sampled",
        "the gate is not on the wire",
        "drift 3",
        "warning (1 of 2): eth1 is not guarded",
    ] {
        assert!(has(&state, words), "{words}");
    }
}

fn has(state: &State, words: &str) -> bool {
    text(state, 120, 24).iter().any(|line| line.contains(words))
}
