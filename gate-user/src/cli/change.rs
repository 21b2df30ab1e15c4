//! `block`, `unblock`, `allow`, `disallow`: one network at a time.

use std::{fmt::Write as _, time::Duration};

use gate_common::Reason;
use hyper::Method;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    error::{CliError, Exit},
    gate::Gate,
    words::until,
};
use crate::{
    control::api::{
        Allow, AllowEntry, Allowed, Block, Blocked, Disallow, Disallowed, Exception, ExceptionKind,
        Listing, Unblock, Unblocked, route, span,
    },
    network::Network,
    plan::Enforcement,
};

/// What `block` is given.
#[derive(Debug, clap::Args)]
pub(super) struct BlockArgs {
    /// An address, or a network such as 192.0.2.0/24.
    network: Network,
    /// How long, such as 3d; for good if not given.
    #[arg(long = "for", value_name = "DURATION", value_parser = span::parse)]
    duration: Option<Duration>,
    /// Why.
    #[arg(long, value_name = "CODE", default_value = "manual", value_parser = reason)]
    reason: Reason,
    /// A word to whoever asks later.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Also if the network is wider than /8 (IPv6: /16).
    #[arg(long)]
    force: bool,
}

/// What `unblock` is given.
#[derive(Debug, clap::Args)]
pub(super) struct UnblockArgs {
    /// The network, exactly as it is listed.
    network: Network,
}

/// What `allow` is given.
#[derive(Debug, clap::Args)]
pub(super) struct AllowArgs {
    /// An address, or a network such as 192.0.2.0/24.
    network: Network,
    /// How long, such as 3d; for good if not given.
    #[arg(long = "for", value_name = "DURATION", value_parser = span::parse)]
    duration: Option<Duration>,
    /// A word to whoever asks later.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Also if it is the whole of IPv4 or IPv6.
    #[arg(long)]
    force: bool,
}

/// What `disallow` is given.
#[derive(Debug, clap::Args)]
pub(super) struct DisallowArgs {
    /// The network, exactly as it is allowed.
    network: Network,
}

/// The reason of a code.
pub(super) fn reason(code: &str) -> Result<Reason, String> {
    Reason::ALL
        .into_iter()
        .find(|reason| reason.code() == code)
        .ok_or_else(|| {
            format!(
                "expected one of {}",
                Reason::ALL.map(Reason::code).join(", ")
            )
        })
}

pub(super) async fn block(gate: &Gate, args: BlockArgs) -> Result<Exit, CliError> {
    let request = Block {
        network: args.network,
        reason: args.reason,
        duration: args.duration,
        comment: args.comment,
        force: args.force,
    };
    let answer = gate.client.send(Method::POST, route::BLOCK, &request);
    gate.show(&answer.await?, blocked)?;
    Ok(Exit::Done)
}

fn blocked(answer: &Blocked, now: Timestamp) -> String {
    let listing = &answer.listing;
    let (network, code) = (listing.network, listing.reason.code());
    let until = until(listing.expires, now);
    let mut text = if answer.renewed {
        format!(
            "{network} is listed as {code} since {}, now {until}\n",
            listing.since
        )
    } else {
        format!("{network} is listed as {code}, {until}\n")
    };
    match answer.enforcement {
        Enforcement::Drop => {}
        Enforcement::Reject => {
            let _ = writeln!(
                text,
                "  but {code} is not dropped: the mail server refuses it"
            );
        }
        Enforcement::Observe => {
            let _ = writeln!(text, "  but {code} is not dropped: it is only observed");
        }
    }
    let why = |exception: &Exception| match exception.kind {
        ExceptionKind::Allow => "is allowed",
        ExceptionKind::Own => "is never blocked (own, loopback, link-local or multicast)",
    };
    for exception in &answer.exceptions {
        let passes = exception.network;
        let _ = if passes.covers(network) {
            writeln!(
                text,
                "  but it passes all the same: {passes} {}",
                why(exception)
            )
        } else {
            writeln!(text, "  except {passes}, which {}", why(exception))
        };
    }
    text
}

