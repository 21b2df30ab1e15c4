//! The live view on the terminal: samples, keys and signals to the state, pictures to the terminal,
//! which is left as it was found, whatever happens.

use std::{
    io,
    pin::pin,
    time::{Duration, Instant},
};

use crossterm::{
    event::{Event, EventStream},
    style::force_color_output,
};
use futures_util::{StreamExt as _, future};
use jiff::Timestamp;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{
    super::{
        error::{CliError, Exit},
        terminal,
    },
    draw::{Palette, draw},
    keys::action,
    sample::samples,
    state::{Flow, State},
};
use crate::control::client::Client;

/// Gives the terminal back when it is dropped. A panic gives it back first, so that its message can
/// be read: `ratatui::try_init` sees to that.
struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        // A terminal that is gone takes nothing back.
        let _ = ratatui::try_restore();
    }
}

/// Shows the gate until somebody has seen enough.
pub(super) async fn run(client: Client, every: Duration) -> Result<Exit, CliError> {
    shown(client, every).await.map_err(CliError::Output)?;
    Ok(Exit::Done)
}

async fn shown(client: Client, every: Duration) -> io::Result<()> {
    let palette = if terminal::has_colours() {
        Palette::Colours
    } else {
        Palette::Plain
    };
    // It would look at NO_COLOR alone.
    force_color_output(palette == Palette::Colours);
    let mut ends = [
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    ];
    let _restore = Restore;
    let mut terminal = ratatui::try_init()?;
    let mut state = State::new();
    let (look, view) = watch::channel(state.view);
    let mut samples = pin!(samples(client, every, view));
    let mut events = EventStream::new();
    loop {
        let (now, time) = (Instant::now(), Timestamp::now());
        terminal.draw(|frame| draw(frame, &state, palette, now, time))?;
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(Event::Key(key))) => {
                    let flow = action(key).map(|action| state.act(action));
                    if flow == Some(Flow::Quit) {
                        return Ok(());
                    }
                    let turn = |seen: &mut _| std::mem::replace(seen, state.view) != state.view;
                    look.send_if_modified(turn);
                }
                // Of another size, it is drawn anew.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            Some(sample) = samples.next() => match sample {
                Ok(sample) => state.take(sample),
                Err(why) => state.lose(why, Instant::now()),
            },
            _ = future::select_all(ends.iter_mut().map(|end| Box::pin(end.recv()))) => return Ok(()),
        }
    }
}
