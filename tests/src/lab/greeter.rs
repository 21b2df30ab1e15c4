//! A mail server that greets, and takes leave. Mail it takes none.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv6Addr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};

/// Connections that may wait to be greeted (listen(2)).
const BACKLOG: i32 = 4096;

/// Serves `ports` of every IPv4 and IPv6 address until standard input ends; says `ready` when it
/// does.
///
/// # Errors
/// A port is taken.
pub fn serve(ports: &[u16]) -> Result<()> {
    for &port in ports {
        // The unspecified IPv6 address takes IPv4 connections as well (ip(7), bindv6only).
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))
            .with_context(|| format!("listening on port {port}"))?;
        // A crowd may come faster than threads begin (std asks for 128).
        rustix::net::listen(&listener, BACKLOG)?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // The client may go whenever it likes.
                thread::spawn(move || greet(&stream));
            }
        });
    }
    println!("ready");
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest)?;
    Ok(())
}

/// Speaks as much SMTP (RFC 5321) as a client needs to say hello and goodbye.
fn greet(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(b"220 lab.example ESMTP\r\n")?;
    for line in BufReader::new(stream).lines() {
        let line = line?.to_ascii_uppercase();
        let reply: &[u8] = match line.split_whitespace().next() {
            Some("EHLO" | "HELO") => b"250 lab.example\r\n",
            Some("NOOP" | "RSET") => b"250 2.0.0 Ok\r\n",
            Some("QUIT") => return stream.write_all(b"221 2.0.0 Bye\r\n"),
            _ => b"502 5.5.1 This server only greets\r\n",
        };
        stream.write_all(reply)?;
    }
    Ok(())
}
