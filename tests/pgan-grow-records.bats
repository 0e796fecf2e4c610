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
