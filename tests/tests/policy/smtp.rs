//! An SMTP client that says what it is told to.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use gate_tests::lab::Lab;

use crate::postfix::PORT;

/// A client's connection.
pub(crate) struct Smtp {
    stream: TcpStream,
    replies: BufReader<TcpStream>,
}

impl Smtp {
    /// Connects to Postfix from that client address, and says hello.
    pub(crate) fn from(lab: &Lab, address: &str) -> Result<Self> {
        let (mut smtp, greeting) = Self::greeted(lab, address)?;
        ensure!(greeting.starts_with("220 "), "{greeting}");
        let hello = smtp.say("EHLO client.example")?;
        ensure!(hello.starts_with("250 "), "{hello}");
        Ok(smtp)
    }

    /// Connects to Postfix from that client address; and how Postfix greets it.
    pub(crate) fn greeted(lab: &Lab, address: &str) -> Result<(Self, String)> {
        let attempt = lab
            .from(address)
            .port(PORT)
            .patience(Duration::from_secs(5));
        let stream = attempt.open()?;
        // Postfix waits a minute before it starts again what could not be started.
        stream.set_read_timeout(Some(Duration::from_secs(90)))?;
        let mut smtp = Self {
            replies: BufReader::new(stream.try_clone()?),
            stream,
        };
        let greeting = smtp.reply()?;
        Ok((smtp, greeting))
    }

    /// Says one command; the last line of the reply.
    pub(crate) fn say(&mut self, command: &str) -> Result<String> {
        self.stream.write_all(format!("{command}\r\n").as_bytes())?;
        self.reply().with_context(|| format!("after {command}"))
    }

    fn reply(&mut self) -> Result<String> {
        loop {
            let mut line = String::new();
            let length = self.replies.read_line(&mut line)?;
            ensure!(length > 0, "the server hung up");
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line.trim_end().to_owned());
            }
        }
    }

    /// Names a sender, and one recipient; the reply to the recipient.
    pub(crate) fn mail(&mut self, sender: &str) -> Result<String> {
        let reply = self.sender(sender)?;
        ensure!(reply.starts_with("250 "), "{reply}");
        self.say("RCPT TO:<b@example.net>")
    }

    /// Names a sender; the reply to that.
    pub(crate) fn sender(&mut self, sender: &str) -> Result<String> {
        self.say(&format!("MAIL FROM:<{sender}>"))
    }

    /// Hands a message in, to the recipients that were named; the reply to it.
    pub(crate) fn data(&mut self) -> Result<String> {
        let reply = self.say("DATA")?;
        ensure!(reply.starts_with("354 "), "{reply}");
        self.say("Subject: test\r\n\r\ntest\r\n.")
    }
}

/// What a client at `address` is told when it names a recipient.
pub(crate) fn told(lab: &Lab, address: &str) -> Result<String> {
    Smtp::from(lab, address)?.mail("joe@example.org")
}

/// What Postfix puts before the text of a refusal at RCPT.
pub(crate) const REJECTED: &str = "<b@example.net>: Recipient address rejected: ";
