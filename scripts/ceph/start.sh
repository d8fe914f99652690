#!/bin/bash
# Starts one monitor, one OSD in memory and one radosgw on 127.0.0.1, as unpacked by get.sh; about two seconds.
#   start.sh DIR RUNDIR       RUNDIR is made; it takes the configuration, the logs and the pid files. Keep its path short.
# From the environment: RGW_PORT and MON_PORT (free ports), ACCESS_KEY and SECRET_KEY of the one user, STORE_BYTES
# (4 GiB: the memory the objects may take). Exit code not 0: the last lines of stderr say what did not start.
set -euo pipefail

dir=$1
run=$2
: "${RGW_PORT:?}" "${MON_PORT:?}" "${ACCESS_KEY:?}" "${SECRET_KEY:?}"
store_bytes=${STORE_BYTES:-4294967296}
libraries=$(cat "$dir/libraries")
fsid=$(cat /proc/sys/kernel/random/uuid)
osd_uuid=$(cat /proc/sys/kernel/random/uuid)
PATH=$dir/bin:$PATH
umask 077
mkdir -p "$run/mon" "$run/osd" "$run/rgw"

# The daemons trust each other and keep one copy: this store lives as long as a test.
cat >"$run/ceph.conf" <<CONF
[global]
fsid = $fsid
mon host = v1:127.0.0.1:$MON_PORT
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
run dir = $run
admin socket = $run/\$name.asok
log file = $run/\$name.log
plugin dir = $libraries/ceph
erasure code dir = $libraries/ceph/erasure-code
osd class dir = $libraries/rados-classes
paxos propose interval = 0.02
paxos min wait = 0.01
[mon]
mon data = $run/mon
mon cluster log file = $run/cluster.log
[osd]
osd data = $run/osd
osd objectstore = memstore
memstore device bytes = $store_bytes
osd memory target = 1073741824
osd class load list = *
osd class default list = *
osd max object name len = 1024
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$RGW_PORT
rgw data = $run/rgw
rgw dns name = localhost
rgw gc obj min wait = 5
rgw gc processor period = 5
rgw gc processor max time = 5
CONF
conf=$run/ceph.conf

# until_true WHAT COMMAND...: waits until a command succeeds. What talks to the monitor may do so before it was told the
# cluster's fsid; the monitor then refuses ("wrong fsid") and the program leaves. Ceph's own race: started again, it works.
until_true() {
  local deadline=$((SECONDS + 60)) what=$1
  shift
  until "$@" >>"$run/start.log" 2>&1; do
    if [ $SECONDS -ge $deadline ]; then
      tail -n 5 "$run/start.log" >&2
      echo "Ceph's $what did not come up within a minute; the lines above are the end of its log." >&2
      exit 1
    fi
    sleep 0.1
  done
}
osd_is_up() { ceph -c "$conf" --connect-timeout 5 osd stat | grep '1 up'; }
rgw_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$RGW_PORT"); }
create_user() {
  radosgw-admin -c "$conf" user create --uid=sluice --display-name=Sluice --access-key="$ACCESS_KEY" --secret-key="$SECRET_KEY" ||
    radosgw-admin -c "$conf" user info --uid=sluice | grep -F "$ACCESS_KEY"
}

monmaptool --create --fsid "$fsid" --addv a "[v1:127.0.0.1:$MON_PORT]" "$run/monmap" >/dev/null
ceph-mon -c "$conf" -i a --mkfs --monmap "$run/monmap"
ceph-mon -c "$conf" -i a --pid-file "$run/mon.pid"
until_true monitor ceph -c "$conf" --connect-timeout 5 osd new "$osd_uuid"
ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$osd_uuid" >>"$run/start.log" 2>&1
until_true OSD ceph-osd -c "$conf" -i 0 --pid-file "$run/osd.pid"
until_true OSD osd_is_up
until_true radosgw radosgw -c "$conf" -n client.rgw --pid-file "$run/rgw.pid"
until_true radosgw rgw_answers
until_true user create_user
