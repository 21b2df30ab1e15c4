//! `/proc/net/netstat`: what the kernel counts beyond the standard MIBs, as text.

/// How many connections found no room at a listening socket since the namespace was made; `None`
/// if the text does not tell.
///
/// Its lines come in pairs, names and values, each behind the name of their group
/// (`netstat_seq_show` in the kernel's net/ipv4/proc.c). `ListenOverflows` counts connections that
/// met a full accept queue. Each of them is in `ListenDrops` too, with those that were given up for
/// another reason, such as a full SYN queue without cookies or want of memory
/// (`tcp_conn_request` in net/ipv4/tcp_input.c, `tcp_v4_syn_recv_sock` in net/ipv4/tcp_ipv4.c):
/// the larger of the two is taken, so that a kernel without one of them will do.
pub fn listen_drops(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(names) = line.strip_prefix("TcpExt:") else {
            continue;
        };
        let values = lines.next()?.strip_prefix("TcpExt:")?;
        let find = |wanted| {
            let mut pairs = names.split_whitespace().zip(values.split_whitespace());
            let (_, value) = pairs.find(|&(name, _)| name == wanted)?;
            value.parse::<u64>().ok()
        };
        return find("ListenDrops").max(find("ListenOverflows"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_text_tells() {
        for (text, expected) in [
            (
                "TcpExt: A ListenOverflows ListenDrops B\nTcpExt: 1 7 9 2\n",
                Some(9),
            ),
            (
                "TcpExt: ListenDrops ListenOverflows\nTcpExt: 3 3\nIpExt: X\nIpExt: 1\n",
                Some(3),
            ),
            // Another group first, and another order.
            (
                "IpExt: ListenDrops\nIpExt: 5\nTcpExt: ListenDrops\nTcpExt: 6\n",
                Some(6),
            ),
            // A kernel that knows one of them alone.
            ("TcpExt: ListenOverflows\nTcpExt: 4\n", Some(4)),
            // Wider than any column should be.
            (
                "TcpExt: ListenDrops\nTcpExt: 18446744073709551615\n",
                Some(u64::MAX),
            ),
            // Fewer values than names: those that are there count.
            ("TcpExt: ListenOverflows ListenDrops\nTcpExt: 4\n", Some(4)),
            ("TcpExt: ListenDrops\nTcpExt: -1\n", None),
            ("TcpExt: ListenDrops\nTcpExt: many\n", None),
            ("TcpExt: ListenDrops\nIpExt: 4\n", None),
            ("TcpExt: ListenDrops", None),
            ("TcpExt: A\nTcpExt: 1\n", None),
            ("IpExt: A\nIpExt: 1\n", None),
            ("", None),
        ] {
            assert_eq!(listen_drops(text), expected, "{text}");
        }
    }

    #[test]
    fn this_machines_kernel_tells() {
        let text = std::fs::read_to_string("/proc/self/net/netstat").unwrap();
        assert!(listen_drops(&text).is_some(), "{text}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "((TcpExt:|IpExt:)?( (ListenDrops|ListenOverflows|[0-9]{1,25}|\\PC{0,8})){0,6}\n?){0,6}") {
            let _ = listen_drops(&text);
        }

        #[test]
        fn it_is_found_wherever_it_stands(before in 0usize..200, after in 0usize..9, count: u64) {
            let row = |word: &str| {
                let fill = |many| format!("{} ", "7 ".repeat(many));
                format!("TcpExt: {}{word} {}", fill(before), fill(after))
            };
            let text = format!("{}\n{}\n", row("ListenDrops"), row(&count.to_string()));
            proptest::prop_assert_eq!(listen_drops(&text), Some(count));
        }
    }
}
