#!/usr/bin/env bats
# pgan-grow: training, going on after every kind of end, records, and what it refuses.
bats_require_minimum_version 1.5.0
load common

# A network of some thousand parameters; one thread, so that the bytes are those of any machine's one thread.
tiny=(--set "depthScales=8,8,8,8,8,8,8" --set dimLatentVector=8 --set previewImages=0 --threads 1)

# data N SIDE FILE: N seeded random pictures at 4x4 … SIDE.
data() {
  "$PYTHON" - "$@" <<'PY'
import sys, h5py, numpy as np
n, side, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
x = np.random.default_rng(5).integers(0, 256, (n, 3, side, side)).astype('u1')
with h5py.File(path, 'w') as f:
    r = side
    while r >= 4:
        f[f'data{r}x{r}'] = x.reshape(n, 3, r, side // r, r, side // r).mean((3, 5)).astype('u1')
        r //= 2
PY
}

# The columns of a log that do not tell the time.
columns() {
  cut -f 1-20 "$1"
}

@test "the same seed gives the same bytes, another seed others" {
  data 20 8 data.h5
  grow 0 scale0.h5 -n 5 -b 4
  grow 0 again.h5 -n 5 -b 4
  grow 0 other.h5 -n 5 -b 4 --seed 2
  cmp scale0.h5 again.h5
  run ! cmp -s scale0.h5 other.h5
  grow 1 scale1.h5 -n 5 -b 4
  grow 1 again.h5 -n 5 -b 4 --restart
  cmp scale1.h5 again.h5
  no_leftovers . data.h5 scale0.h5 scale0.log scale1.h5 scale1.log again.h5 again.log other.h5 other.log
}

@test "a new layer follows from the seed, an old one from the scale before; the average starts as a copy" {
  data 20 8 data.h5
  grow 0 scale0.h5 -n 3 -b 4
  grow 1 a.h5 -n 0 -b 4
  "$PYTHON" - <<'PY'
import h5py, numpy as np
old, new = h5py.File('scale0.h5'), h5py.File('a.h5')
for net in 'G', 'D':
    for name in new[net]:
        w = new[net][name][:]
        if name in old[net]:
            assert np.array_equal(w, old[net][name][:]), name
        else:
            assert name.endswith('bias') and not w.any() or abs(w.std() - 1) < .3, name
assert all(np.array_equal(new['G'][n][:], new['avgG'][n][:]) for n in new['G'])
PY
}

@test "killed again and again at any moment, it ends in the same bytes, at two scales" {
  data 20 8 data.h5
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
  data 20 4 data.h5
  pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 1000000 -b 4 &
  while ! [ -s a.log ]; do sleep .01; done
  fails 1 "'a.log' is being written by another pgan-grow" grow 0 a.h5 -n 5 -b 4
  [ -s a.log ]
  kill $!
  wait $! || true
  [ -e a.ckpt ]
}

@test "SIGTERM, SIGINT and SIGHUP save, say how to go on, and end the program by that signal" {
  data 20 4 data.h5
  grow 0 whole.h5 -n 400 -b 4
  for signal in TERM INT HUP; do
    rm -f scale0.*
    status=0
    timeout --preserve-status -s "$signal" .3 pgan-grow --data data.h5 --scale 0 -o scale0.h5 "${tiny[@]}" -n 1000000 -b 4 2>said || status=$?
    [ "$status" = "$((128 + $(kill -l "$signal")))" ]
    [ "$(wc -l <said)" = 1 ]
    grep -q "the same command line goes on from 'scale0.ckpt'" said
    no_leftovers . data.h5 whole.h5 whole.log said scale0.ckpt scale0.log
    [ ! -e scale0.h5 ]
  done
  pgan-grow --data data.h5 --scale 0 -o scale0.h5 "${tiny[@]}" --restart -n 400 -b 4
  cmp scale0.h5 whole.h5
}

@test "under nohup a run goes on when the terminal is closed" {
  data 20 4 data.h5
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
  data 20 4 data.h5
  cp data.h5 first.h5
  timeout -s TERM .3 pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 1000000 -b 4 || true
  [ -e a.ckpt ]
  fails 2 "'a.ckpt' is a run with other settings: baseLearningRate is 0.002 and was 0.001; give those, --force to go on all the same, or --restart" grow 0 a.h5 -n 1000000 -b 4 --lr 0.002
  fails 2 "iterations is 999999 and was 1000000" grow 0 a.h5 -n 999999 -b 4
  fails 2 "the seed is 7 and was 1" grow 0 a.h5 -n 1000000 -b 4 --seed 7
  data 21 4 data.h5
  fails 2 "the training images or their labels are others" grow 0 a.h5 -n 1000000 -b 4
  cp first.h5 data.h5
  grow 0 a.h5 -n 5 -b 4 --restart
  grow 0 b.h5 -n 5 -b 4
  cmp a.h5 b.h5
  [ ! -e a.ckpt ]
}

@test "a checkpoint that began from another network of the scale before is refused" {
  data 20 8 data.h5
  grow 0 scale0.h5 -n 2 -b 4
  timeout -s TERM .5 pgan-grow -q --data data.h5 --scale 1 --from scale0.h5 -o a.h5 "${tiny[@]}" -n 1000000 -b 4 || true
  [ -e a.ckpt ]
  cp a.ckpt before.ckpt
  grow 0 scale0.h5 -n 3 -b 4 --restart
  fails 2 "'a.ckpt' is a run with other settings: the network of the scale before is another; give those" grow 1 a.h5 -n 1000000 -b 4
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
  data 1000 4 data.h5
  cp data.h5 first.h5
  grow 0 done.h5 -n 5 -b 4
  timeout -s TERM .3 pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 1000000 -b 4 || true
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
  said="an older pgan made it, which knew its training images by 64 of them: that the others are the same could not be checked"
  run pgan-grow --data data.h5 --scale 0 -o done.h5 "${tiny[@]}" -n 5 -b 4
  [ "$status" = 0 ]
  [ "${lines[0]}" = "pgan-grow: 'done.h5': $said" ]
  [[ "${lines[1]}" == *"nothing to do"* ]]
  run timeout -s TERM .3 pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 1000000 -b 4
  [ "${lines[0]}" = "pgan-grow: 'a.ckpt': $said" ]
  [[ "${lines[1]}" == *"going on at iteration"* ]]
  "$PYTHON" -c 'import h5py; assert h5py.File("a.ckpt").attrs["data_digest"].startswith(b"all:")'
}

@test "--force goes on from a checkpoint of other settings" {
  data 20 4 data.h5
  timeout -s TERM .3 pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 1000000 -b 4 || true
  done=$("$PYTHON" -c 'import h5py; print(h5py.File("a.ckpt").attrs["iterations"])')
  run pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n "$((done + 5))" -b 4 --lr 0.002 --set evalIter=1 --force
  [ "$status" = 0 ]
  [[ "$output" == *"going on from 'a.ckpt' all the same: baseLearningRate is 0.002 and was 0.001; iterations is $((done + 5)) and was 1000000"* ]]
  [ "$(tail -n 1 a.log | cut -f 1,5)" = "$((done + 5))"$'\t'0.002 ]
  fails 2 "--force and --restart do not go together" grow 0 a.h5 -n 5 --force --restart
}

@test "--init-from starts with the weights of a network of the same scale, and nothing else of it" {
  data 20 8 data.h5
  grow 0 scale0.h5 -n 5 -b 4
  grow 1 first.h5 -n 5 -b 4
  pgan-grow -q --data data.h5 --scale 1 --init-from first.h5 -o start.h5 "${tiny[@]}" -n 0 -b 4
  pgan-grow -q --data data.h5 --scale 1 --init-from first.h5 -o more.h5 "${tiny[@]}" -n 3 -b 4 --set evalIter=1
  "$PYTHON" - <<'PY'
import h5py, numpy as np
a, b = h5py.File('first.h5'), h5py.File('start.h5')
for net, source in ('G', 'G'), ('D', 'D'), ('avgG', 'G'):
    assert all(np.array_equal(a[source][n][:], b[net][n][:]) for n in a[source]), net
assert b.attrs['iterations'] == 0
PY
  [ "$(cut -f 1 more.log | tail -n 1)" = 3 ]
  fails 2 "--from and --init-from do not go together" grow 1 x.h5 --init-from first.h5
  fails 2 "'first.h5' is of scale 1, not 0" pgan-grow --data data.h5 --scale 0 --init-from first.h5 -o x.h5 "${tiny[@]}"
}

@test "every save keeps the networks of its moment; --keep counts them" {
  data 20 4 data.h5
  grow 0 a.h5 -n 25 -b 4 --set saveIter=10
  no_leftovers . a.h5 a.log a_i10.h5 a_i20.h5 data.h5
  grow 0 ten.h5 -n 10 -b 4
  "$PYTHON" - <<'PY'
import h5py, numpy as np
a, b = h5py.File('a_i10.h5'), h5py.File('ten.h5')
assert a.attrs['iterations'] == 10 and a.attrs['images'] == 40
assert all(np.array_equal(a[net][n][:], b[net][n][:]) for net in ('G', 'D', 'avgG') for n in a[net])
PY
  pgan-sample a_i10.h5 -n 2 -q >sampled.npy
  rm a* ten*
  grow 0 a.h5 -n 65 -b 4 --set saveIter=10 --keep 2
  no_leftovers . a.h5 a.log a_i50.h5 a_i60.h5 data.h5 sampled.npy
  grow 0 a.h5 -n 25 -b 4 --set saveIter=10 --keep 0 --restart
  no_leftovers . a.h5 a.log data.h5 sampled.npy
  fails 2 "--keep takes a number or 'all', not 'some'" grow 0 x.h5 --keep some
}

@test "a finished scale is not trained again; one of other settings is refused as a checkpoint is, and --restart or --replace begin anew" {
  data 20 4 data.h5
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
  data 20 4 data.h5
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
  timeout -s TERM .3 pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 1000000 -b 4 || true
  run pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 400 -b 4 --replace
  [[ "$output" == "pgan-grow: 'a.ckpt', after iteration "*", is dropped: iterations is 400 and was 1000000"* ]]
  cmp a.h5 whole.h5
}

@test "a record that cannot be written ends a run before anything is touched" {
  data 20 4 data.h5
  timeout -s TERM .3 pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 1000000 -b 4 || true
  cp a.ckpt before
  fails 1 "cannot create 'nowhere/x.h5': No such file or directory" grow 0 a.h5 -n 5 -b 4 --restart --record 0:nowhere/x.h5
  cmp a.ckpt before
}

@test "a step that is already done is not recorded, and said so unless it was recorded before" {
  data 20 4 data.h5
  pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 400 -b 4 --set saveIter=10 &
  until [ -e a.ckpt ]; do kill -0 $!; sleep .002; done
  kill -KILL $!
  wait $! || true
  run pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 400 -b 4 --set saveIter=10 --record 0:r.h5
  [ "$status" = 0 ]
  [[ "$output" == *"'r.h5' is not recorded: the step after 0 iterations is already done (--restart takes it again)"* ]]
  grow 0 b.h5 -n 5 -b 4 --record 2:r2.h5
  run pgan-grow --data data.h5 --scale 0 -o b.h5 "${tiny[@]}" -n 5 -b 4 --record 2:r2.h5 --record 3:r3.h5
  [ "$status" = 0 ]
  [ "$(grep -c 'is not recorded' <<<"$output")" = 1 ]
  [[ "$output" == *"'r3.h5' is not recorded: the step after 3 iterations is already done"* ]]
}

@test "the log: one header, rows of numbers, means over each report" {
  data 20 8 data.h5
  grow 0 scale0.h5 -n 3 -b 4
  grow 1 scale1.h5 -n 25 -b 4 --set evalIter=10 --set alphaNJumps=0,2 --set alphaSizeJumps=0,8 --set lrWarmup=20
  "$PYTHON" - <<'PY'
import math
rows = [line.rstrip('\n').split('\t') for line in open('scale1.log')]
names = 'iteration scale images alpha lr lossD lossD_real lossD_fake lossD_Grad lossD_Epsilon lossD_classif lossG lossG_fake lossG_GDPP lossG_classif gradient_D gradient_G gradient_x nonfinite_D nonfinite_G seconds images_per_second swd msssim'
assert rows[0] == names.split()
t = [dict(zip(rows[0], map(float, r))) for r in rows[1:]]
assert [r['iteration'] for r in t] == [10, 20, 25] and [r['images'] for r in t] == [40, 80, 100]
assert [r['alpha'] for r in t] == [.5, 0, 0] and [r['lr'] for r in t] == [.0005, .001, .001]
for r in t:
    assert all(math.isfinite(v) for v in r.values()) and r['scale'] == 1 and r['nonfinite_D'] == 0
    assert abs(r['lossD'] - r['lossD_real'] - r['lossD_fake'] - r['lossD_Grad'] - r['lossD_Epsilon']) < 1e-4 * (1 + abs(r['lossD']))
    assert r['gradient_D'] > 0 and r['gradient_G'] > 0 and r['gradient_x'] > 0
PY
}

@test "previews: grids of G and its average, numbered by iteration; the same again after a kill" {
  data 20 8 data.h5
  pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" --set previewImages=10 --set previewIter=4 -n 10 -b 4
  no_leftovers a.previews {G,avgG}-0000{04,08,10}.png
  "$PYTHON" -c 'from PIL import Image; i = Image.open("a.previews/avgG-000010.png"); assert i.size == (8*64+7*2, 2*64+2), i.size'
  run ! cmp -s a.previews/G-000010.png a.previews/avgG-000010.png
  run ! cmp -s a.previews/G-000004.png a.previews/G-000010.png
  touch a.previews/G-000777.png
  pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" --set previewImages=10 --set previewIter=5 -n 10 -b 4 --restart
  no_leftovers a.previews {G,avgG}-0000{05,10}.png
}

@test "recorded steps verify on every device, in and out of a fade, with any loss" {
  data 20 8 data.h5
  grow 0 scale0.h5 -n 5 -b 4 --record 2:r2.h5
  "$PYTHON" -c 'import h5py; assert h5py.File("r2.h5").attrs["depths"].tolist() == [8]' # a list at scale 0, too
  # Steps with no unit within rounding of the leaky ReLU's kink, as that after 29 iterations had one (3e-6 of its layer's size): there devices differ by a flip.
  grow 1 scale1.h5 -n 30 -b 4 --set alphaNJumps=0,4 --set alphaSizeJumps=0,5 --record 0:r0.h5 --record 9:r9.h5 --record 22:r22.h5
  grow 1 plain.h5 -n 30 -b 4 --set alphaNJumps=0,4 --set alphaSizeJumps=0,5
  cmp scale1.h5 plain.h5
  grow 1 logistic.h5 -n 9 -b 4 --set lossMode=Logistic --set lambdaGP=0 --set logisticGradReal=0.5 --set penaltyEvery=4 --set GDPP=true --record 8:l8.h5 --record 7:l7.h5
  grow 0 mse0.h5 -n 2 -b 4 --set lossMode=MSE --set miniBatchStdDev=false
  pgan-grow -q --data data.h5 --scale 1 --from mse0.h5 -o mse1.h5 "${tiny[@]}" -n 5 -b 4 --set lossMode=MSE --set miniBatchStdDev=false --record 4:m4.h5
  fails 2 "'mse0.h5' was trained with tanh at the end of G, as its lossMode asks for" \
    pgan-grow --data data.h5 --scale 1 --from mse0.h5 -o x.h5 "${tiny[@]}" -n 1 --set miniBatchStdDev=false
  for device in cpu cpu:direct plain; do
    run pgan-grow --device "$device" --verify r2.h5 r0.h5 r9.h5 r22.h5 l7.h5 l8.h5 m4.h5
    echo "$output"
    [ "$status" = 0 ]
    [ "$(grep -c ': pass$' <<<"$output")" = 7 ]
  done
}

@test "fewer threads than were asked for, as OpenMP may give, compute the same" {
  for device in cpu cpu:direct plain; do
    OMP_THREAD_LIMIT=1 pgan-grow --threads 2 --device $device --verify "$golden"/step_s1_b8_a060.h5
    OMP_DYNAMIC=true pgan-grow --threads 8 --device $device --verify "$golden"/step_s1_b8_a060.h5
  done
}

@test "--verify fails on a wrong record and says where; --json is an array of objects" {
  cp "$golden"/step_s1_b8_a060.h5 wrong.h5
  chmod u+w wrong.h5
  "$PYTHON" -c 'import h5py; d = h5py.File("wrong.h5", "r+")["iter1/grad/D/scaleLayers.0.1.module.weight"]; d[...] = d[...] * 1.1'
  status=0
  pgan-grow --json --device plain --verify "$golden"/step_s0_b8_a000.h5 wrong.h5 >result.json 2>said || status=$?
  [ "$status" = 1 ]
  grep -q "1 of the recorded steps are not reproduced on device 'plain'" said
  "$PYTHON" - <<'PY'
import json
r = json.load(open('result.json'))
assert [x['pass'] for x in r] == [True, True, True, False], r
assert all(set(x) == set('file iteration loss output grad_median grad_worst grad_worst_tensor adam ema pass'.split()) for x in r)
assert r[3]['grad_worst_tensor'] == 'D/scaleLayers.0.1.module.weight' and r[3]['file'] == 'wrong.h5' and r[3]['iteration'] == 1
PY
  for what in fake score_real score_fake feature_real; do
    cp "$golden"/step_s1_b8_a060.h5 wrong.h5
    chmod u+w wrong.h5
    WHAT=$what "$PYTHON" -c 'import h5py, os; d = h5py.File("wrong.h5", "r+")["iter0/" + os.environ["WHAT"]]; d[...] = d[...] * 1.00002'
    run pgan-grow --device plain --verify wrong.h5
    [ "$status" = 1 ]
    [ "$(grep -c FAIL <<<"$output")" = 1 ]
  done
  for what in lossD lossG lossD_Grad; do
    cp "$golden"/step_s1_b8_a060.h5 wrong.h5
    chmod u+w wrong.h5
    WHAT=$what "$PYTHON" -c 'import h5py, os; a = h5py.File("wrong.h5", "r+")["iter1"].attrs; a[os.environ["WHAT"]] += 0.001 * sum(abs(a[k]) for k in a if k.startswith("loss"))'
    run pgan-grow --device plain --verify wrong.h5
    [ "$status" = 1 ]
    [ "$(grep -c FAIL <<<"$output")" = 1 ]
  done
  fails 3 "cannot open 'none.h5': No such file or directory" pgan-grow --verify none.h5
  head -c 5000 wrong.h5 >short.h5
  fails 3 "short.h5" pgan-grow --verify short.h5
  data 4 4 data.h5
  fails 3 "data.h5" pgan-grow --verify data.h5
}

@test "parameters of more than 64 MiB are written in chunks of rows" {
  data 4 4 data.h5
  pgan-grow -q --data data.h5 --scale 0 -o wide.h5 --set 'depthScales=[1040]' --set dimLatentVector=8 --set previewImages=0 -b 4 -n 0
  "$PYTHON" - <<'PY'
import h5py, numpy as np
f = h5py.File('wide.h5')
w = f['D/groupScaleZero.1.module.weight']
assert w.shape == (1040, 16640) and w.chunks == (1008, 16640), w.chunks
assert abs(np.std(w[1007:]) - 1) < 0.01 # N(0,1) to the last row
assert f['G/groupScale0.0.module.weight'].chunks == (1040, 1040, 3, 3)
PY
}

@test "batches of 1, 3 and 64, and a data set smaller than the batch" {
  data 5 8 data.h5
  for batch in 1 3 64; do
    grow 0 "scale0.h5" -n 2 -b "$batch" --restart
    grow 1 "b$batch.h5" -n 2 -b "$batch"
    run ! grep -qE 'nan|inf' "b$batch.log"
  done
}

@test "4x4 to 256x256" {
  data 3 256 data.h5
  for scale in 0 1 2 3 4 5 6; do
    grow "$scale" "scale$scale.h5" -n 2 -b 2 --set alphaNJumps=1 --set alphaSizeJumps=1
    run ! grep -qE 'nan|inf' "scale$scale.log"
  done
  "$PYTHON" -c 'import h5py; f = h5py.File("scale6.h5"); assert f.attrs["resolution"] == 256 and f["avgG/toRGBLayers.6.module.weight"].shape == (3, 8, 1, 1)'
}

@test "one and two threads agree after 10 steps" {
  data 20 8 data.h5
  grow 0 scale0.h5 -n 2 -b 8
  grow 1 a.h5 -n 10 -b 8
  grow 1 b.h5 -n 10 -b 8 --threads 2
  "$PYTHON" - <<'PY'
import h5py, numpy as np
a, b = h5py.File('a.h5'), h5py.File('b.h5')
# All parameters of a network together: a single bias whose gradient is within rounding of 0 moves by the learning rate, up or down.
for net in 'G', 'D', 'avgG':
    x, y = (np.concatenate([f[net][n][:].astype('f8').ravel() for n in f[net]]) for f in (a, b))
    assert np.linalg.norm(x - y) <= 1e-5 * np.linalg.norm(x), (net, np.linalg.norm(x - y) / np.linalg.norm(x))
PY
}

@test "keys of our own change what they say, and are off by default" {
  data 20 4 data.h5
  grow 0 base.h5 -n 20 -b 4
  grow 0 off.h5 -n 20 -b 4 --set emaHalfLife=0 --set mirrorAugment=false --set penaltyEvery=1 --set lrWarmup=0
  cmp base.h5 off.h5
  for key in mirrorAugment=true penaltyEvery=2 lrWarmup=10 emaHalfLife=50; do
    grow 0 changed.h5 -n 20 -b 4 --set "$key" --restart
    "$PYTHON" - "$key" <<'PY'
import sys, h5py, numpy as np
a, b = h5py.File('base.h5'), h5py.File('changed.h5')
same = lambda net: all(np.array_equal(a[net][n][:], b[net][n][:]) for n in a[net])
assert not same('avgG')
assert same('G') == sys.argv[1].startswith('ema')
PY
  done
}

@test "a learning rate that falls on a plateau" {
  data 20 4 data.h5
  grow 0 a.h5 -n 60 -b 4 --set reduceOnPlateau=lossD --set plateauPatience=2 --set plateauFloor=0.00001 --set evalIter=1
  [ "$(cut -f 5 a.log | sed 1d | sort -u | wc -l)" -gt 3 ]
  [ "$(sed -n 2p a.log | cut -f 5)" = 0.001 ]
  [ "$(cut -f 5 a.log | sed 1d | sort -gr | tail -n 1)" = "$(tail -n 1 a.log | cut -f 5)" ]
}

@test "a learning rate that has fallen on a plateau falls on where a run was stopped" {
  data 20 4 data.h5
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

@test "the running average: its half-life and its ramp-up" {
  data 20 4 data.h5
  # One step of 4 images with a half-life of 4: half of the start, half of the result.
  grow 0 start.h5 -n 0 -b 4
  grow 0 half.h5 -n 1 -b 4 --set emaHalfLife=4
  grow 0 ramp.h5 -n 1 -b 4 --set emaHalfLife=1e9 --set emaRampup=0.5 # 2 of the 4 images seen: a quarter of the start
  "$PYTHON" - <<'PY'
import h5py, numpy as np
s, h, r = (h5py.File(f) for f in ('start.h5', 'half.h5', 'ramp.h5'))
for n in s['G']:
    a, g = s['G'][n][:].astype('f8'), h['G'][n][:].astype('f8')
    assert np.abs(.5 * a + .5 * g - h['avgG'][n][:]).max() < 1e-6, n
    assert np.abs(.25 * a + .75 * g - r['avgG'][n][:]).max() < 1e-6, n
PY
}

@test "--print-config: where each value came from; its JSON is a configuration again" {
  echo '{"pathDB": "x", "config": {"lambdaGP": 5, "miniBatchScheduler": {"0": 64, "4": 32}}}' >c.json
  run pgan-grow --profile paddle --config c.json --set leakyness=0.1 --lr 0.002 --scale 4 --print-config
  [ "$status" = 0 ]
  grep -qE '^lambdaGP +file +5$' <<<"$output"
  grep -qE '^miniBatchSize +file +32$' <<<"$output"
  grep -qE '^leakyness +--set +0.1$' <<<"$output"
  grep -qE '^baseLearningRate +option +0.002$' <<<"$output"
  grep -qE '^maxIterAtScale +paddle +96000$' <<<"$output"
  grep -qE '^epsilonD +default +0.001$' <<<"$output"
  pgan-grow --profile karras --config c.json --print-config --json >full.json
  pgan-grow --profile karras --config full.json --print-config --json >again.json
  "$PYTHON" -c 'import json; a, b = (json.load(open(f)) for f in ("full.json", "again.json")); assert a["config"] == b["config"] and a["from"] != b["from"]'
}

@test "--dry-run: parameters, memory, images and time of every scale to come; says what does not fit" {
  data 8 8 data.h5
  grow 0 scale0.h5 -n 1
  grow 1 scale1.h5 -n 1
  pgan-grow --dry-run --set depthScales=8,8,8 --set dimLatentVector=8 --set maxIterAtScale=10,20,30 -b 4 --threads 1 >table
  "$PYTHON" - <<'PY'
import h5py
lines = [l.split() for l in open('table')]
rows = [l for l in lines if l[0] in '012']
count = lambda f, net: sum(d.size for d in h5py.File(f)[net].values())
assert [r[1] for r in rows] == ['4', '8', '16'] and [r[6:8] for r in rows] == [['10', '40'], ['20', '80'], ['30', '120']]
for i, name in enumerate(('scale0.h5', 'scale1.h5')):
    assert [int(x) for x in rows[i][2:4]] == [count(name, 'G'), count(name, 'D')]
assert float(rows[0][4]) < float(rows[1][4]) < float(rows[2][4])
assert lines[-1][:4] == ['in', 'all:', '240', 'images,']
PY
  pgan-grow --dry-run --scale 1 --set depthScales=8,8 --set dimLatentVector=8 -b 4 --threads 1 >table
  [ "$(grep -cE '^ +[0-9]' table)" = 1 ]
  status=0
  pgan-grow --dry-run --scale 6 --set depthScales=8192,8192,8192,8192,8192,8192,8192 -b 4096 >table 2>said || status=$?
  [ "$status" = 1 ]
  grep -q 'does not fit' table
  grep -q '1 of the scales do not fit into memory' said
  fails 2 "--dry-run looks at one process" pgan-grow --dry-run --ranks 2 --set depthScales=8,8 --set dimLatentVector=8 -b 8
}

@test "what is missing or wrong on the command line is said" {
  data 4 8 data.h5
  fails 2 "unknown option '--scael': did you mean '--scale'?" pgan-grow --scael 3
  fails 2 "--data is missing" pgan-grow --scale 0 -o x.h5
  fails 2 "-o is missing" pgan-grow --scale 0 --data data.h5
  fails 2 "--scale is missing" pgan-grow --data data.h5 -o x.h5
  fails 2 "scale 1 grows from the network of scale 0: give it with --from" pgan-grow --data data.h5 --scale 1 -o x.h5
  fails 2 "scale 0 starts from nothing: leave --from out" pgan-grow --data data.h5 --scale 0 --from y.h5 -o x.h5
  fails 2 "unexpected operand 'x'" pgan-grow x
  local step=$golden/step_s0_b8_a000.h5
  fails 2 "--out does not go with --verify" pgan-grow --verify "$step" -o x --record 3:y --dry-run
  fails 2 "--record does not go with --verify" pgan-grow --record 3:y --verify "$step"
  fails 2 "--seed does not go with --verify" pgan-grow --verify "$step" --seed 1 # the default, too
  fails 2 "--json goes with --verify and --print-config" grow 0 x.h5 --json
  fails 2 "--json goes with --verify and --print-config" grow 0 x.h5 --dry-run --json
  fails 2 "--print-config and --dry-run do not go together" grow 0 x.h5 --print-config --dry-run
  fails 2 "unknown key 'lossMod': did you mean 'lossMode'?" grow 0 x.h5 --set lossMod=WGANGP
  fails 2 "lossMode takes one of WGANGP|Logistic|MSE|DCGAN, not \"Wasserstein\"" grow 0 x.h5 --set lossMode=Wasserstein
  fails 2 "--record takes K:FILE, not '5'" grow 0 x.h5 --record 5
  fails 2 "--record 5:x: there is no step after 5 iterations, only 5 are done" grow 0 x.h5 --record 5:x -n 5
  fails 2 "--batch takes a number from 1 to 4096" grow 0 x.h5 --batch 0
  fails 2 "--seed takes a number from 0 to 9007199254740991, not '9007199254740993'" grow 0 x.h5 --seed 9007199254740993 # as in pgan-sample
  fails 2 "--seed takes a number from 0 to 9007199254740991" pgan-sample --seed 9007199254740992 x.h5
  fails 2 "unknown device 'gpu'" grow 0 x.h5 --device gpu
  fails 2 "--profile takes one of zoo|paddle|karras, not 'kerras'" pgan-grow --profile kerras
  fails 2 "--profile takes one of zoo|paddle|karras, not 'zoo|paddle'" pgan-grow --profile 'zoo|paddle'
  fails 2 "lossMode takes one of WGANGP|Logistic|MSE|DCGAN, not \"MSE|DCGAN\"" grow 0 x.h5 --set 'lossMode=MSE|DCGAN'
  fails 2 "reduceOnPlateau takes one of none|lossD|lossG, not \"lossD|lossG\"" grow 0 x.h5 --set 'reduceOnPlateau=lossD|lossG'
  echo '{"lamdaGP": 3}' >c.json
  fails 3 "'c.json': unknown key 'lamdaGP': did you mean 'lambdaGP'?" grow 0 x.h5 --config c.json
  no_leftovers . data.h5 c.json stdout.txt stderr.txt
}

@test "a data set that is missing, damaged, grey, or without the resolution is refused" {
  fails 3 "cannot open 'data.h5': No such file or directory" grow 0 x.h5
  echo text >data.h5
  fails 3 "'data.h5' is not an HDF5 file" grow 0 x.h5
  data 40 16 whole.h5
  head -c 20000 whole.h5 >data.h5
  fails 3 "data.h5" grow 0 x.h5
  "$PYTHON" -c 'import h5py; h5py.File("data.h5", "w")["data4x4"] = [[[[1] * 4] * 4]] * 3'
  fails 3 "data.h5" grow 0 x.h5
  data 4 4 data.h5
  grow 0 scale0.h5 -n 1 -b 2
  fails 3 "'data.h5' has no pictures of 8x8" grow 1 x.h5
  no_leftovers . data.h5 whole.h5 scale0.h5 scale0.log stdout.txt stderr.txt
}

@test "a network that does not fit is refused with the reason" {
  data 4 16 data.h5
  grow 0 scale0.h5 -n 1 -b 2
  grow 1 scale1.h5 -n 1 -b 2
  try() { pgan-grow -q --data data.h5 --scale "$1" --from "$2" -o x.h5 --threads 1 -n 1 -b 2 "${@:3}"; }
  fails 2 "'scale0.h5' is of scale 0; scale 2 grows from scale 1" try 2 scale0.h5
  fails 2 "'scale0.h5' has 8 channels at scale 0, not 512 (depthScales)" try 1 scale0.h5
  fails 2 "'scale0.h5' has latents of 8 values, not 9 (dimLatentVector)" try 1 scale0.h5 --set depthScales=8,8 --set dimLatentVector=9
  fails 2 "'scale0.h5' has the profile zoo, not karras" try 1 scale0.h5 "${tiny[@]}" --profile karras
  fails 2 "'scale0.h5' differs in leakyness" try 1 scale0.h5 "${tiny[@]}" --set leakyness=0.1
  fails 3 "'data.h5' is not a network of pgan" try 1 data.h5 "${tiny[@]}"
  fails 3 "cannot open 'none.h5': No such file or directory" try 1 none.h5 "${tiny[@]}"
  head -c 9000 scale0.h5 >short.h5
  fails 3 "short.h5" try 1 short.h5 "${tiny[@]}"
  [ ! -e x.h5 ]
}

@test "a damaged checkpoint is refused and left as it is" {
  data 20 4 data.h5
  timeout -s TERM .3 pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 1000000 -b 4 || true
  head -c 8000 a.ckpt >short
  cp short a.ckpt
  fails 3 "a.ckpt" grow 0 a.h5 -n 1000000 -b 4
  cmp short a.ckpt
  [ ! -e a.h5 ]
  # Each part of one that is whole otherwise.
  timeout -s TERM .3 pgan-grow -q --data data.h5 --scale 0 -o b.h5 "${tiny[@]}" -n 1000000 -b 4 || true
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

@test "losses that are not finite stop the run, and no checkpoint of them is written" {
  data 8 8 data.h5
  grow 0 scale0.h5 -n 1 -b 4 --set perChannelNormalization=false
  "$PYTHON" -c 'import h5py; h5py.File("scale0.h5", "r+")["G/formatLayer.module.weight"][...] = 1e38'
  fails 1 "the losses have not been finite for 9 iterations, up to 9; no state before that was saved" \
    grow 1 x.h5 -n 400 -b 4 --set perChannelNormalization=false --set evalIter=3 --set saveIter=2
  [ "$(tail -n 1 x.log | cut -f 19)" -gt 0 ]
  no_leftovers . data.h5 scale0.h5 scale0.log x.log stdout.txt stderr.txt
}

@test "a run that ends with losses that are not finite has no result, and keeps its last checkpoint" {
  data 8 4 data.h5
  raw=(-b 4 --set perChannelNormalization=false)
  timeout -s TERM .3 pgan-grow -q --data data.h5 --scale 0 -o x.h5 "${tiny[@]}" "${raw[@]}" -n 1000000 || true
  done=$("$PYTHON" -c 'import h5py; f = h5py.File("x.ckpt", "r+"); f["G/formatLayer.module.weight"][...] = 1e38; print(f.attrs["iterations"])')
  cp x.ckpt before.ckpt
  fails 1 "the losses have not been finite for 5 iterations, up to $((done + 5)); the last state before that is 'x.ckpt'" \
    pgan-grow -q --force --data data.h5 --scale 0 -o x.h5 "${tiny[@]}" "${raw[@]}" -n "$((done + 5))" --set evalIter=10
  cmp x.ckpt before.ckpt
  rm x.ckpt before.ckpt
  grow 0 scale0.h5 -n 1 "${raw[@]}"
  "$PYTHON" -c 'import h5py; h5py.File("scale0.h5", "r+")["G/formatLayer.module.weight"][...] = 1e38'
  fails 1 "the losses have not been finite for 5 iterations, up to 5; no state before that was saved" \
    pgan-grow -q --data data.h5 --scale 0 --init-from scale0.h5 -o y.h5 "${tiny[@]}" "${raw[@]}" -n 5 --set evalIter=10
  no_leftovers . data.h5 scale0.h5 scale0.log x.log y.log stdout.txt stderr.txt
}

@test "a signal while the losses are not finite leaves the checkpoint of before" {
  data 8 4 data.h5
  raw=(-b 4 --set perChannelNormalization=false)
  timeout -s TERM .3 pgan-grow -q --data data.h5 --scale 0 -o x.h5 "${tiny[@]}" "${raw[@]}" -n 1000000 || true
  "$PYTHON" -c 'import h5py; h5py.File("x.ckpt", "r+")["G/formatLayer.module.weight"][...] = 1e38'
  cp x.ckpt before.ckpt
  # A preview is written after every step, whatever its losses.
  pgan-grow -q --force --data data.h5 --scale 0 -o x.h5 "${tiny[@]}" "${raw[@]}" -n 1000000 --set evalIter=100000 --set previewImages=1 --set previewIter=1 &
  until [ -e x.previews ] && [ -n "$(ls x.previews)" ]; do sleep .01; done
  kill -TERM $!
  wait $! || true
  cmp x.ckpt before.ckpt
}

@test "networks with parameters that are not finite are refused by name" {
  data 8 8 data.h5
  grow 0 scale0.h5 -n 1 -b 4
  cp scale0.h5 whole.h5
  "$PYTHON" -c 'import h5py; f = h5py.File("scale0.h5", "r+"); f["D/decisionLayer.module.bias"][...] = float("inf"); f["avgG/formatLayer.module.weight"][1, 2] = float("nan")'
  fails 3 "'scale0.h5': '/D/decisionLayer.module.bias' has 1 values that are not finite" pgan-grow --data data.h5 --scale 0 --init-from scale0.h5 -o x.h5 "${tiny[@]}" -n 20
  fails 3 "'scale0.h5': '/D/decisionLayer.module.bias' has 1 values that are not finite" grow 1 x.h5 -n 20
  fails 3 "'scale0.h5': '/avgG/formatLayer.module.weight' has 1 values that are not finite" pgan-sample -q scale0.h5 -o x.npy
  no_leftovers . data.h5 scale0.h5 scale0.log whole.h5 stdout.txt stderr.txt
}

@test "a full disk and a folder that is not there fail in one line" {
  data 8 4 data.h5
  fails 1 "cannot create 'nowhere/x.log': No such file or directory" grow 0 nowhere/x.h5 -n 1 -b 2
  run pipe 'pgan-grow --print-config >/dev/full'
  [ "$status" = 1 ]
  [[ "$output" == *"cannot write to stdout: No space left on device"* ]]
  full_disk
  status=0
  fails 1 "full/x.h5': No space left on device" grow 0 full/x.h5 -n 1 -b 2 --set dimLatentVector=512 || status=$?
  ls -A full >left
  full_disk_end
  [ "$status" = 0 ]
  [ "$(cat left)" = x.log ]
}

@test "help, manual page and version" {
  pgan-grow --help | grep -q -- '--print-config'
  pgan-grow --help | grep -q '  miniBatchScheduler'
  pgan-grow --man | head -n 1 | grep -q '^.TH pgan-grow 1'
  pgan-grow --version | grep -q '^libraries: HDF5'
  pgan-grow --version | grep -q '^backend: plain'
}
