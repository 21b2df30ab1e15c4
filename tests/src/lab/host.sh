# Makes the directories that the documents name those of a host that never had a gate, for whoever shares
# this mount namespace: changes to /etc and /var/lib are in memory, at $1; /run and the pins are new.
# Says `ready` then, and stays until standard input ends.
set -e
changes=$1

mount -t tmpfs -o mode=755 changes "$changes"
for directory in /etc /var/lib; do
    mkdir -p "$changes$directory/upper" "$changes$directory/work"
    mount -t overlay -o "lowerdir=$directory,upperdir=$changes$directory/upper,workdir=$changes$directory/work" \
        overlay "$directory"
    # Of this machine's own gate, if there is one: what is removed is hidden, and stays where it is.
    rm -rf "$directory/gate"
done
mount -t tmpfs -o mode=755 run /run
mount -t bpf -o mode=700 bpf /sys/fs/bpf
# No name server is in the lab.
rm -f /etc/resolv.conf
echo "nameserver 127.0.0.1" >/etc/resolv.conf
echo ready
exec cat