pub(super) async fn unblock(gate: &Gate, args: UnblockArgs) -> Result<Exit, CliError> {
    let network = args.network;
    let request = Unblock { network };
    let answer = gate.client.send(Method::POST, route::UNBLOCK, &request);
    let answer: Unblocked = answer.await?;
    let nothing_ended = answer.ended.is_empty();
    tell(gate, &answer, nothing_ended, |answer| {
        unblocked(network, answer)
    })
}

/// Shows what was ended. Where nothing was, the command did not do what was asked of it.
fn tell<T: Serialize>(
    gate: &Gate,
    answer: &T,
    nothing_ended: bool,
    render: impl FnOnce(&T) -> String,
) -> Result<Exit, CliError> {
    if !nothing_ended {
        gate.show(answer, |answer, _| render(answer))?;
        return Ok(Exit::Done);
    }
    if gate.json {
        gate.show(answer, |answer, _| render(answer))?;
    } else {
        eprint!("gatectl: {}", render(answer));
    }
    Ok(Exit::Error)
}

fn unblocked(network: Network, answer: &Unblocked) -> String {
    let mut text = match answer.ended.as_slice() {
        [] if answer.remaining.iter().any(|it| it.network == network) => {
            format!("nothing was ended: {network} is listed by a feed, which alone can end that\n")
        }
        [] => format!("nothing was ended: {network} is listed through wider networks alone\n"),
        ended => {
            let reasons: Vec<_> = ended
                .iter()
                .map(|listing| format!("{} by {}", listing.reason.code(), listing.origin))
                .collect();
            format!(
                "the listing of {network} was ended: {}\n",
                reasons.join(", ")
            )
        }
    };
    for listing in &answer.remaining {
        let _ = writeln!(text, "  {network} is still listed: {}", through(listing));
    }
    if !answer.remaining.is_empty() {
        let _ = writeln!(text, "  `gatectl allow {network}` would let it pass");
    }
    text
}

/// `feed through 192.0.2.0/23 by feed:drop`.
fn through(listing: &Listing) -> String {
    format!(
        "as {} through {} by {}",
        listing.reason.code(),
        listing.network,
        listing.origin
    )
}

pub(super) async fn allow(gate: &Gate, args: AllowArgs) -> Result<Exit, CliError> {
    let request = Allow {
        network: args.network,
        duration: args.duration,
        comment: args.comment,
        force: args.force,
    };
    let answer = gate.client.send(Method::POST, route::ALLOW, &request);
    gate.show(&answer.await?, allowed)?;
    Ok(Exit::Done)
}

fn allowed(answer: &Allowed, now: Timestamp) -> String {
    let entry = &answer.entry;
    let until = until(entry.expires, now);
    let mut text = if answer.renewed {
        format!(
            "{} is allowed since {}, now {until}\n",
            entry.network, entry.since
        )
    } else {
        format!("{} is allowed, {until}\n", entry.network)
    };
    for listing in &answer.overrides {
        let _ = writeln!(text, "  although it is listed: {}", through(listing));
    }
    text
}

pub(super) async fn disallow(gate: &Gate, args: DisallowArgs) -> Result<Exit, CliError> {
    let network = args.network;
    let request = Disallow { network };
    let answer = gate.client.send(Method::POST, route::DISALLOW, &request);
    let answer: Disallowed = answer.await?;
    let nothing_ended = answer.ended.is_empty();
    tell(gate, &answer, nothing_ended, |answer| {
        disallowed(network, answer)
    })
}

