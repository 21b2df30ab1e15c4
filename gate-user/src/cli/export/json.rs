//! A JSON value a line, as `GET /v1/export` has them.

use std::io::{self, Write};

use crate::control::api::{Export, ExportLine};

pub(super) fn write(plan: Export, out: &mut impl Write) -> io::Result<()> {
    ExportLine::all(plan).try_for_each(|line| {
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")
    })
}

#[cfg(test)]
mod tests {
    use gate_common::Reason;

    use super::super::testing::{plan, text};

    #[test]
    fn what_passes_comes_first() {
        let plan = plan(&[("192.0.2.0/24", Reason::Manual)], &["203.0.113.7"]);
        assert_eq!(
            text(|out| super::write(plan, out)),
            r#"{"network":"203.0.113.7/32","verdict":"pass","reason":null}
{"network":"192.0.2.0/24","verdict":"drop","reason":"manual"}
"#
        );
    }
}
