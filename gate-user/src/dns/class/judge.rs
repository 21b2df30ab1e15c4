//! The rules: what was found in a name, weighed.
//!
//! Who stands where matters. The labels in front of the embedded address may be the customer's to
//! choose, those from it on are the registrant's. So a word that speaks for a server lifts an
//! embedded address only from there, and `mail.dsl-192-0-2-7.example.net` is what the rest says.

use std::{net::IpAddr, ops::Range};

use super::{
    Classification, Confidence, NameClass, embed,
    evidence::{Embedded, Evidence, Form, Word},
    text::{Text, Token},
    words::{self, Meaning},
};
use Confidence::{High, Low, Medium};

/// The words of a name, each meaning by its rightmost one: that is the nearest to the registrant.
#[derive(Default)]
struct Words {
    line: Option<Word>,
    maybe_line: Option<Word>,
    /// How many words of access lines there are, of both sorts.
    lines: u8,
    fixed: Option<Word>,
    mail: Option<Word>,
    server: Option<Word>,
    host: Option<Word>,
    nobody: Option<Word>,
    /// The same in the label that was registered, where a word may be the name of a firm.
    domain_line: Option<Word>,
    domain_maybe_line: Option<Word>,
    domain_mail: Option<Word>,
}

/// Classifies what `text` says of `address`.
pub(super) fn judge(text: &Text, address: IpAddr) -> Classification {
    let found = embed::find(text, address);
    let digits = found.as_ref().map_or(0..0, |found| found.letters.clone());
    let words = Words::of(text, &digits);
    let embedded = found
        .map(|found| found.embedded)
        .filter(|found| counts(text, *found, &words));
    if let Some(fixed) = words.fixed.filter(|fixed| lifts(*fixed, embedded, &words)) {
        let mail = words.mail.filter(|mail| is_own(*mail, embedded));
        return match mail {
            Some(mail) => told(NameClass::Mail, Medium, embedded, None, Some(mail)),
            None => told(NameClass::Static, High, embedded, None, Some(fixed)),
        };
    }
    match embedded {
        Some(embedded) => of_address(text, embedded, &words),
        None => of_words(text, address, &words),
    }
}

/// Whether what was found is more than chance: two octets alone only count with a word that says
/// what the number is, or where nothing else is in the label. A word for mail cancels them where it
/// stands beside them or behind; in front of them only if no word says what they are.
fn counts(text: &Text, found: Embedded, words: &Words) -> bool {
    if found.octets() > 2 {
        return true;
    }
    let said = words.line.or(words.maybe_line).or(words.host).is_some();
    let bare = text
        .label(found.first_label - 1)
        .all(|token| token.is_digits);
    match words.mail {
        Some(mail) => said && !is_own(mail, Some(found)),
        None => said || bare,
    }
}

/// Whether the registrant chose the word: it stands where the address begins, or behind.
fn is_own(word: Word, embedded: Option<Embedded>) -> bool {
    embedded.is_none_or(|embedded| word.label >= embedded.first_label)
}

/// Whether a word for fixed addresses is to be believed: in front of the address, not if what comes
/// behind says access line, or may say so.
fn lifts(fixed: Word, embedded: Option<Embedded>, words: &Words) -> bool {
    let lines = [words.line, words.maybe_line, words.domain_line];
    let behind = |line: Word| line.label > fixed.label;
    is_own(fixed, embedded) || !lines.into_iter().flatten().any(behind)
}

/// A name that holds its address.
fn of_address(text: &Text, embedded: Embedded, words: &Words) -> Classification {
    let sure = match embedded.octets() {
        // Less than four groups of an IPv6 address are as good as three octets.
        4..8 if embedded.form == Form::Groups => Medium,
        4.. => High,
        3 => Medium,
        _ => Low,
    };
    let own_mail = words.mail.filter(|mail| is_own(*mail, Some(embedded)));
    if let Some(line) = words.line.or(words.domain_line) {
        told(NameClass::Dynamic, sure, Some(embedded), Some(line), None)
    } else if let Some(mail) = own_mail {
        told(NameClass::Mail, Medium, Some(embedded), None, Some(mail))
    } else if let Some(line) = words.maybe_line.or(words.domain_maybe_line) {
        let sure = sure.min(Medium);
        told(NameClass::Dynamic, sure, Some(embedded), Some(line), None)
    } else if words.domain_mail.is_some() || is_mail_domain(text) {
        let mail = words.domain_mail;
        told(NameClass::Unknown, Low, Some(embedded), None, mail)
    } else {
        told(NameClass::Generic, sure, Some(embedded), None, None)
    }
}

