# Boots the Debian in $1 as a machine of its own: with its own processes and mounts, in the cgroup $5 of
# the hierarchy that is mounted at $4. What it changes is in memory, at $2, with the files of $3 in
# /packages. The network is the caller's.
#
# Called as the first process of a PID and a mount namespace; becomes systemd.
set -e
base=$1 changes=$2 packages=$3 cgroups=$4 cgroup=$5

if [ "$6" != inside ]; then
    mkdir "$cgroups/$cgroup"
    echo $$ >"$cgroups/$cgroup/cgroup.procs"
    # From here on that cgroup is the root of all.
    exec unshare --cgroup sh "$0" "$base" "$changes" "$packages" "$cgroups" "$cgroup" inside
fi

# A directory of an overlay, as containers have, cannot be changed by another one.
mount -t tmpfs -o mode=755 changes "$changes"
root=$changes/root
mkdir "$root" "$changes/upper" "$changes/work" "$changes/upper/packages"
find "$packages" -maxdepth 1 -type f -exec cp -t "$changes/upper/packages" {} +
mount -t overlay -o "lowerdir=$base,upperdir=$changes/upper,workdir=$changes/work" overlay "$root"
mount --make-private "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t bpf -o mode=700 bpf "$root/sys/fs/bpf"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm" "$root/dev/pts" "$root/former"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
cd "$root"
pivot_root . former
umount -l /former
# `container` tells systemd that devices and the kernel's log are not its own.
exec env -i container=gate-lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
