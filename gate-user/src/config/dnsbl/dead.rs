//! Zones that list nothing any more, or everybody: each with when and why.
//!
//! Only what is known for sure is here. A dead zone that answers nothing costs look-ups; one whose
//! domain was sold, or whose owner wants to be left alone, answers everything.

/// A list that is gone, with all zones under its domain.
struct Dead {
    domain: &'static str,
    name: &'static str,
    how: &'static str,
}

const fn dead(domain: &'static str, name: &'static str, how: &'static str) -> Dead {
    Dead { domain, name, how }
}

const DEAD: [Dead; 13] = [
    dead("sorbs.net", "SORBS", "was emptied in June 2024"),
    dead("ahbl.org", "AHBL", "lists everybody since January 2015"),
    dead("njabl.org", "NJABL", "was shut down in March 2013"),
    dead("dsbl.org", "DSBL", "was shut down in 2008"),
    dead(
        "ordb.org",
        "ORDB",
        "was shut down in December 2006, and listed everybody in March 2008",
    ),
    dead(
        "osirusoft.com",
        "Osirusoft",
        "was shut down in August 2003, and listed everybody then",
    ),
    dead(
        "spamcannibal.org",
        "SpamCannibal",
        "was given up; the domain was sold in May 2018 and lists everybody since",
    ),
    dead(
        "ix.dnsbl.manitu.net",
        "NiX Spam",
        "was emptied in January 2025",
    ),
    dead("dnsbl.inps.de", "inps.de", "was shut down in May 2020"),
    dead(
        "emailbasura.org",
        "Email Basura",
        "was given up; the domain was sold by 2020 and listed everybody then",
    ),
    dead(
        "megarbl.net",
        "MegaRBL",
        "was given up; the domain was sold by November 2019 and listed everybody then",
    ),
    dead("orbs.org", "ORBS", "was shut down in 2001"),
    dead("opm.blitzed.org", "Blitzed OPM", "was shut down in 2006"),
];

/// Why `zone`, in lower case, is not to be asked; `None` if nothing is known against it.
pub(super) fn why(zone: &str) -> Option<String> {
    let within = |domain: &str| {
        let before = zone.strip_suffix(domain);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    let Dead { domain, name, how } = DEAD.iter().find(|dead| within(dead.domain))?;
    Some(format!(
        "{name} is dead: {domain} {how}; expected a list that is alive"
    ))
}
