#!/usr/bin/env bats
# Judging on the way: --swd-every.
bats_require_minimum_version 1.5.0
load common

tiny=(--set "depthScales=8,8,8" --set dimLatentVector=8 --set previewImages=0 --threads 1 -b 8 --set alphaNJumps=0)

# Networks of scales 0 and 1, and 60 smooth pictures of 16x16.
start() {
  "$PYTHON" - <<'PY'
import h5py, numpy as np
rng = np.random.default_rng(5)
low = rng.integers(40, 216, (60, 3, 4, 4))
x = np.clip(low.repeat(4, 2).repeat(4, 3) + rng.integers(-30, 31, (60, 3, 16, 16)), 0, 255).astype('u1')
with h5py.File('data.h5', 'w') as f:
    for r in 4, 8, 16:
        f[f'data{r}x{r}'] = x.reshape(60, 3, r, 16 // r, r, 16 // r).mean((3, 5)).astype('u1')
PY
  pgan-grow -q --data data.h5 --scale 0 -o scale0.h5 "${tiny[@]}" -n 3
  pgan-grow -q --data data.h5 --scale 1 --from scale0.h5 -o scale1.h5 "${tiny[@]}" -n 3
}

command=(pgan-grow --data data.h5 --scale 2 --from scale1.h5 "${tiny[@]}" -n 45 --lr 0.01 --set emaDecay=0.8 --set saveIter=10 --set evalIter=10)

grow() {
  local out=$1
  shift
  "${command[@]}" -q -o "$out" "$@"
}

@test "saves are judged as swd and msssim judge them, and the training is the same without" {
  start
  grow a.h5
  grow b.h5 --swd-every 1
  cmp a.h5 b.h5
  for i in 10 20 30 40; do cmp "a_i$i.h5" "b_i$i.h5"; done
  diff <(cut -f 1-20 a.log) <(cut -f 1-20 b.log)
  [ "$(sed 1d a.log | cut -f 23,24 | sort -u)" = $'0\t0' ]
  for i in 20 45; do
    net=b_i$i.h5
    [ $i != 45 ] || net=b.h5
    pgan-sample -q "$net" --seed 1 -n 60 >images.npy
    swd --json --ref data.h5 images.npy -n 60 >swd.json 2>said
    msssim --json images.npy >msssim.json 2>said
    "$PYTHON" - $i <<'PY'
import json, sys
rows = [line.rstrip('\n').split('\t') for line in open('b.log')]
row = dict(zip(rows[0], next(r for r in rows[1:] if r[0] == sys.argv[1])))
a, b = json.load(open('swd.json')), json.load(open('msssim.json'))
# Of the images some bytes round differently in batches of another size.
assert abs(float(row['swd']) / a['average'] - 1) < .01, (row['swd'], a)
assert abs(float(row['msssim']) - b['msssim']) < .001, (row['msssim'], b)
PY
  done
}

@test "every second save and the end; the number of images; rows of their own in the log" {
  start
  grow a.h5 --swd-every 2 --set swdImages=30 --set evalIter=15
  [ "$(awk -F '\t' 'NR > 1 && $23 > 0 { printf "%s ", $1 }' a.log)" = "20 40 45 " ]
  [ "$(cut -f 1 a.log | sed 1d | tr '\n' ' ')" = "15 20 30 40 45 " ]
  run pgan-grow -v --data data.h5 --scale 2 --from scale1.h5 -o b.h5 "${tiny[@]}" -n 5 --swd-every 1 --set swdImages=30
  [ "$status" = 0 ]
  grep -qE "iteration 5: SWD [0-9.]+, MS-SSIM [0-9.]+ of 30 images, in" <<<"$output"
  run pgan-grow --data data.h5 --scale 1 --from scale0.h5 -o c.h5 "${tiny[@]}" -n 2 --swd-every 1
  [ "$status" = 0 ]
  grep -q "nothing is judged at this scale: SWD and MS-SSIM are defined from 16x16 pixels on" <<<"$output"
}

@test "the best is named and kept, whatever --keep says; killed and resumed, all is the same" {
  start
  run "${command[@]}" -o all.h5 --swd-every 1
  best=$(awk -F '\t' 'NR > 1 && $23 > 0 && (!n++ || $23 < least) { least = $23; best = $1 } END { print best }' all.log)
  name=all_i$best.h5
  [ "$best" != 45 ] || name=all.h5
  grep -q "the best of 5 judged states is that after iteration $best, with an SWD of .*: '$name'" <<<"$output"
  for keep in 0 1; do
    rm -f a.* a_i*
    for _ in 1 2; do
      before=$(stat -c %i a.ckpt 2>/dev/null || true)
      "${command[@]}" -q -o a.h5 --swd-every 1 --keep $keep &
      while kill -0 $! 2>/dev/null && [ "$(stat -c %i a.ckpt 2>/dev/null || true)" = "$before" ]; do sleep .003; done
      kill -9 $! 2>/dev/null || true
      wait $! || true
    done
    grow a.h5 --swd-every 1 --keep $keep
    cmp a.h5 all.h5
    diff <(cut -f 1-20,23,24 a.log) <(cut -f 1-20,23,24 all.log)
    { [ $keep = 0 ] || echo a_i40.h5; [ "$best" = 45 ] || echo "a_i$best.h5"; } | sort -u >want
    diff <(ls a_i* 2>/dev/null || true) want
  done
}

@test "where it gets better all the time, only the last is left with --keep 0" {
  start
  better=(--swd-every 1 --set lossMode=Logistic --set lambdaGP=0 --set logisticGradReal=0.5 --lr 0.001 --set emaDecay=0)
  grow a.h5 --keep 0 "${better[@]}"
  [ "$(sed 1d a.log | cut -f 23 | sort -gr | tr '\n' ' ')" = "$(sed 1d a.log | cut -f 23 | tr '\n' ' ')" ]
  [ -z "$(ls a_i* 2>/dev/null)" ]
  # The best before the last is one of the last --keep saves, too, also where the last step would be a save.
  "${command[@]/#45/40}" -q -o b.h5 --keep 1 "${better[@]}"
  [ "$(sed 1d b.log | cut -f 23 | sort -gr | tr '\n' ' ')" = "$(sed 1d b.log | cut -f 23 | tr '\n' ' ')" ]
  [ "$(ls b_i*)" = b_i30.h5 ]
}

@test "images that are all the same cannot be judged, and do not end the training" {
  start
  "$PYTHON" -c 'import h5py; h5py.File("data.h5", "r+")["data16x16"][...] = 7'
  run grow a.h5 --swd-every 1
  [ "$status" = 0 ]
  [ -e a.h5 ]
  run pgan-grow --restart --data data.h5 --scale 2 --from scale1.h5 -o a.h5 "${tiny[@]}" -n 2 --swd-every 1
  [ "$status" = 0 ]
  grep -q "the state after iteration 2 is not judged: 'data.h5'" <<<"$output"
  [ "$(sed 1d a.log | cut -f 23)" = 0 ]
}

@test "of several processes the first judges" {
  start
  grow a.h5 --swd-every 1 --ranks 2
  [ "$(awk -F '\t' 'NR > 1 && $23 > 0 && $24 > 0 { printf "%s ", $1 }' a.log)" = "10 20 30 40 45 " ]
}
