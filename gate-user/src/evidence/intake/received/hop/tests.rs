//! What the mail servers of this world write, and what their clients try.

use proptest::prelude::*;

use super::*;

/// `-` not understood, `inside`, `local`, or the address.
fn read(text: &str) -> String {
    match hop(text) {
        None => "-".to_owned(),
        Some(Hop::Inside) => "inside".to_owned(),
        Some(Hop::Local) => "local".to_owned(),
        Some(Hop::From(address)) => address.to_string(),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_servers_write() {
    for (server, text, expected) in [
        (
            "Postfix",
            "from mail.example (host.example [1.2.3.4])\r\n\tby mx.example.org (Postfix) with ESMTP id 4X for <a@example.org>; Mon, 12 Oct 2026 00:00:00 +0000 (UTC)",
            "1.2.3.4",
        ),
        (
            "Postfix, no name",
            "from x (unknown [1.2.3.4]) by mx (Postfix) with SMTP id 4X; date",
            "1.2.3.4",
        ),
        (
            "Postfix, IPv6",
            "from x (h.example [IPv6:2a00:1::1]) by mx (Postfix) with ESMTPS id 4X; date",
            "2a00:1::1",
        ),
        (
            "Postfix, TLS",
            "from x (h.example [1.2.3.4])\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\t key-exchange X25519)\n\t(No client certificate requested)\n\tby mx (Postfix) with ESMTPS id 4X; date",
            "1.2.3.4",
        ),
        (
            "Postfix, login",
            "from [192.168.1.5] (h.example [1.2.3.4]) (Authenticated sender: u) by mx (Postfix) with ESMTPSA id 4X; date",
            "1.2.3.4",
        ),
        (
            "Postfix, certificate",
            "from x (h.example [1.2.3.4]) (Client CN \"x\", Issuer \"y\" (verified OK)) by mx (Postfix) with ESMTPS id 4X; date",
            "1.2.3.4",
        ),
        (
            "Postfix pickup",
            "by mx.example.org (Postfix, from userid 0) id 4X; date",
            "local",
        ),
        (
            "Sendmail",
            "from x (h.example [1.2.3.4]) by mx (8.17.1/8.17.1) with ESMTP id 49C; date",
            "1.2.3.4",
        ),
        (
            "Sendmail, no name",
            "from x ([1.2.3.4]) by mx (8.17.1/8.17.1) with ESMTP id 49C; date",
            "1.2.3.4",
        ),
        (
            "Sendmail, forged",
            "from x (h.example [1.2.3.4] (may be forged)) by mx (8.17.1) with ESMTP id 49C; date",
            "1.2.3.4",
        ),
        (
            "Sendmail, ident",
            "from x (IDENT:root@h.example [1.2.3.4]) by mx (8.17.1) with ESMTP id 49C; date",
            "1.2.3.4",
        ),
        (
            "Sendmail, IPv6",
            "from x ([IPv6:2a00:1:0:0:0:0:0:1]) by mx (8.17.1) with ESMTP id 49C; date",
            "2a00:1::1",
        ),
        (
            "Sendmail, a program",
            "(from root@localhost)\n\tby mx (8.17.1/8.17.1/Submit) id 49C; date",
            "local",
        ),
        (
            "Sendmail, local",
            "from root@localhost by mx (8.17.1/Submit) id 49C; date",
            "local",
        ),
        (
            "Exim",
            "from h.example ([1.2.3.4] helo=x) by mx with esmtps (TLS1.3) tls TLS_AES (Exim 4.96) (envelope-from <a@b>) id 1q; date",
            "1.2.3.4",
        ),
        (
            "Exim, HELO is the name",
            "from h.example ([1.2.3.4]) by mx with esmtp (Exim 4.96) id 1q; date",
            "1.2.3.4",
        ),
        (
            "Exim, port",
            "from h.example ([1.2.3.4]:2525 helo=x) by mx with esmtp (Exim 4.96) id 1q; date",
            "1.2.3.4",
        ),
        (
            "Exim, no name",
            "from [1.2.3.4] (helo=x) by mx with smtp (Exim 4.96) id 1q; date",
            "1.2.3.4",
        ),
        (
            "Exim, no name, port",
            "from [1.2.3.4]:2525 (helo=x) by mx with smtp (Exim 4.96) id 1q; date",
            "1.2.3.4",
        ),
        (
            "Exim, no name, no HELO",
            "from [1.2.3.4] by mx with smtp (Exim 4.96) id 1q; date",
            "1.2.3.4",
        ),
        (
            "Exim, IPv6",
            "from h.example ([2a00:1::1] helo=x) by mx with esmtp (Exim 4.96) id 1q; date",
            "2a00:1::1",
        ),
        (
            "Exim, local",
            "from u by mx with local (Exim 4.96) (envelope-from <u@mx>) id 1q; date",
            "local",
        ),
        (
            "qmail",
            "from h.example (HELO x) (1.2.3.4)\n  by mx with SMTP; date",
            "1.2.3.4",
        ),
        (
            "qmail, HELO is the name",
            "from h.example (1.2.3.4) by mx with SMTP; date",
            "1.2.3.4",
        ),
        (
            "qmail, ident",
            "from unknown (HELO x) (u@1.2.3.4) by mx with SMTP; date",
            "1.2.3.4",
        ),
        (
            "qmail, TLS",
            "from unknown (HELO x) (1.2.3.4) by mx with (DHE-RSA-AES256 encrypted) SMTP; date",
            "1.2.3.4",
        ),
        (
            "qmail, mapped",
            "from unknown (HELO x) (::ffff:1.2.3.4) by mx with SMTP; date",
            "1.2.3.4",
        ),
        (
            "qmail-queue",
            "(qmail 4711 invoked from network); 12 Oct 2026 00:00:00 -0000",
            "inside",
        ),
        (
            "qmail, local",
            "(qmail 4711 invoked by uid 89); 12 Oct 2026 00:00:00 -0000",
            "local",
        ),
        (
            "Yahoo",
            "from 1.2.3.4  (EHLO x) (1.2.3.4) by mta with SMTPs; date",
            "1.2.3.4",
        ),
        (
            "Exchange",
            "from x (1.2.3.4) by mx.example (5.6.7.8) with Microsoft SMTP Server (TLS) id 15.1; date",
            "1.2.3.4",
        ),
        (
            "Exchange, IPv6",
            "from x (2a00:1::1) by mx (2a00:2::1) with Microsoft SMTP Server (version=TLS1_2, cipher=X) id 15.20; date",
            "2a00:1::1",
        ),
        (
            "IIS",
            "from x ([1.2.3.4]) by mx with Microsoft SMTPSVC(10.0); date",
            "1.2.3.4",
        ),
        (
            "Gmail",
            "from x (h.example. [1.2.3.4])\r\n        by mx.google.com with ESMTPS id a1si1 for <a@example.org> (version=TLS1_3 cipher=X bits=256/256); date",
            "1.2.3.4",
        ),
        (
            "Gmail, within",
            "by 2002:a05:6a10:1234:b0:1:2 with SMTP id x1csp1; date",
            "inside",
        ),
        (
            "Gmail, API",
            "from 1234 named unknown by gmailapi.google.com with HTTPREST; date",
            "-",
        ),
        (
            "Courier",
            "from x (h.example [::ffff:1.2.3.4])\n  (AUTH: PLAIN u, TLS: TLS1.3,256bits)\n  by mx with ESMTPS id 0001; date",
            "1.2.3.4",
        ),
        (
            "amavis",
            "from mx ([127.0.0.1]) by localhost (mx [127.0.0.1]) (amavis, port 10024) with ESMTP id X; date",
            "127.0.0.1",
        ),
        (
            "Dovecot LMTP",
            "from mx.example.org\n\tby store with LMTP\n\tid X\n\t(envelope-from <a@b>); date",
            "inside",
        ),
        (
            "Cyrus",
            "from mx.example.org ([unix socket]) by store (Cyrus 3.6) with LMTPA; date",
            "inside",
        ),
        (
            "a server that tells no address",
            "from x by mx with SMTP id 1; date",
            "-",
        ),
    ] {
        assert_eq!(read(text), expected, "{server}: {text}");
    }
}

/// What a client may say: 9.9.9.9 is somebody else, who must not be blamed.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_clients_say_is_not_believed() {
    for (what, text, expected) in [
        (
            "HELO is a literal",
            "from [9.9.9.9] (unknown [1.2.3.4]) by mx (Postfix) with SMTP id 1; date",
            "1.2.3.4",
        ),
        (
            "HELO is an address",
            "from 9.9.9.9 (unknown [1.2.3.4]) by mx (Postfix) with SMTP id 1; date",
            "1.2.3.4",
        ),
        (
            "HELO is by",
            "from by (unknown [1.2.3.4]) by mx (Postfix) with SMTP id 1; date",
            "1.2.3.4",
        ),
        (
            "HELO is a literal, qmail",
            "from unknown (HELO [9.9.9.9]) (1.2.3.4) by mx with SMTP; date",
            "1.2.3.4",
        ),
        (
            "HELO is a literal, Exim",
            "from h.example ([1.2.3.4] helo=[9.9.9.9]) by mx with esmtp (Exim 4.96) id 1; date",
            "1.2.3.4",
        ),
        (
            "HELO is a literal, Exim, no name",
            "from [1.2.3.4] (helo=[9.9.9.9]) by mx with esmtp (Exim 4.96) id 1; date",
            "1.2.3.4",
        ),
        (
            "HELO holds a comment",
            "from x (y [9.9.9.9]) (unknown [1.2.3.4]) by mx with SMTP id 1; date",
            "-",
        ),
        (
            "HELO holds a comment, Exchange",
            "from x (9.9.9.9) (1.2.3.4) by mx with Microsoft SMTP Server id 1; date",
            "-",
        ),
        (
            "HELO holds a comment and by",
            "from x ([9.9.9.9]) by y with SMTP (unknown [1.2.3.4]) by mx with SMTP id 1; date",
            "-",
        ),
        (
            "HELO holds Exim's words",
            "from [9.9.9.9] (helo=x) (unknown [1.2.3.4]) by mx with SMTP id 1; date",
            "-",
        ),
        (
            "HELO opens a comment",
            "from x( (unknown [1.2.3.4]) by mx with SMTP id 1; date",
            "-",
        ),
        (
            "HELO closes a comment",
            "from x) (y [9.9.9.9] (unknown [1.2.3.4]) by mx with SMTP id 1; date",
            "-",
        ),
        (
            "HELO has a backslash",
            "from x\\ (unknown [1.2.3.4]) by mx with SMTP id 1; date",
            "1.2.3.4",
        ),
        (
            "HELO ends the header",
            "from x; (y [9.9.9.9]) by z (unknown [1.2.3.4]) by mx with SMTP id 1; date",
            "-",
        ),
        (
            "HELO is a literal, no address seen",
            "from [9.9.9.9] by mx with SMTP id 1; date",
            "-",
        ),
        (
            "sender plays Exim",
            "from [9.9.9.9] by mx with SMTP (envelope-from <\"(Exim 4)\"@x>) id 1; date",
            "-",
        ),
        (
            "HELO is in the qmail place",
            "from 9.9.9.9 (HELO 9.9.9.9) (1.2.3.4) by mx with SMTP; date",
            "1.2.3.4",
        ),
        (
            "ident is an address",
            "from x (HELO y) (9.9.9.9@1.2.3.4) by mx with SMTP; date",
            "1.2.3.4",
        ),
        (
            "ident is a literal",
            "from x (IDENT:[9.9.9.9]@h [1.2.3.4]) by mx with SMTP; date",
            "1.2.3.4",
        ),
        (
            "ident holds a space",
            "from x (IDENT:a [9.9.9.9] @h [1.2.3.4]) by mx with SMTP; date",
            "-",
        ),
        (
            "ident closes the comment",
            "from x (IDENT:a [9.9.9.9]) (b@h [1.2.3.4]) by mx with SMTP; date",
            "-",
        ),
        (
            "ident, Exim",
            "from h ([1.2.3.4] ident=[9.9.9.9] helo=x) by mx with esmtp (Exim 4.96) id 1; date",
            "1.2.3.4",
        ),
        (
            "login",
            "from x (unknown [1.2.3.4]) (Authenticated sender: [9.9.9.9]) by mx (Postfix) with ESMTPA id 1; date",
            "1.2.3.4",
        ),
        (
            "recipient",
            "from x (unknown [1.2.3.4]) by mx (Postfix) with SMTP id 1 for <\"( [9.9.9.9])\"@x>; date",
            "1.2.3.4",
        ),
        (
            "bracket in a nested comment",
            "from x (y (z [9.9.9.9])) (unknown [1.2.3.4]) by mx with SMTP id 1; date",
            "-",
        ),
        ("no by", "from x (y [9.9.9.9])", "-"),
        (
            "no address",
            "from x (y [localhost]) by mx with SMTP id 1; date",
            "-",
        ),
        (
            "octal",
            "from x (y [01.2.3.4]) by mx with SMTP id 1; date",
            "-",
        ),
        (
            "zone",
            "from x (fe80::1%12) by mx with Microsoft SMTP Server id 1; date",
            "-",
        ),
        ("nothing", "", "-"),
    ] {
        assert_eq!(read(text), expected, "{what}: {text}");
    }
}

#[test]
fn a_header_without_end_is_not_read() {
    let text = format!(
        "from x (y [1.2.3.4]) by mx with SMTP id {}; date",
        "x".repeat(MAX)
    );
    assert_eq!(read(&text), "-");
    assert_eq!(read(&"(".repeat(MAX)), "-");
}

proptest! {
    /// Postfix keeps spaces, parentheses and quotes out of HELO: whatever else is in it.
    #[test]
    fn no_helo_moves_the_blame_with_postfix(helo in "[^\\s()<>\"\\\\;@]{1,40}") {
        let text = format!("from {helo} (unknown [1.2.3.4]) by mx (Postfix) with ESMTP id 1; date");
        prop_assert_eq!(read(&text), "1.2.3.4");
    }

    /// Where a server lets everything through, the client may hide, but not move the blame.
    #[test]
    fn no_helo_moves_the_blame(helo in "( |\\(|\\)|\\[9\\.9\\.9\\.9\\]|9\\.9\\.9\\.9|by|from|with|;|x|helo=|\\\\|HELO){1,12}") {
        let text = format!("from {helo} (unknown [1.2.3.4]) by mx with SMTP id 1; date");
        prop_assert!(read(&text) != "9.9.9.9", "{}", text);
        let text = format!("from h.example ([1.2.3.4] helo={helo}) by mx with esmtp (Exim 4.96) id 1; date");
        prop_assert!(read(&text) != "9.9.9.9", "{}", text);
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,80}") {
        let _ = hop(&text);
        let _ = hop(&format!("from {text}"));
    }
}
