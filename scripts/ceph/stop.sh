#!/bin/bash
# Stops what start.sh started in RUNDIR and removes RUNDIR.
#   stop.sh RUNDIR       Succeeds where nothing runs any more.
set -u
run=$1
pids=()
for name in rgw osd mon; do
  pid=$(cat "$run/$name.pid" 2>/dev/null) || continue
  # A pid may have been given to another program since: only one that was started with this folder is ours.
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$run" || continue
  kill -TERM "$pid" 2>/dev/null && pids+=("$pid")
done
# What they hold is thrown away, so whoever has not left after a second is ended.
for _ in $(seq 20); do
  alive=0
  for pid in ${pids[@]+"${pids[@]}"}; do kill -0 "$pid" 2>/dev/null && alive=1; done
  [ $alive -eq 0 ] && break
  sleep 0.05
done
for pid in ${pids[@]+"${pids[@]}"}; do kill -KILL "$pid" 2>/dev/null; done
rm -rf "$run"