/// Whether the registered name has to do with mail (`mailgun`), by a part of it. That says too
/// little to call the host a mail server, but enough not to call it generic.
fn is_mail_domain(text: &Text) -> bool {
    text.label(text.domain()).any(|token| {
        let word = text.read(token);
        word.windows(4)
            .any(|part| part == b"mail" || part == b"smtp")
    })
}

/// A name that does not hold its address.
fn of_words(text: &Text, address: IpAddr, words: &Words) -> Classification {
    if let Some(line) = words.line.or(words.maybe_line) {
        return of_line(text, line, words);
    }
    if let Some(mail) = words.mail {
        let sure = if mail.label == 1 { High } else { Medium };
        return told(NameClass::Mail, sure, None, None, Some(mail));
    }
    if words.nobody.is_some() {
        return told(NameClass::Generic, Medium, None, words.nobody, None);
    }
    if is_serial(text, words) {
        let mut found = told(NameClass::Generic, Low, None, None, None);
        found.evidence.serial = Some(1);
        return found;
    }
    if let Some(mail) = words.domain_mail {
        return told(NameClass::Mail, Low, None, None, Some(mail));
    }
    match words.server {
        Some(server) if server.label == 1 && is_a_few(text, address) => {
            told(NameClass::Static, Low, None, None, Some(server))
        }
        _ => told(NameClass::Unknown, Low, None, None, None),
    }
}

/// A name with a word of access lines, without the address.
fn of_line(text: &Text, line: Word, words: &Words) -> Classification {
    let said = |class, sure| told(class, sure, None, Some(line), None);
    let number = text.longest_number(line.label - 1);
    let certain = words.line.is_some();
    if let Some(mail) = words.mail {
        // The provider's own server for its customers, unless one of them is told behind.
        let customer = has_customer(text, mail, line);
        let behind = line.label > mail.label;
        return if certain && customer && line.label >= mail.label {
            said(NameClass::Dynamic, Low)
        } else if certain && line.label < mail.label
            || behind && (customer || has_customers_line(text, mail, line))
        {
            said(NameClass::Unknown, Low)
        } else {
            told(NameClass::Mail, Medium, None, None, Some(mail))
        };
    }
    let numbered = text.longest_number(0) > 0;
    let agreed = words.lines > 1 || words.host.is_some();
    if is_plain(line) {
        said(NameClass::Dynamic, Medium)
    } else if words.server.is_some_and(|server| server.label == 1) && words.lines < 2 {
        said(NameClass::Unknown, Low)
    } else if certain && (line.label > 1 || numbered || agreed) {
        said(NameClass::Dynamic, Medium)
    } else if agreed && numbered
        || words.lines > 1
        || line.label > 1 && numbered
        || number >= 3 && line.text.len() > 2
    {
        said(NameClass::Dynamic, Low)
    } else {
        said(NameClass::Unknown, Low)
    }
}

/// Whether a number or a MAC address that a customer is told by stands between the two words, or
/// beside the one for the line.
fn has_customer(text: &Text, mail: Word, line: Word) -> bool {
    let first = mail.label.min(line.label - 1);
    (first..line.label).any(|label| text.longest_number(label) >= 3 || text.has_mac(label))
}

