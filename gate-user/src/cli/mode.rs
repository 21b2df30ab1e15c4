//! `mode`: show or set the mode.

use gate_common::Mode;
use hyper::Method;

use super::{
    error::{CliError, Exit},
    gate::Gate,
    tone::Tone,
};
use crate::control::api::{ModeState, SetMode, route};

/// What `mode` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// off: everything passes; monitor: what would be dropped is counted; enforce: it is dropped.
    #[arg(value_name = "MODE", value_parser = mode)]
    mode: Option<Mode>,
}

fn mode(name: &str) -> Result<Mode, String> {
    Mode::ALL
        .into_iter()
        .find(|mode| mode.as_str() == name)
        .ok_or_else(|| format!("expected {}", Mode::ALL.map(Mode::as_str).join(", ")))
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let state: ModeState = match args.mode {
        None => gate.client.get(route::MODE).await?,
        Some(mode) => {
            let request = SetMode { mode };
            let answer = gate.client.send(Method::PUT, route::MODE, &request);
            answer.await?
        }
    };
    gate.show(&state, |state, _| render(*state))?;
    Ok(Exit::Done)
}

fn render(state: ModeState) -> String {
    let mode = Tone::from(state.mode).paint(state.mode.as_str());
    if state.mode == state.configured {
        format!("{mode}\n")
    } else {
        format!(
            "{mode} (the configuration says {})\n",
            state.configured.as_str()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::tone::plain, control::examples::answer};

    #[test]
    fn a_mode_other_than_the_configured_one_is_told() {
        assert_eq!(
            plain(&render(answer(&Method::GET, route::MODE))),
            "enforce\n"
        );
        assert_eq!(
            plain(&render(answer(&Method::PUT, route::MODE))),
            "monitor (the configuration says enforce)\n"
        );
    }
}
