//! What operators say beside the book, of names and of DNSBLs: changed by the writer, in the
//! book's own transactions, and shown by the snapshot.

use jiff::Timestamp;

use super::{
    handle::{Handle, end, limit},
    request::Request,
    told,
    view::View,
    writer::{DAEMON, Writer, refused},
};
use crate::{
    book::{History, Origin, Standing, check_width},
    config::ListName,
    control::{
        ServiceError,
        api::{
            AllowName, BlockName, EndName, EndOverride, NameCheck, NameEntry, NameHistory,
            NameHistoryQuery, NameSet, NameVerdict, NamesEnded, OverrideHistory,
            OverrideHistoryQuery, OverrideSet, OverridesEnded, SetOverride,
        },
    },
    names::{NameRule, Names, check_reason},
    overrides::{self, OverrideRule, Overrides},
    roster::{self, Change, Entry, NewEntry, Outcome, Roster, RosterError, Rule},
};

impl Writer {
    /// Changes the name-based list. Stored before it is shown, shown before it is answered.
    pub(super) async fn change_names(
        &mut self,
        change: Change<NameRule>,
        by: &str,
    ) -> Result<Outcome<NameRule>, ServiceError> {
        let roster = self.names.roster().clone();
        let (roster, outcome) = self.store(&roster, change, by).await?;
        told::names(&outcome, by);
        self.names = Names::new(roster);
        self.publish();
        let patterns: Vec<_> = rules_of(&outcome)
            .map(|rule| rule.pattern.clone())
            .collect();
        self.judge_again(&[], &patterns).await?;
        Ok(outcome)
    }

    /// Changes the overrides of DNSBLs, as [`Writer::change_names`] does the names.
    pub(super) async fn change_overrides(
        &mut self,
        change: Change<OverrideRule>,
        by: &str,
    ) -> Result<Outcome<OverrideRule>, ServiceError> {
        let roster = self.overrides.roster().clone();
        let (roster, outcome) = self.store(&roster, change, by).await?;
        told::overrides(&outcome, by);
        self.overrides = Overrides::new(roster);
        self.publish();
        let networks: Vec<_> = rules_of(&outcome).map(|rule| rule.network).collect();
        self.judge_again(&networks, &[]).await?;
        Ok(outcome)
    }

    async fn store<R: Rule>(
        &mut self,
        roster: &Roster<R>,
        change: Change<R>,
        by: &str,
    ) -> Result<(Roster<R>, Outcome<R>), ServiceError> {
        let mut work = self.ledger.begin(Timestamp::now()).await.map_err(refused)?;
        let applied = roster::apply(&mut work, roster, change, by).await;
        let applied = applied.map_err(not_taken)?;
        work.commit(by).await.map_err(refused)?;
        Ok(applied)
    }

    /// Ends what is due.
    pub(super) async fn expire_rules(&mut self) -> Result<(), ServiceError> {
        let now = Timestamp::now();
        let due = |next: Option<Timestamp>| next.is_some_and(|at| at <= now);
        if due(self.names.roster().next_expiry()) {
            self.change_names(Change::Expire, DAEMON).await?;
        }
        if due(self.overrides.roster().next_expiry()) {
            self.change_overrides(Change::Expire, DAEMON).await?;
        }
        Ok(())
    }
}

/// The rules that a change was about.
fn rules_of<R: Rule>(outcome: &Outcome<R>) -> impl Iterator<Item = &R> {
    let entries = match outcome {
        Outcome::Added(entry) | Outcome::Renewed(entry) => std::slice::from_ref(entry),
        Outcome::Ended(entries, _) => entries,
    };
    entries.iter().map(|entry| &entry.rule)
}

/// A roster's refusal as the API tells it.
fn not_taken(error: RosterError) -> ServiceError {
    match error {
        RosterError::Store(error) => refused(error),
        RosterError::Refused(refusal @ roster::Refusal::LongComment { .. }) => {
            ServiceError::BadRequest(refusal.to_string())
        }
        RosterError::Refused(refusal) => ServiceError::Conflict(refusal.to_string()),
    }
}

