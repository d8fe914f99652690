#!/bin/bash
# Unpacks a current rclone of Debian unstable into DIR (DIR/usr/bin/rclone): no root, nothing installed.
#   get-rclone.sh DIR
# Packages come from the Debian mirror this machine's apt already uses, with their signatures checked. Exit code 3: it cannot
# work here, and the last line of stderr is the reason.
set -euo pipefail

refuse() {
  echo "$*" >&2
  exit 3
}

dir=$1
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || refuse "This machine has no keyring of Debian, where a current rclone comes from."
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m1 '/debian/*$' || true)
[ -n "$mirror" ] || refuse "apt knows no Debian mirror on this machine, where a current rclone comes from."
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
rm -rf "$dir/apt"
mkdir -p "$dir"/apt/state/none "$dir"/apt/state/lists/partial "$dir"/apt/cache/archives/partial
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
APT::Sandbox::User "";
Acquire::Languages "none";
Debug::NoLocking "1";
CONF
export APT_CONFIG="$dir/apt/apt.conf"
apt-get update -qq >&2 || refuse "The Debian mirror of this machine does not answer for sid."
(cd "$dir/apt" && apt-get download -qq rclone >/dev/null) || refuse "rclone could not be downloaded from the Debian mirror."
dpkg -x "$dir"/apt/rclone_*.deb "$dir"
rm -rf "$dir/apt"
"$dir/usr/bin/rclone" --version >/dev/null || refuse "rclone was unpacked but does not run here."
