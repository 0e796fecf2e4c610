#!/usr/bin/env bats
# pgan-grow goes on after every kind of end: from a checkpoint, beside a result, with other settings or inputs.
bats_require_minimum_version 1.5.0
load common

# The columns of a log that do not tell the time.
columns() {
  cut -f 1-20 "$1"
}

@test "killed again and again at any moment, it ends in the same bytes, at two scales" {
  random_data 20 8 data.h5
  RANDOM=3
  local kills=0 from=()
  for scale in 0 1; do
    run=(pgan-grow -q --data data.h5 --scale "$scale" "${from[@]}" "${tiny[@]}" -n 150 -b 4 --set "alphaNJumps=0,10" --set "alphaSizeJumps=0,10" --set evalIter=7)
    from=(--from scale0.h5)
    "${run[@]}" -o "whole$scale.h5"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      before=$(stat -c %i "scale$scale.ckpt" 2>/dev/null || true)
      "${run[@]}" -o "scale$scale.h5" --set saveIter=5 &
      while kill -0 $! 2>/dev/null && [ "$(stat -c %i "scale$scale.ckpt" 2>/dev/null || true)" = "$before" ]; do sleep .005; done
      sleep ".00$((RANDOM % 10))"
      if kill -9 $! 2>/dev/null; then kills=$((kills + 1)); fi
      wait $! || true
    done
    "${run[@]}" -o "scale$scale.h5" --set saveIter=5
    cmp "scale$scale.h5" "whole$scale.h5"
    diff <(columns "scale$scale.log") <(columns "whole$scale.log")
    [ ! -e "scale$scale.ckpt" ]
  done
  echo "$kills kills"
  [ "$kills" -ge 3 ]
}

@test "two runs of one scale do not get into each other's way" {
  random_data 20 4 data.h5
  pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 1000000 -b 4 &
  while ! [ -s a.log ]; do sleep .01; done
  fails 1 "'a.log' is being written by another pgan-grow" grow 0 a.h5 -n 5 -b 4
  [ -s a.log ]
  kill $!
  wait $! || true
  [ -e a.ckpt ]
}

@test "SIGTERM, SIGINT and SIGHUP save, say how to go on, and end the program by that signal" {
  random_data 20 4 data.h5
  grow 0 whole.h5 -n 400 -b 4
  for signal in TERM INT HUP; do
    rm -f scale0.*
    status=0
    SIGNAL=$signal stopped scale0.h5 --data data.h5 --scale 0 "${tiny[@]}" -n 1000000 -b 4 2>said || status=$?
    [ "$status" = "$((128 + $(kill -l "$signal")))" ]
    [ "$(grep -c "^pgan-grow: " said)" = 1 ] # and what the shell says of a signal
    grep -q "the same command line goes on from 'scale0.ckpt'" said
    no_leftovers . data.h5 whole.h5 whole.log said scale0.ckpt scale0.log
    [ ! -e scale0.h5 ]
  done
  pgan-grow --data data.h5 --scale 0 -o scale0.h5 "${tiny[@]}" --restart -n 400 -b 4
  cmp scale0.h5 whole.h5
}

@test "under nohup a run goes on when the terminal is closed" {
  random_data 20 4 data.h5
  (trap '' HUP; exec pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 100000 -b 4 --set evalIter=1) &
  until [ -s a.log ]; do sleep .01; done
  kill -HUP $!
  seen=$(wc -l <a.log)
  until [ "$(wc -l <a.log)" -gt "$((seen + 5))" ]; do
    kill -0 $! # it is still there
    sleep .01
  done
  kill -TERM $!
  wait $! || true
  [ -e a.ckpt ]
}

@test "a checkpoint of other settings, seed or images is refused, with what differs; --restart begins anew" {
  random_data 20 4 data.h5
  cp data.h5 first.h5
  stopped a.h5 -q --data data.h5 --scale 0 "${tiny[@]}" -n 1000000 -b 4 || true
  [ -e a.ckpt ]
  fails 2 "'a.ckpt' is a run with other settings: baseLearningRate is 0.002 and was 0.001; give those, --force to go on all the same, or --restart" grow 0 a.h5 -n 1000000 -b 4 --lr 0.002
  fails 2 "iterations is 999999 and was 1000000" grow 0 a.h5 -n 999999 -b 4
  fails 2 "the seed is 7 and was 1" grow 0 a.h5 -n 1000000 -b 4 --seed 7
  random_data 21 4 data.h5
  fails 2 "the training images or their labels are others" grow 0 a.h5 -n 1000000 -b 4
  cp first.h5 data.h5
  grow 0 a.h5 -n 5 -b 4 --restart
  grow 0 b.h5 -n 5 -b 4
  cmp a.h5 b.h5
  [ ! -e a.ckpt ]
}