/// What a [`Change::Put`] came to, and whether it was in force before.
fn put<R: Rule>(outcome: Outcome<R>) -> Result<(Entry<R>, bool), ServiceError> {
    match outcome {
        Outcome::Added(entry) => Ok((entry, false)),
        Outcome::Renewed(entry) => Ok((entry, true)),
        // Cannot happen as long as a change has the outcome of its kind.
        Outcome::Ended(..) => Err(ServiceError::Internal("nothing was entered".to_owned())),
    }
}

/// What a [`Change::End`] ended.
fn ended<R: Rule, A: for<'e> From<&'e Entry<R>>>(outcome: &Outcome<R>) -> Vec<A> {
    match outcome {
        Outcome::Ended(ended, _) => ended.iter().map(Into::into).collect(),
        Outcome::Added(_) | Outcome::Renewed(_) => Vec::new(),
    }
}

/// The numbers of those of `entries` that are meant.
fn numbers<'e, R: Rule>(
    entries: impl Iterator<Item = &'e Entry<R>>,
    meant: impl Fn(&R) -> bool,
) -> Vec<i64> {
    let meant = entries.filter(|entry| meant(&entry.rule));
    meant.map(|entry| entry.id).collect()
}

/// The past of a kind of rules, as it is shown.
async fn past<R: Rule, A: From<roster::Past<R>>>(
    history: &History,
    first: Option<String>,
    most: u32,
) -> Result<Vec<A>, ServiceError> {
    let found = roster::history::<R>(history, first.as_deref(), limit(most)).await;
    let found = found.map_err(|error| ServiceError::Internal(error.to_string()))?;
    Ok(found.into_iter().map(Into::into).collect())
}

impl Handle {
    pub(super) async fn enter_blocked_name(
        &self,
        request: BlockName,
        by: String,
    ) -> Result<NameSet, ServiceError> {
        check_reason(request.reason).map_err(ServiceError::BadRequest)?;
        let BlockName {
            pattern,
            reason,
            duration,
            comment,
            force,
        } = request;
        let standing = Standing::Listed(reason);
        let rule = NameRule { pattern, standing };
        self.enter_name(rule, new_words(duration, comment)?, force, by)
            .await
    }

    pub(super) async fn enter_allowed_name(
        &self,
        request: AllowName,
        by: String,
    ) -> Result<NameSet, ServiceError> {
        let AllowName {
            pattern,
            duration,
            comment,
            force,
        } = request;
        let standing = Standing::Allowed;
        let rule = NameRule { pattern, standing };
        self.enter_name(rule, new_words(duration, comment)?, force, by)
            .await
    }

    async fn enter_name(
        &self,
        rule: NameRule,
        words: Words,
        force: bool,
        by: String,
    ) -> Result<NameSet, ServiceError> {
        if !force {
            let checked = rule.pattern.check_width();
            checked.map_err(|error| ServiceError::Conflict(error.to_string()))?;
        }
        let change = words.on(rule);
        let outcome = self
            .ask(|reply| Request::Names { change, by, reply })
            .await?;
        let (entry, renewed) = put(outcome)?;
        let entry = NameEntry::from(&entry);
        Ok(NameSet { entry, renewed })
    }

    /// Ends what is said of exactly that pattern, if `meant`.
    pub(super) async fn end_names(
        &self,
        request: EndName,
        what: &str,
        meant: impl Fn(Standing) -> bool,
        by: String,
    ) -> Result<NamesEnded, ServiceError> {
        let pattern = request.pattern;
        let ids = numbers(self.view().names.roster().iter(), |rule| {
            rule.pattern == pattern && meant(rule.standing)
        });
        if ids.is_empty() {
            let message = format!("no entry {what} {pattern}: it must be given as it was entered");
            return Err(ServiceError::NotFound(message));
        }
        let change = Change::End(ids);
        let outcome = self
            .ask(|reply| Request::Names { change, by, reply })
            .await?;
        let ended = ended(&outcome);
        Ok(NamesEnded { ended })
    }

