//! What a change may ask for: how wide a network may be before somebody has to say that it is
//! meant, and how long a comment.

use super::error::Refusal;
use crate::network::Network;

/// Shortest IPv4 prefix that is listed without more ado.
pub const WIDEST_V4: u8 = 8;
/// Shortest IPv6 prefix that is listed without more ado.
pub const WIDEST_V6: u8 = 16;

/// Whether `network` may be listed without force.
///
/// # Errors
/// If it is wider than [`WIDEST_V4`] or [`WIDEST_V6`].
pub fn check_width(network: Network) -> Result<(), Refusal> {
    let widest = if network.is_v4() {
        WIDEST_V4
    } else {
        WIDEST_V6
    };
    if network.prefix_len() >= widest {
        Ok(())
    } else {
        Err(Refusal::TooWide { network, widest })
    }
}

/// Whether `network` may be allowed without force: all but a whole family.
///
/// # Errors
/// If it is `0.0.0.0/0` or `::/0`.
pub fn check_allow_width(network: Network) -> Result<(), Refusal> {
    if network.prefix_len() > 0 {
        Ok(())
    } else {
        Err(Refusal::AllowsAll { network })
    }
}

/// The longest comment, in bytes.
pub(crate) const MAX_COMMENT: usize = 1000;

/// Whether a comment on `network` is short enough to be shown, and to be told to a mail server.
///
/// # Errors
/// If it is longer than [`MAX_COMMENT`].
pub(super) fn check_comment(network: Network, comment: Option<&str>) -> Result<(), Refusal> {
    match comment {
        Some(comment) if comment.len() > MAX_COMMENT => Err(Refusal::LongComment {
            network,
            length: comment.len(),
            max: MAX_COMMENT,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_has_a_longest_length() {
        let network = "192.0.2.1".parse().unwrap();
        let long = "x".repeat(MAX_COMMENT + 1);
        assert_eq!(check_comment(network, None), Ok(()));
        assert_eq!(check_comment(network, Some(&long[1..])), Ok(()));
        let error = check_comment(network, Some(&long)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the comment on 192.0.2.1/32 is 1001 bytes long: 1000 are the most"
        );
    }

    #[test]
    fn what_needs_force() {
        for (network, listed, allowed) in [
            ("10.0.0.0/8", true, true),
            ("10.0.0.0/7", false, true),
            ("0.0.0.0/1", false, true),
            ("0.0.0.0/0", false, false),
            ("192.0.2.7/32", true, true),
            ("2001::/16", true, true),
            ("2000::/15", false, true),
            ("::/0", false, false),
        ] {
            let network = network.parse().unwrap();
            assert_eq!(check_width(network).is_ok(), listed, "{network}");
            assert_eq!(check_allow_width(network).is_ok(), allowed, "{network}");
        }
    }

    #[test]
    fn a_refusal_names_the_width_and_the_way() {
        let error = check_width("10.0.0.0/7".parse().unwrap()).unwrap_err();
        let text = error.to_string();
        for part in ["10.0.0.0/7", "/8", "--force"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
