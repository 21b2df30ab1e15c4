//! Complaints and verdicts on their way to the writer: from the API, from Maildirs, and from
//! filters that post them.

use std::{net::IpAddr, sync::Arc};

use jiff::Timestamp;
use tokio::{net::TcpListener, runtime, task::block_in_place};

use super::{DaemonError, Handle};
use crate::{
    config::{Config, EvidenceConfig},
    control::{
        ServiceError,
        api::{BadVerdict, Complained, Complaint, ComplaintFormat, ComplaintQuery, Fate, Judged},
    },
    evidence::{
        self, Evidence, Kind, Taken,
        intake::{Desk, DeskError, Format, Handed, Handling, Mail, Maildirs},
    },
};

/// Bad lines that are told, at most; all of them are kept.
const TOLD: usize = 100;

impl Handle {
    /// Takes a complaint in; what is told of it is stored.
    pub(super) async fn take_complaint(
        &self,
        mail: &[u8],
        query: ComplaintQuery,
        by: &str,
    ) -> Result<Complained, ServiceError> {
        let handed = Handed {
            format: match query.format {
                ComplaintFormat::Auto => Format::Auto,
                ComplaintFormat::Arf => Format::Arf,
            },
            trap: query.trap,
        };
        let read = block_in_place(|| self.desk.complaint(mail, handed, Timestamp::now()));
        let read = read.map_err(refused)?;
        let Taken { fates, listed } = self.take_any(read.evidence.clone(), by).await?;
        Ok(Complained {
            complaints: read.evidence.iter().zip(fates).map(told).collect(),
            dropped: read.dropped,
            domains: read.domains,
            refused: read.refused.iter().map(ToString::to_string).collect(),
            listed: listed.into_iter().map(Into::into).collect(),
        })
    }

    /// Takes verdicts in; what is told of them is stored.
    pub(super) async fn take_verdicts(
        &self,
        lines: &[u8],
        by: &str,
    ) -> Result<Judged, ServiceError> {
        let read = block_in_place(|| self.desk.verdicts(lines, Timestamp::now()));
        let read = read.map_err(refused)?;
        if let Some(first) = read.bad.first()
            && read.evidence.is_empty()
            && read.skipped == 0
        {
            let (line, why) = (first.line, &first.why);
            return Err(ServiceError::BadRequest(format!("line {line}: {why}")));
        }
        let Taken { fates, listed } = self.take_any(read.evidence, by).await?;
        let count = |fate| fates.iter().filter(|is| Fate::from(**is) == fate).count() as u64;
        Ok(Judged {
            taken: count(Fate::Taken),
            repeated: count(Fate::Repeated),
            skipped: read.skipped as u64 + count(Fate::Unfit),
            refused: read.bad.len() as u64,
            bad: read
                .bad
                .into_iter()
                .take(TOLD)
                .map(|bad| BadVerdict {
                    line: bad.line,
                    error: bad.why,
                })
                .collect(),
            listed: listed.into_iter().map(Into::into).collect(),
        })
    }

    /// Spares the writer a transaction about nothing.
    async fn take_any(&self, records: Vec<Evidence>, by: &str) -> Result<Taken, ServiceError> {
        if records.is_empty() {
            return Ok(Taken::default());
        }
        self.take(records, by.to_owned()).await
    }
}

impl From<evidence::Fate> for Fate {
    fn from(fate: evidence::Fate) -> Self {
        match fate {
            evidence::Fate::Taken => Self::Taken,
            evidence::Fate::Repeated => Self::Repeated,
            evidence::Fate::Refused(_) => Self::Unfit,
        }
    }
}

fn told((evidence, fate): (&Evidence, evidence::Fate)) -> Complaint {
    Complaint {
        address: evidence.address(),
        at: evidence.at(),
        by: evidence.from().as_ref().to_owned(),
        incidents: evidence.kind().count(),
        trap: matches!(evidence.kind(), Kind::Complaint { trap: true, .. }),
        fate: fate.into(),
    }
}

fn refused(error: DeskError) -> ServiceError {
    match error {
        DeskError::Refused(why) => ServiceError::BadRequest(why.to_string()),
        DeskError::NotKept { .. } => {
            tracing::error!(%error, "cannot use the quarantine");
            ServiceError::Internal(error.to_string())
        }
    }
}

/// The desk, by the configuration, on a machine with the addresses `own`.
pub(super) fn open_desk(config: &Config, own: Vec<IpAddr>) -> Result<Arc<Desk>, DaemonError> {
    let dir = config.paths.quarantine();
    Desk::open(config, dir.clone(), own)
        .map(Arc::new)
        .map_err(|source| DaemonError::File {
            path: dir,
            what: "reading the quarantine",
            source,
        })
}

/// Where filters may post verdicts, if that is configured.
pub(super) async fn listener(config: &EvidenceConfig) -> Result<Option<TcpListener>, DaemonError> {
    let Some(address) = config.listen.address() else {
        return Ok(None);
    };
    TcpListener::bind(address)
        .await
        .map(Some)
        .map_err(|source| DaemonError::Listen {
            key: "evidence.listen",
            address,
            source,
        })
}

/// What goes by another configuration after a reload.
pub(super) struct WaysIn {
    desk: Arc<Desk>,
    maildirs: Maildirs,
}

impl WaysIn {
    /// Starts to hand in what is delivered to the Maildirs. To be called within the runtime.
    pub(super) fn open(handle: &Handle, config: &EvidenceConfig) -> Result<Self, DaemonError> {
        let desk = Arc::clone(&handle.desk);
        let (runtime, handle) = (runtime::Handle::current(), handle.clone());
        let hand_in = move |mail: Mail<'_>| {
            let query = ComplaintQuery {
                format: ComplaintFormat::Auto,
                trap: mail.trap,
            };
            match runtime.block_on(handle.take_complaint(mail.raw, query, "maildir")) {
                Ok(_) => Handling::Taken,
                Err(ServiceError::BadRequest(why)) => {
                    tracing::info!(why, "refused a complaint of a Maildir");
                    Handling::Refused
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot take a complaint of a Maildir; it will be tried again");
                    Handling::NotNow
                }
            }
        };
        let max = config.max_report as usize;
        let maildirs = Maildirs::start(config.maildirs.clone(), max, hand_in);
        Ok(Self {
            desk,
            maildirs: maildirs.map_err(|source| DaemonError::File {
                path: "new".into(),
                what: "starting to watch the Maildirs",
                source,
            })?,
        })
    }

    /// Goes by this configuration from now on.
    pub(super) fn configure(&self, config: &Config, own: Vec<IpAddr>) {
        self.desk.configure(config, own);
        let config = &config.evidence;
        let max = config.max_report as usize;
        self.maildirs.configure(config.maildirs.clone(), max);
    }
}