/// Whether behind the label of the word for mail is one, as far as the word for the line, that no
/// server is called after.
fn has_customers_line(text: &Text, mail: Word, line: Word) -> bool {
    let labels = mail.label..line.label;
    let tokens = labels.flat_map(|label| text.label(label));
    let mut words = tokens.filter_map(|token| word(text, token));
    words.any(|word| {
        let of_customers =
            is_plain(word) || ["dhcp", "ppp", "pppoa", "pppoe", "cpe"].contains(&word.text);
        word.meaning == Meaning::Line && of_customers
    })
}

/// A word that nobody would call a server.
fn is_plain(line: Word) -> bool {
    line.text.starts_with("dyn") || line.text.starts_with("din") || line.text.starts_with("dial")
}

/// Whether the first label is a serial number that a provider gave out: `vps123456`, `s12345678`.
fn is_serial(text: &Text, words: &Words) -> bool {
    let (mut letters, mut numbers, mut longest_word) = (0, 0, 0);
    for token in text.label(0) {
        if token.is_digits {
            numbers += 1;
        } else {
            letters += 1;
            longest_word = longest_word.max(text.read(token).len());
        }
    }
    let number = text.longest_number(0);
    let server = words.server.filter(|server| server.label == 1);
    let named = words.host.or(server).is_some();
    let mixed_host = words.host.is_some() && numbers >= 3 && longest_word <= 4;
    let lone = letters == 1 && numbers == 1 && longest_word <= 2;
    text.domain() > 0 && (named && number >= 5 || mixed_host || lone && number >= 6)
}

/// Whether the first label's number is one that people count servers by, not the last octet.
fn is_a_few(text: &Text, address: IpAddr) -> bool {
    let last = match address {
        IpAddr::V4(address) => Some(address.octets()[3]),
        IpAddr::V6(_) => None,
    };
    text.longest_number(0) <= 3
        && text.label(0).filter(|token| token.is_digits).all(|token| {
            let number = text.read(token).iter();
            let value = number.fold(0_u16, |value, digit| {
                value.saturating_mul(10) + u16::from(digit - b'0')
            });
            last.is_none_or(|last| value != u16::from(last))
        })
}

impl Words {
    /// All but those that overlap the bytes of `digits`, which are digits of the address.
    fn of(text: &Text, digits: &Range<usize>) -> Self {
        let mut words = Self::default();
        let domain = text.domain();
        for &token in text.tokens() {
            let is_word = !token.is_digits && !token.overlaps(digits);
            if !is_word || token.label > domain || token.label + 1 == text.labels() {
                continue;
            }
            let Some(word) = word(text, token) else {
                continue;
            };
            if token.label < domain {
                words.take(word);
            } else {
                match word.meaning {
                    Meaning::Line => words.domain_line = Some(word),
                    Meaning::MaybeLine => words.domain_maybe_line = Some(word),
                    Meaning::Mail => words.domain_mail = Some(word),
                    _ => {}
                }
            }
        }
        words
    }

    fn take(&mut self, word: Word) {
        let place = match word.meaning {
            Meaning::Line => &mut self.line,
            Meaning::MaybeLine => &mut self.maybe_line,
            Meaning::Static => &mut self.fixed,
            Meaning::Mail => &mut self.mail,
            Meaning::Server => &mut self.server,
            Meaning::Host => &mut self.host,
            Meaning::Nobody => &mut self.nobody,
        };
        *place = Some(word);
        if matches!(word.meaning, Meaning::Line | Meaning::MaybeLine) {
            self.lines = self.lines.saturating_add(1);
        }
    }
}

fn word(text: &Text, token: Token) -> Option<Word> {
    let read = text.read(token);
    let (known, meaning) = words::meaning(read)?;
    // Two letters are found in any serial number.
    let whole = read.len() > 2 || text.begins_run(token);
    (whole && !text.is_punycode(token)).then_some(Word {
        text: known,
        meaning,
        label: token.label + 1,
    })
}

fn told(
    class: NameClass,
    confidence: Confidence,
    embedded: Option<Embedded>,
    access: Option<Word>,
    server: Option<Word>,
) -> Classification {
    Classification {
        class,
        confidence,
        evidence: Evidence {
            embedded,
            access,
            server,
            serial: None,
        },
    }
}
