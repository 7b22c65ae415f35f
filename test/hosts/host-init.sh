#!/bin/bash
# Becomes the systemd of a throw-away host: a pid, mount, cgroup, uts and ipc namespace over an overlay of this machine's root.
# Started as: unshare --mount --pid --fork --cgroup --uts --ipc --kill-child bash host-init.sh <empty folder> <systemd binary>
# What the host writes goes to memory and is lost with it, except below the folder, which both sides see under the same path.
set -euo pipefail
# Whoever became root without a login keeps the PATH of a user, which lacks pivot_root and its like.
PATH=$PATH:/usr/sbin:/sbin
shared=$1 systemd=$2

mount --make-rprivate /
scratch=$shared/.overlay
mkdir "$scratch"
mount -t tmpfs tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$scratch/root"
cd "$scratch/root"

# Paths are relative from here on: they are the host's, never this machine's.
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
mkdir -p ".$shared"
mount --bind "$shared" ".$shared"
for device in null zero full random urandom tty; do
  touch "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd

rm -rf etc/systemd/system
mkdir etc/systemd/system
ln -s /lib/systemd/system/basic.target etc/systemd/system/default.target
# Only the manager, its bus and its journal are wanted: a machine's other duties are masked.
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-timesyncd.service systemd-logind.service \
  systemd-modules-load.service systemd-sysctl.service systemd-sysusers.service systemd-tmpfiles-setup.service \
  systemd-remount-fs.service systemd-networkd.service systemd-resolved.service getty.target timers.target; do
  ln -s /dev/null "etc/systemd/system/$unit"
done
: >etc/fstab
tr -d '-' </proc/sys/kernel/random/uuid >etc/machine-id
echo throwaway >etc/hostname
rm -rf var/log/journal
mkdir old
pivot_root . old
umount -l /old
exec env -i container=throwaway PATH="$PATH" "$systemd" --system --log-target=null --show-status=no
