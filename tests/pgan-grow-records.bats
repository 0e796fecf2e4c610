#!/usr/bin/env bats
# pgan-grow --verify: records that cannot be replayed, and records of many steps.
bats_require_minimum_version 1.5.0
load common

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
  pgan-grow --json --device plain --verify many.h5 >result.json
  "$PYTHON" - <<'PY'
import json
r = json.load(open('result.json'))
assert [x['iteration'] for x in r] == list(range(12)), r
assert len({x['grad_worst_tensor'] for x in r[:1] + r[2:]}) == 1 and r[11]['grad_worst_tensor'][:2] in ('G/', 'D/'), r
PY
}