    pub(super) async fn past_names(
        &self,
        query: NameHistoryQuery,
    ) -> Result<NameHistory, ServiceError> {
        let pattern = query.pattern.map(String::from);
        let entries = past::<NameRule, _>(&self.view().history, pattern, query.limit).await?;
        Ok(NameHistory { entries })
    }

    pub(super) async fn enter_override(
        &self,
        request: SetOverride,
        by: String,
    ) -> Result<OverrideSet, ServiceError> {
        let SetOverride {
            network,
            list,
            duration,
            comment,
            force,
        } = request;
        if !force {
            check_width(network).map_err(|error| ServiceError::Conflict(error.to_string()))?;
        }
        let list = match list {
            Some(list) => Some(self.list_meant(list, force)?),
            None => None,
        };
        let change = new_words(duration, comment)?.on(OverrideRule { network, list });
        let outcome = self.ask(|reply| Request::Overrides { change, by, reply });
        let (entry, renewed) = put(outcome.await?)?;
        let entry = (&entry).into();
        Ok(OverrideSet { entry, renewed })
    }

    /// The configured list that is called so in any case. With `force` also one that is not (yet)
    /// configured.
    fn list_meant(&self, list: ListName, force: bool) -> Result<ListName, ServiceError> {
        match overrides::configured(&list, &self.view().config.dnsbl.lists) {
            Ok(list) => Ok(list),
            Err(_) if force => Ok(list),
            Err(error) => Err(ServiceError::Conflict(error.to_string())),
        }
    }

    pub(super) async fn end_overrides(
        &self,
        request: EndOverride,
        by: String,
    ) -> Result<OverridesEnded, ServiceError> {
        let EndOverride { network, list } = request;
        let meant =
            |rule: &OverrideRule| list.as_ref().is_none_or(|list| rule.is_for(list.as_str()));
        let ids = numbers(self.view().overrides.at(network), meant);
        if ids.is_empty() {
            let of = list.map_or_else(String::new, |list| format!(" of {list}"));
            let message = format!("nothing overrides what is said{of} about {network} itself");
            return Err(ServiceError::NotFound(message));
        }
        let change = Change::End(ids);
        let outcome = self.ask(|reply| Request::Overrides { change, by, reply });
        let ended = ended(&outcome.await?);
        Ok(OverridesEnded { ended })
    }

    pub(super) async fn past_overrides(
        &self,
        query: OverrideHistoryQuery,
    ) -> Result<OverrideHistory, ServiceError> {
        let network = query.network.map(|network| network.to_string());
        let history = &self.view().history;
        let entries = past::<OverrideRule, _>(history, network, query.limit).await?;
        Ok(OverrideHistory { entries })
    }
}

/// What the name-based list says of `name`.
pub(super) fn check_name(view: &View, name: String) -> NameCheck {
    let matches = view.names.all_of(&name);
    NameCheck {
        verdict: match matches.first() {
            Some(entry) if entry.reason().is_some() => NameVerdict::Block,
            Some(_) => NameVerdict::Allow,
            None => NameVerdict::None,
        },
        matches: matches.into_iter().map(Into::into).collect(),
        name,
    }
}

/// What an operator says with a rule.
struct Words {
    expires: Option<Timestamp>,
    comment: Option<String>,
}

fn new_words(
    duration: Option<std::time::Duration>,
    comment: Option<String>,
) -> Result<Words, ServiceError> {
    Ok(Words {
        expires: end(duration)?,
        comment,
    })
}

impl Words {
    fn on<R>(self, rule: R) -> Change<R> {
        Change::Put(NewEntry {
            rule,
            origin: Origin::Operator,
            comment: self.comment.map(Into::into),
            expires: self.expires,
        })
    }
}
