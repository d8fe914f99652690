#!/bin/bash
# Unpacks Ceph's radosgw, monitor and OSD of Debian unstable into DIR: no root, nothing installed, the system untouched.
#   get.sh DIR      about 156 MB to download and 600 MB on disk; DIR/ready holds the version once it is whole.
# Packages come from the Debian mirror this machine's apt already uses (SLUICE_CEPH_MIRROR names another one), with their
# signatures checked. Exit code 3: it cannot work here, and the last line of stderr is the reason as a sentence.
set -euo pipefail

refuse() {
  echo "$*" >&2
  exit 3
}

[ $# -eq 1 ] || refuse "usage: get.sh DIR"
for tool in apt-get dpkg flock; do
  command -v "$tool" >/dev/null || refuse "Ceph needs $tool to be unpacked, and this machine has none."
done
mkdir -p "$1"
dir=$(cd "$1" && pwd)

# One at a time: whoever waits here finds the finished copy.
exec 9>"$dir/lock"
flock 9
[ -s "$dir/ready" ] && exit 0

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || refuse "Ceph comes from Debian packages, and Debian's archive keyring is not on this machine."
mirror=${SLUICE_CEPH_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m1 '/debian/*$' || true)}
[ -n "$mirror" ] || refuse "Ceph comes from Debian packages, and apt knows no Debian mirror on this machine."

rm -rf "$dir/apt" "$dir/root" "$dir/bin"
mkdir -p "$dir"/apt/state/none "$dir"/apt/state/lists/partial "$dir"/apt/cache/archives/partial "$dir/root" "$dir/bin"
: >"$dir/apt/status"
echo "deb [signed-by=$keyring] $mirror sid main" >"$dir/apt/sources.list"
cat >"$dir/apt/apt.conf" <<CONF
Dir::State "$dir/apt/state";
Dir::State::status "$dir/apt/status";
Dir::Cache "$dir/apt/cache";
Dir::Etc::sourcelist "$dir/apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$dir/apt/state/none";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Debug::NoLocking "1";
CONF
export APT_CONFIG="$dir/apt/apt.conf"
apt-get update -qq >&2 || refuse "The Debian mirror of this machine does not answer for sid, so Ceph cannot be fetched."
apt-get install -y -qq --download-only radosgw ceph-mon ceph-osd ceph-common >/dev/null ||
  refuse "The packages of Ceph could not be downloaded from this machine's Debian mirror."
for package in "$dir"/apt/cache/archives/*.deb; do
  dpkg -x "$package" "$dir/root"
done

# The programs run with the C library they were built for, found beside them: the system's may be years older.
loader=$(find "$dir"/root/usr/lib -maxdepth 2 -name 'ld-linux-*.so.*' | head -n 1)
[ -n "$loader" ] || refuse "Ceph was unpacked, but no loader for this machine's kind of processor was among it."
libraries=$(dirname "$loader")
for program in radosgw radosgw-admin ceph-mon ceph-osd monmaptool; do
  cat >"$dir/bin/$program" <<RUN
#!/bin/sh
exec "$loader" --library-path "$libraries:$libraries/ceph:$libraries/nss" "$dir/root/usr/bin/$program" "\$@"
RUN
  chmod +x "$dir/bin/$program"
done
# The command-line client is Python: its own interpreter and packages, nothing of the system's or the user's.
cat >"$dir/bin/ceph" <<RUN
#!/bin/sh
PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 PYTHONHOME="$dir/root/usr" PYTHONPATH="$dir/root/usr/lib/python3/dist-packages" \\
  exec "$loader" --library-path "$libraries:$libraries/ceph" "$dir/root/usr/bin/python3" -S "$dir/root/usr/bin/ceph" "\$@"
RUN
chmod +x "$dir/bin/ceph"
echo "$libraries" >"$dir/libraries"
rm -rf "$dir/apt"

version=$("$dir/bin/radosgw" --version 2>&1) || refuse "Ceph was unpacked but does not run here: ${version##*$'\n'}"
echo "$version" >"$dir/ready"