fn disallowed(network: Network, answer: &Disallowed) -> String {
    let mut text = if answer.ended.is_empty() {
        format!("nothing was ended: no operator allows {network} itself\n")
    } else {
        format!("the allow entry of {network} was ended\n")
    };
    for AllowEntry {
        network: wider,
        origin,
        ..
    } in &answer.remaining
    {
        let _ = writeln!(
            text,
            "  {network} is still allowed: through {wider} by {origin}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::examples::{answer, now};

    fn post<T: serde::de::DeserializeOwned>(path: &str) -> T {
        answer(&Method::POST, path)
    }

    #[test]
    fn a_block_tells_until_when() {
        let mut answer: Blocked = post(route::BLOCK);
        answer.exceptions.clear();
        assert_eq!(
            blocked(&answer, now()),
            "192.0.2.0/24 is listed as manual, until 2026-03-07T10:00:00Z (in 2d 22h)\n"
        );
        answer.listing.expires = None;
        assert_eq!(
            blocked(&answer, now()),
            "192.0.2.0/24 is listed as manual, for good\n"
        );
        answer.renewed = true;
        assert_eq!(
            blocked(&answer, now()),
            "192.0.2.0/24 is listed as manual since 2026-03-04T10:00:00Z, now for good\n"
        );
    }

    #[test]
    fn a_block_tells_what_the_plan_does_not_carry() {
        let mut answer: Blocked = post(route::BLOCK);
        answer.listing.expires = None;
        for (enforcement, kind, network, expected) in [
            (
                Enforcement::Drop,
                ExceptionKind::Allow,
                "192.0.2.7/32",
                "  except 192.0.2.7/32, which is allowed\n",
            ),
            (
                Enforcement::Drop,
                ExceptionKind::Allow,
                "192.0.2.0/24",
                "  but it passes all the same: 192.0.2.0/24 is allowed\n",
            ),
            (
                Enforcement::Drop,
                ExceptionKind::Own,
                "192.0.2.9/32",
                "  except 192.0.2.9/32, which is never blocked (own, loopback, link-local or multicast)\n",
            ),
            (
                Enforcement::Observe,
                ExceptionKind::Own,
                "192.0.0.0/16",
                "  but manual is not dropped: it is only observed\n  but it passes all the same: \
                 192.0.0.0/16 is never blocked (own, loopback, link-local or multicast)\n",
            ),
        ] {
            answer.enforcement = enforcement;
            answer.exceptions = vec![Exception {
                kind,
                network: network.parse().unwrap(),
            }];
            let text = blocked(&answer, now());
            let (first, rest) = text.split_once('\n').unwrap();
            assert_eq!(first, "192.0.2.0/24 is listed as manual, for good");
            assert_eq!(rest, expected);
        }
    }

    #[test]
    fn an_unblock_tells_what_still_lists_the_network() {
        let network = "192.0.2.0/24".parse().unwrap();
        let mut answer: Unblocked = post(route::UNBLOCK);
        let still = "  192.0.2.0/24 is still listed: as feed through 192.0.2.0/23 by feed:drop\n  \
                     `gatectl allow 192.0.2.0/24` would let it pass\n";
        assert_eq!(
            unblocked(network, &answer),
            format!("the listing of 192.0.2.0/24 was ended: manual by operator\n{still}")
        );
        answer.ended.clear();
        assert_eq!(
            unblocked(network, &answer),
            format!(
                "nothing was ended: 192.0.2.0/24 is listed through wider networks alone\n{still}"
            )
        );
        let feeds = "192.0.2.0/23".parse().unwrap();
        let text = unblocked(feeds, &answer);
        assert!(
            text.starts_with("nothing was ended: 192.0.2.0/23 is listed by a feed, which alone"),
            "{text}"
        );
    }

    #[test]
    fn an_allow_tells_what_it_wins_over() {
        assert_eq!(
            allowed(&post(route::ALLOW), now()),
            "192.0.2.7/32 is allowed, until 2026-03-11T10:00:00Z (in 6d 22h)\n  \
             although it is listed: as feed through 192.0.2.0/23 by feed:drop\n"
        );
    }

    #[test]
    fn a_disallow_tells_what_still_allows_the_network() {
        let network = "192.0.2.7/32".parse().unwrap();
        let mut answer: Disallowed = post(route::DISALLOW);
        assert_eq!(
            disallowed(network, &answer),
            "the allow entry of 192.0.2.7/32 was ended\n"
        );
        answer.remaining = std::mem::take(&mut answer.ended);
        assert_eq!(
            disallowed(network, &answer),
            "nothing was ended: no operator allows 192.0.2.7/32 itself\n  \
             192.0.2.7/32 is still allowed: through 192.0.2.7/32 by operator\n"
        );
    }
}
