//! A network a line: what every program reads, this one included.

use std::io::{self, Write};

use super::carve::dropped;
use crate::control::api::Export;

pub(super) fn write(plan: &Export, out: &mut impl Write) -> io::Result<()> {
    dropped(plan)
        .into_iter()
        .try_for_each(|network| writeln!(out, "{network}"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{mixed, text};

    #[test]
    fn allowed_networks_are_cut_out() {
        assert_eq!(
            text(|out| super::write(&mixed(), out)),
            "\
192.0.2.0/24
198.51.100.0/31
198.51.100.3/32
2001:db8::/32
"
        );
    }
}
