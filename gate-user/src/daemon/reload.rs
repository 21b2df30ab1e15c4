//! The configuration, read again while `gated` runs. In: the file. Out: what has changed and what waits for
//! the next start; a wrong file changes nothing.

use std::{fmt::Display, sync::Arc};

use super::turns::Turns;
use crate::{
    book::Change,
    config::{Config, Effect},
    control::{ServiceError, api::Reloaded},
    web::operators::Tokens,
};

impl Turns {
    /// Reads the configuration again; a bad one changes nothing.
    pub(super) async fn reload(&mut self, by: &str) -> Result<Reloaded, ServiceError> {
        let path = self.writer.config_path.clone();
        let shown = path.as_ref().map(|path| path.display().to_string());
        let Some(path) = path else {
            return Ok(Reloaded {
                config: None,
                changes: Vec::new(),
                needs_restart: Vec::new(),
            });
        };
        let fresh =
            Config::load(&path).map_err(|error| ServiceError::BadRequest(error.to_string()))?;
        let tokens = fresh.web.operators.as_ref().map(Tokens::read).transpose();
        let tokens = tokens.map_err(|error| ServiceError::BadRequest(error.to_string()))?;
        let former = Arc::clone(&self.writer.config);
        let changes = former.changes(&fresh);
        let fresh = former.reloaded(fresh);
        let allow = Change::Configure {
            allow: fresh.allow.networks.clone(),
        };
        self.writer.config = Arc::new(fresh);
        self.door.configure(tokens);
        self.writer.log.set_level(self.writer.config.log.level);
        let internal = |error: &dyn Display| ServiceError::Internal(error.to_string());
        let mode = self.writer.config.gate.mode;
        if former.gate.mode != mode {
            let in_force = self.writer.kept_mode.in_force(mode);
            self.writer.mode = in_force.map_err(|error| internal(&error))?;
        }
        self.writer.configure().map_err(|error| internal(&error))?;
        self.writer
            .reconfigure_flood(&former, by)
            .map_err(|error| internal(&error))?;
        self.writer.change(vec![allow], by).await?;
        self.writer
            .choose_interfaces()
            .await
            .map_err(|error| internal(&error))?;
        self.attach().await;
        self.look_at_machine().await;
        self.feeds.configure(self.writer.config.feeds.clone());
        self.lookups
            .configure(&self.writer.config)
            .map_err(|error| internal(&error))?;
        let asks = |config: &Config| (config.dnsbl.clone(), config.ptr.clone(), config.lookup);
        if asks(&former) != asks(&self.writer.config) {
            self.writer.reconsider().await?;
        }
        tracing::info!(by, changes = changes.len(), "reloaded configuration");
        let (live, restart): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .partition(|change| change.effect == Effect::Live);
        Ok(Reloaded {
            config: shown,
            changes: live.iter().map(ToString::to_string).collect(),
            needs_restart: restart.into_iter().map(|change| change.key).collect(),
        })
    }
}
