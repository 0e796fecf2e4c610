#!/usr/bin/env bats
# Recorded steps: writing them, and replaying them with --verify.
bats_require_minimum_version 1.5.0
load common

@test "a record that cannot be written ends a run before anything is touched" {
  random_data 20 4 data.h5
  stopped a.h5 -q --data data.h5 --scale 0 "${tiny[@]}" -n 1000000 -b 4 || true
  cp a.ckpt before
  fails 1 "cannot create 'nowhere/x.h5': No such file or directory" grow 0 a.h5 -n 5 -b 4 --restart --record 0:nowhere/x.h5
  cmp a.ckpt before
}

@test "a step that is already done is not recorded, and said so unless it was recorded before" {
  random_data 20 4 data.h5
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

@test "recorded steps verify on every device, in and out of a fade, with any loss" {
  random_data 20 8 data.h5
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

# one_fails CHANGE: of the steps of a golden record f that was changed so in wrong.h5, one is not reproduced.
one_fails() {
  cp "$golden"/step_s1_b8_a060.h5 wrong.h5
  chmod u+w wrong.h5
  "$PYTHON" -c "import h5py; f = h5py.File('wrong.h5', 'r+'); $1"
  run pgan-grow --device plain --verify wrong.h5
  [ "$status" = 1 ]
  [ "$(grep -c FAIL <<<"$output")" = 1 ]
}

@test "--verify fails on a wrong record and says where; --json is an array of objects" {
  cp "$golden"/step_s1_b8_a060.h5 wrong.h5
  chmod u+w wrong.h5
  "$PYTHON" -c 'import h5py; d = h5py.File("wrong.h5", "r+")["iter1/grad/D/scaleLayers.0.1.module.weight"]; d[...] = d[...] * 1.1'
  status=0
  pgan-grow --json --device plain --verify "$golden"/step_s0_b8_a000.h5 wrong.h5 >result.json 2>said || status=$?
  [ "$status" = 1 ]
  grep -q "1 recorded step is not reproduced on device 'plain'" said
  "$PYTHON" - <<'PY'
import json
r = json.load(open('result.json'))
assert [x['pass'] for x in r] == [True, True, True, False], r
assert all(set(x) == set('file iteration loss output grad_median grad_worst grad_worst_tensor grad_all adam ema pass'.split()) for x in r)
assert r[3]['grad_worst_tensor'] == 'D/scaleLayers.0.1.module.weight' and r[3]['file'] == 'wrong.h5' and r[3]['iteration'] == 1
PY
  for what in fake score_real score_fake feature_real; do
    one_fails "f['iter0/$what'][...] = f['iter0/$what'][...] * 1.00002"
  done
  for what in lossD lossG lossD_Grad; do
    one_fails "a = f['iter1'].attrs; a['$what'] += 0.001 * sum(abs(a[k]) for k in a if k.startswith('loss'))"
  done
  one_fails "f['iter0/after/avgG/formatLayer.module.bias'][0] = float('nan')" # no small difference, whatever follows it
  # What was not recorded is not said to be right.
  cp "$golden"/step_s0_b8_a000.h5 few.h5
  chmod u+w few.h5
  "$PYTHON" -c 'import h5py; f = h5py.File("few.h5", "r+")
for i in "01":
    for what in "fake", "score_real", "score_fake", "feature_real": del f[f"iter{i}/{what}"]'
  [ "$(pgan-grow --device plain --verify few.h5 | grep -c 'outputs not recorded.*: pass')" = 2 ]
  pgan-grow --device plain --json --verify few.h5 | "$PYTHON" -c 'import json, sys; assert [x["output"] for x in json.load(sys.stdin)] == [None, None]'
  "$PYTHON" -c 'import h5py; h5py.File("few.h5", "r+")["iter1"].attrs["adam_step"] = 0'
  fails 3 "'few.h5': the attribute 'adam_step' of 'iter1' is 0, and the first step is 1" bash -c 'pgan-grow --device plain --verify few.h5 >/dev/null'
  fails 2 "--verify needs a value: FILE…" pgan-grow --verify --device plain few.h5
  fails 3 "cannot open 'none.h5': No such file or directory" pgan-grow --verify none.h5
  head -c 5000 wrong.h5 >short.h5
  fails 3 "short.h5" pgan-grow --verify short.h5
  random_data 4 4 data.h5
  fails 3 "'data.h5' is not a step record: it has no iter0" pgan-grow --verify data.h5
}

# The record of a step whose networks have C channels and latents of L values, as far as the state before it: record FILE C L.
record() {
  "$PYTHON" "$PGAN_TESTS/network.py" "$1" 0 "$2" "$3"
  "$PYTHON" - "$1" <<'PY'
import sys, h5py
with h5py.File(sys.argv[1], 'r+') as f:
    f.create_group('iter0/before')
    for group in 'G', 'D', 'avgG':
        f.move(group, f'iter0/before/{group}')
    f['iter0'].attrs['adam_step'] = 1
    f.attrs.update(batch=4, lambda_gp=10.0, epsilon_d=0.001, lr=0.001, beta1=0.0, beta2=0.99, adam_eps=1e-8, ema=0.999)
PY
}

@test "channels and latents that no network can have are refused on every device" {
  record thin.h5 4 8
  record short.h5 8 4
  record wide.h5 8 8
  "$PYTHON" -c 'import h5py; h5py.File("wide.h5", "r+").attrs["depths"] = [8193]'
  for device in cpu cpu:direct plain; do
    fails 3 "'thin.h5': the attribute 'depths' has 4 channels at scale 0, but 5 to 8192 are possible" pgan-grow --device "$device" --verify thin.h5
    fails 3 "'short.h5': the attribute 'dim_latent' is 4, but 5 to 8192 are possible" pgan-grow --device "$device" --verify short.h5
    fails 3 "'wide.h5': the attribute 'depths' has 8193 channels" pgan-grow --device "$device" --verify wide.h5
  done
}

@test "settings that are not those of the tensors are refused before they ask for memory" {
  for change in "depths=[2048] |does not have the shape" "dim_latent=1024 |does not have the shape" "batch=60000 |'iter0/real' does not hold the 60000 images of 'batch'"; do
    cp "$golden/step_s0_b8_a000.h5" bad.h5
    "$PYTHON" -c "import h5py; h5py.File('bad.h5', 'r+').attrs.update(${change%% *})"
    (
      if [ -z "${PGAN_QUICK-}" ]; then ulimit -v 2000000; fi # sanitizers have a memory of their own
      fails 3 "${change#*|}" pgan-grow --threads 1 --verify bad.h5
    )
  done
}

@test "numbers that are not whole, and words that are not known, are refused" {
  record ok.h5 8 8
  for change in batch=3.5 dim_latent=8.5 scale=0.5 penalty="'R2'" loss_mode="'WGAN'"; do
    cp ok.h5 bad.h5
    "$PYTHON" -c "import h5py; h5py.File('bad.h5', 'r+').attrs.update($change)"
    fails 3 "'bad.h5': " pgan-grow --verify bad.h5
    grep -qE "make no sense|unknown (penalty 'R2'|loss mode 'WGAN')" stderr.txt
  done
}

@test "the worst gradient of a step is named by network and parameter, whatever the step's number" {
  cp "$golden"/step_s0_b8_a000.h5 many.h5
  chmod u+w many.h5
  "$PYTHON" - <<'PY'
import h5py
with h5py.File('many.h5', 'r+') as f:
    for i in range(2, 12):
        f[f'iter{i}'] = f['iter0']
PY
  cp many.h5 $'\xff.h5' # a name that is not UTF-8
  pgan-grow --json --device plain --verify $'\xff.h5' | grep -qF '"file": "?.h5"'
  pgan-grow --json --device plain --verify many.h5 >result.json
  "$PYTHON" - <<'PY'
import json
r = json.load(open('result.json'))
assert [x['iteration'] for x in r] == list(range(12)), r
assert len({x['grad_worst_tensor'] for x in r[:1] + r[2:]}) == 1 and r[11]['grad_worst_tensor'][:2] in ('G/', 'D/'), r
PY
}