@test "a checkpoint that began from another network of the scale before is refused" {
  random_data 20 8 data.h5
  grow 0 scale0.h5 -n 2 -b 4
  stopped a.h5 -q --data data.h5 --scale 1 --from scale0.h5 "${tiny[@]}" -n 1000000 -b 4 || true
  [ -e a.ckpt ]
  cp a.ckpt before.ckpt
  grow 0 scale0.h5 -n 3 -b 4 --restart
  fails 2 "'a.ckpt' is a run with other settings: the network of the scale before is another; give those" grow 1 a.h5 -n 1000000 -b 4
  cmp a.ckpt before.ckpt
  # One that does not fit is said before anything is: nothing is dropped for it.
  pgan-grow -q --data data.h5 --scale 0 -o narrow.h5 -n 0 -b 4 --set depthScales=[6,6] --set dimLatentVector=8
  fails 2 "'narrow.h5' has 6 channels at scale 0, not " pgan-grow --data data.h5 --scale 1 --from narrow.h5 -o a.h5 "${tiny[@]}" -n 1000000 -b 4 --replace
  cmp a.ckpt before.ckpt
}

# A data set of 1000 pictures of which 936 turn black, and what 0.1.0 knew of it: the number and the 64 others.
blacken() {
  "$PYTHON" - <<'PY'
import h5py, numpy as np
with h5py.File('data.h5', 'r+') as f:
    x = f['data4x4'][()]
    kept = [i * 999 // 63 for i in range(64)]
    black = np.zeros_like(x)
    black[kept] = x[kept]
    f['data4x4'][...] = black
digest = 0xcbf29ce484222325
for byte in np.int64(1000).tobytes() + x[kept].tobytes():
    digest = (digest ^ byte) * 0x100000001b3 % 2 ** 64
print(f'{digest:016x}')
PY
}

@test "a change of any image is noticed; a checkpoint that knows but some of them goes on and says so" {
  random_data 1000 4 data.h5
  cp data.h5 first.h5
  grow 0 done.h5 -n 5 -b 4
  stopped a.h5 -q --data data.h5 --scale 0 "${tiny[@]}" -n 1000000 -b 4 || true
  old=$(blacken)
  fails 2 "'a.ckpt' is a run with other settings: the training images or their labels are others; give those" grow 0 a.h5 -n 1000000 -b 4
  fails 2 "'done.h5' is a result of other settings: the training images or their labels are others" grow 0 done.h5 -n 5 -b 4
  cp first.h5 data.h5
  "$PYTHON" - "$old" <<'PY'
import sys, h5py
for name in 'done.h5', 'a.ckpt':
    with h5py.File(name, 'r+') as f:
        assert f.attrs['data_digest'].startswith(b'all:')
        f.attrs['data_digest'] = sys.argv[1].encode()
PY
  said="an older pgan made it, which kept in mind only 64 of the training images; the others could not be checked"
  run pgan-grow --data data.h5 --scale 0 -o done.h5 "${tiny[@]}" -n 5 -b 4
  [ "$status" = 0 ]
  [ "${lines[0]}" = "pgan-grow: 'done.h5': $said" ]
  [[ "${lines[1]}" == *"nothing to do"* ]]
  run stopped a.h5 --data data.h5 --scale 0 "${tiny[@]}" -n 1000000 -b 4
  [ "${lines[0]}" = "pgan-grow: 'a.ckpt': $said" ]
  [[ "${lines[1]}" == *"going on at iteration"* ]]
  "$PYTHON" -c 'import h5py; assert h5py.File("a.ckpt").attrs["data_digest"].startswith(b"all:")'
}

@test "--force goes on from a checkpoint of other settings" {
  random_data 20 4 data.h5
  stopped a.h5 -q --data data.h5 --scale 0 "${tiny[@]}" -n 1000000 -b 4 || true
  done=$("$PYTHON" -c 'import h5py; print(h5py.File("a.ckpt").attrs["iterations"])')
  run pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n "$((done + 5))" -b 4 --lr 0.002 --set evalIter=1 --force
  [ "$status" = 0 ]
  [[ "$output" == *"going on from 'a.ckpt' all the same: baseLearningRate is 0.002 and was 0.001; iterations is $((done + 5)) and was 1000000"* ]]
  [ "$(tail -n 1 a.log | cut -f 1,5)" = "$((done + 5))"$'\t'0.002 ]
  fails 2 "--force and --restart do not go together" grow 0 a.h5 -n 5 --force --restart
}

@test "a finished scale is not trained again; one of other settings is refused as a checkpoint is, and --restart or --replace begin anew" {
  random_data 20 4 data.h5
  pictures=(--set previewImages=4 --set previewIter=5)
  grow 0 a.h5 -n 5 -b 4 "${pictures[@]}"
  touch -d 2001-01-01 a.h5
  cp -r . "$BATS_TEST_TMPDIR.before"
  for again in '' --replace; do
    run pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 5 -b 4 $again
    [ "$status" = 0 ]
    [ "$output" = "pgan-grow: 'a.h5' is finished, and made from just these settings: nothing to do (--restart makes it anew)" ]
  done
  [ a.h5 -nt data.h5 ]
  fails 2 "'a.h5' is a result of other settings: iterations is 3000000 and was 5" grow 0 a.h5 -n 3000000 -b 4
  fails 2 "baseLearningRate is 0.002 and was 0.001; give those, -o another name, or --restart to begin anew" grow 0 a.h5 -n 5 -b 4 --lr 0.002 --force
  rm stdout.txt stderr.txt
  diff -r . "$BATS_TEST_TMPDIR.before"
  for anew in --restart --replace; do
    run pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 6 -b 4 $anew
    [ "$status" = 0 ]
    cp a.h5 "./$anew.h5"
    cp "$BATS_TEST_TMPDIR.before/a.h5" a.h5
  done
  [[ "$output" == "pgan-grow: 'a.h5' will be replaced: iterations is 6 and was 5"* ]]
  cmp ./--restart.h5 ./--replace.h5
  [ "$(tail -n 1 a.log | cut -f 1)" = 6 ]
  fails 2 "--force and --replace do not go together" grow 0 a.h5 -n 5 --force --replace
}

@test "a checkpoint beside a result of other settings goes on; --replace drops one of other settings and says what differs" {
  random_data 20 4 data.h5
  grow 0 whole.h5 -n 400 -b 4
  grow 0 a.h5 -n 5 -b 4
  pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 400 -b 4 --set saveIter=3 --keep 0 --restart 2>said &
  until [ -e a.ckpt ]; do kill -0 $!; sleep .002; done
  kill -TERM $!
  wait $! || true
  cat said
  grep -q "the same command line without --restart goes on from 'a.ckpt'" said
  run pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 400 -b 4 --replace
  [[ "$output" == "pgan-grow: going on at iteration "* ]]
  cmp a.h5 whole.h5
  rm a.h5
  stopped a.h5 -q --data data.h5 --scale 0 "${tiny[@]}" -n 1000000 -b 4 || true
  run pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 400 -b 4 --replace
  [[ "$output" == "pgan-grow: 'a.ckpt', after iteration "*", is dropped: iterations is 400 and was 1000000"* ]]
  cmp a.h5 whole.h5
}

@test "a run that begins anew leaves no checkpoint of the one before, killed at whatever moment" {
  random_data 20 4 data.h5
  anew=(-q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -b 4 -n 1000000 --set evalIter=1)
  stopped a.h5 "${anew[@]:0:5}" "${anew[@]:7}" || true
  [ -e a.ckpt ]
  [ "$(wc -l <a.log)" -gt 1 ]
  touch -d '1 hour ago' a.ckpt a.log
  pgan-grow "${anew[@]}" --restart --seed 2 &
  until [ a.log -nt a.ckpt ] && head -n 3 a.log | grep -q ^2; do kill -0 $!; sleep .002; done
  kill -9 $!
  wait $! || true
  [ ! -e a.ckpt ]
}

@test "a learning rate that has fallen on a plateau falls on where a run was stopped" {
  random_data 20 4 data.h5
  plateau=(-b 4 --set reduceOnPlateau=lossD --set plateauPatience=50 --set plateauFloor=1e-12 --set evalIter=1)
  pgan-grow -q --data data.h5 --scale 0 -o b.h5 "${tiny[@]}" "${plateau[@]}" -n 1000000 &
  until [ "$(cut -f 5 b.log 2>/dev/null | sort -u | wc -l)" -gt 2 ]; do sleep .001; done # the header, the first rate and another
  kill -TERM $!
  wait $! || true
  cp b.ckpt c.ckpt
  n=$(($("$PYTHON" -c 'import h5py; print(h5py.File("b.ckpt").attrs["iterations"])') + 200))
  pgan-grow -q --force --data data.h5 --scale 0 -o b.h5 "${tiny[@]}" "${plateau[@]}" -n "$n"
  grow 0 a.h5 "${plateau[@]}" -n "$n"
  cmp a.h5 b.h5
  diff <(columns a.log) <(columns b.log)
  # Rate, lowest loss and steps without a lower one are the checkpoint's: one more step, and the rate falls.
  n=$("$PYTHON" -c 'import h5py; f = h5py.File("c.ckpt", "r+"); f.attrs["plateau"] = [.0007, -1e30, 50.]; print(f.attrs["iterations"] + 2)')
  pgan-grow -q --force --data data.h5 --scale 0 -o c.h5 "${tiny[@]}" "${plateau[@]}" -n "$n"
  [ "$(tail -n 2 c.log | cut -f 5 | tr '\n' ' ')" = "0.0007 0.00035 " ]
}

@test "the learning rate follows the loss that reduceOnPlateau names" {
  random_data 20 4 data.h5
  for loss in lossD lossG; do
    grow 0 $loss.h5 -b 4 -n 150 --set reduceOnPlateau=$loss --set plateauPatience=5 --set plateauFloor=1e-12 --set evalIter=1
    "$PYTHON" - $loss <<'PY'
import csv, math, sys
rows = list(csv.DictReader(open(sys.argv[1] + '.log'), delimiter='\t'))
rate, best, bad, falls = float(rows[0]['lr']), math.nan, 0, 0
for row in rows:
    assert abs(float(row['lr']) / rate - 1) < 1e-6, (row['iteration'], row['lr'], rate)
    loss = float(row[sys.argv[1]])
    if not loss >= best - 1e-4 * best:
        best, bad = loss, 0
    elif (bad := bad + 1) > 5:
        rate, bad, falls = rate / 2 if rate / 2 < rate - 1e-8 else rate, 0, falls + 1
assert falls > 3, falls
PY
  done
}

@test "a damaged checkpoint is refused and left as it is" {
  random_data 20 4 data.h5
  stopped a.h5 -q --data data.h5 --scale 0 "${tiny[@]}" -n 1000000 -b 4 || true
  head -c 8000 a.ckpt >short
  cp short a.ckpt
  fails 3 "a.ckpt" grow 0 a.h5 -n 1000000 -b 4
  cmp short a.ckpt
  [ ! -e a.h5 ]
  # Each part of one that is whole otherwise.
  stopped b.h5 -q --data data.h5 --scale 0 "${tiny[@]}" -n 1000000 -b 4 || true
  [ -e b.ckpt ]
  cp b.ckpt whole.ckpt
  while IFS='|' read -r damage said; do
    cp whole.ckpt b.ckpt
    "$PYTHON" -c "import h5py; f = h5py.File('b.ckpt', 'r+'); $damage"
    cp b.ckpt before.ckpt
    fails 3 "$said" grow 0 b.h5 -n 1000000 -b 4
    cmp before.ckpt b.ckpt
  done <<'TABLE'
f.attrs['log_sums'] = f.attrs['log_sums'][1:]|'b.ckpt': the log has not the form of this version
f.attrs['plateau'] = [1., 2.]|'b.ckpt': the attribute 'plateau' has not 3 values
f['avgG/formatLayer.module.weight'][1, 2] = float('nan')|'b.ckpt': '/avgG/formatLayer.module.weight' has 1 values that are not finite
TABLE
}

@test "a signal while the losses are not finite leaves the checkpoint of before" {
  random_data 8 4 data.h5
  raw=(-b 4 --set perChannelNormalization=false)
  stopped x.h5 -q --data data.h5 --scale 0 "${tiny[@]}" "${raw[@]}" -n 1000000 || true
  "$PYTHON" -c 'import h5py; h5py.File("x.ckpt", "r+")["G/formatLayer.module.weight"][...] = 1e38'
  cp x.ckpt before.ckpt
  # A preview is written after every step, whatever its losses.
  pgan-grow -q --force --data data.h5 --scale 0 -o x.h5 "${tiny[@]}" "${raw[@]}" -n 1000000 --set evalIter=100000 --set previewImages=1 --set previewIter=1 &
  until [ -e x.previews ] && [ -n "$(ls x.previews)" ]; do sleep .01; done
  kill -TERM $!
  wait $! || true
  cmp x.ckpt before.ckpt
}

@test "a checkpoint that is further than was asked for is refused, with --force, too" {
  random_data 20 4 data.h5
  pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 1000000 -b 4 --set saveIter=7 --keep 0 3>&- &
  until [ -e a.ckpt ]; do kill -0 $!; sleep .002; done
  kill -TERM $!
  wait $! || true
  done=$("$PYTHON" -c 'import h5py; print(int(h5py.File("a.ckpt").attrs["iterations"]))')
  cp a.ckpt before
  for force in "" --force; do
    fails 2 "'a.ckpt' is after iteration $done already, and 5 are asked for: give no fewer, or --restart to begin anew" grow 0 a.h5 -n 5 -b 4 $force
  done
  cmp a.ckpt before
  grow 0 a.h5 -n "$done" -b 4 --force
  grow 0 a.h5 -n "$done" -b 4
}

@test "a finished result that is made anew and interrupted is gone on with without --restart" {
  random_data 20 4 data.h5
  local run=(pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 400 -b 4 --set saveIter=3 --keep 0)
  "${run[@]}" -q
  cp a.h5 whole.h5
  "${run[@]}" --restart 2>said.txt 3>&- &
  until [ -e a.ckpt ]; do kill -0 $!; sleep .002; done
  kill -TERM $!
  wait $! || true
  grep -q "the same command line without --restart goes on from 'a.ckpt'" said.txt
  cmp a.h5 whole.h5
  cp a.ckpt before
  run "${run[@]}"
  [ "$status" = 0 ]
  [[ "$output" == "pgan-grow: going on at iteration "*" of 400 from 'a.ckpt'" ]]
  [ ! -e a.ckpt ]
  cmp a.h5 whole.h5
  # A checkpoint of other settings, or one that is no earlier, is none of this result.
  for other in "--lr 0.002" "-n $("$PYTHON" -c 'import h5py; print(int(h5py.File("before").attrs["iterations"]))')"; do
    # shellcheck disable=SC2086 # options and their values
    grow 0 other.h5 -n 400 -b 4 $other
    cp before other.ckpt
    # shellcheck disable=SC2086
    run pgan-grow --data data.h5 --scale 0 -o other.h5 "${tiny[@]}" -n 400 -b 4 $other
    [ "$status" = 0 ]
    [[ "$output" == "pgan-grow: 'other.h5' is finished, and made from just these settings: nothing to do"*"'other.ckpt' is of another run, begun to replace it; so are the log"* ]]
    cmp other.ckpt before
    rm other.*
  done
}

@test "a run that goes on with other threads says that its last digits will be others" {
  random_data 20 4 data.h5
  stopped a.h5 -q --data data.h5 --scale 0 "${tiny[@]}" -n 1000000 -b 4 || true
  cp a.ckpt before
  done=$("$PYTHON" -c 'import h5py; print(int(h5py.File("before").attrs["iterations"]))')
  run -0 pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n $((done + 1)) -b 4 --force
  [[ $output != *"last digits"* ]]
  rm a.h5
  cp before a.ckpt
  run -0 pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" --threads 2 -n $((done + 1)) -b 4 --force
  [[ $output == *"begun on 'cpu: "*", 1 thread', it goes on on 'cpu: "*", 2 threads': the last digits will differ from those of either alone"* ]]
}

@test "a checkpoint that is as far as was asked for ends as a run does" {
  random_data 20 16 data.h5
  for scale in 0 1; do grow $scale "scale$scale.h5" -n 1 -b 4; done
  fading=(-b 4 --set previewImages=4 --set alphaJumpMode=custom --set 'iterAlphaJump=[0]' --set 'alphaJumpVals=[0.5]' --set swdImages=20 --swd-every 1)
  stopped a.h5 -q --data data.h5 --scale 2 --from scale1.h5 "${tiny[@]}" "${fading[@]}" -n 1000000 --set evalIter=1000000 || true
  n=$("$PYTHON" -c 'import h5py; print(h5py.File("a.ckpt").attrs["iterations"])')
  pgan-grow -q --force --data data.h5 --scale 2 --from scale1.h5 -o a.h5 "${tiny[@]}" "${fading[@]}" -n "$n" --set evalIter=1000000
  grow 2 b.h5 "${fading[@]}" -n "$n" --set evalIter=1000000
  h5diff a.h5 b.h5 /avgG /avgG
  diff <(columns a.log) <(columns b.log)
  [ "$(tail -n 1 a.log | cut -f 1)" = "$n" ]
  cmp "a.previews/avgG-$(printf %06d "$n").png" "b.previews/avgG-$(printf %06d "$n").png"
}
