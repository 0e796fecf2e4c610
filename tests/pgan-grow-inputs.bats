#!/usr/bin/env bats
# What pgan-grow feeds a step: images, random numbers, labels and settings of recorded steps against another writing of the random numbers (philox.py) and the
# data set itself. (--verify replays what a record says: it does not know whether that was right.)
bats_require_minimum_version 1.5.0
load common

tiny=(--set "depthScales=8,8" --set dimLatentVector=8 --set previewImages=0 --threads 1 -b 4 --set alphaNJumps=0,0 --set alphaSizeJumps=0,1)

# Forty pictures of 4x4 and 8x8 with labels bright (-1, 1) and rare (1 once).
setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  "$PYTHON" - <<'PY'
import h5py, numpy as np
x = np.random.default_rng(1).integers(0, 256, (40, 3, 8, 8), np.uint8)
with h5py.File('data.h5', 'w') as f:
    f['data8x8'] = x
    f['data4x4'] = x[:, :, ::2, ::2]
    f['labels'] = np.stack([np.arange(40) % 2 * 2 - 1, np.arange(40) == 7], 1).astype('f4')
    f['labels'].attrs['names'] = 'bright,rare'
PY
}

# reads RECORD…: Python on stdin, with `record` (a list of open files), `philox`, `np`, and row(i): the image at place i of the order that the seed 9 gives.
reads() {
  "$PYTHON" - "$PGAN_TESTS" "$@" <<PY
import sys
sys.path.insert(0, sys.argv[1])
import h5py, numpy as np, philox
record = [h5py.File(name) for name in sys.argv[2:]]
data = h5py.File('data.h5')
SEED = 9
LATENT, ORDER, MIRROR = 8, 6, 7
row = lambda i: philox.permutation(SEED, ORDER, i // 40, 40)[i % 40]
$(cat)
PY
}

@test "images, latents and mixing weights are those of the iteration, the seed and the scale" {
  grow 0 scale0.h5 -n 12 --seed 9 --record 0:a.h5 --record 11:b.h5 --set mirrorAugment=true
  grow 1 scale1.h5 -n 14 --seed 9 --record 13:c.h5
  reads a.h5 b.h5 c.h5 <<'PY'
for r, iteration, scale, mirror in zip(record, (0, 11, 13), (0, 0, 1), (True, True, False)):
    side, first = 4 << scale, 4 * iteration # iteration 11 has the second epoch's images 4 to 7, 13 its 12 to 15
    x = data[f'data{side}x{side}'][()]
    flips = [mirror and philox.below(SEED, MIRROR, scale, first + i, 2) for i in range(4)]
    assert not mirror or 0 < sum(flips) < 4
    for i, flip in enumerate(flips):
        want = x[row(first + i)] / 127.5 - 1
        assert np.abs(r['iter0/real'][i] - (want[:, :, ::-1] if flip else want)).max() < 1e-6, (iteration, i)
    close = lambda name, want: np.abs(r[f'iter0/{name}'][()].ravel() - want).max() < 1e-6
    assert close('z_d', philox.normal(SEED, 3, scale, first * LATENT, 4 * LATENT)), iteration
    assert close('z_g', philox.normal(SEED, 4, scale, first * LATENT, 4 * LATENT)), iteration
    assert close('gp_mix', philox.uniform(SEED, 5, scale, first, 4)), iteration
PY
}

@test "a step has the weights, rates and moments of the settings" {
  grow 0 scale0.h5 -n 6 --lr 0.002 --set lambdaGP=3 --set penaltyEvery=4 --set epsilonD=0.01 --set emaDecay=0.9 --set lrWarmup=4 \
    --record 0:a.h5 --record 1:b.h5 --record 3:c.h5 --record 4:d.h5
  reads a.h5 b.h5 c.h5 d.h5 <<'PY'
for r, penalty, lr in zip(record, (12, 0, 0, 12), (.0005, .001, .002, .002)): # the penalty of four steps at once, in the first of them
    want = dict(lambda_gp=penalty, lr=lr, beta1=0, beta2=.99, adam_eps=1e-8, ema=.9, epsilon_d=.01, alpha=0, batch=4)
    for name, value in want.items():
        assert abs(r.attrs[name] - value) <= 1e-6 * value, (name, r.attrs[name], value)
PY
}

@test "a conditional step has latents with codes, and each half its own weight of labels" {
  grow 0 scale0.h5 -n 3 --seed 9 --record 2:a.h5 --set weightConditionD=1 --set weightConditionG=0.5
  reads a.h5 <<'PY'
r, first = record[0], 8
for half, stream, labels in ('d', 3, 14), ('g', 4, 15):
    z = r[f'iter0/z_{half}'][()]
    drawn = [[philox.below(SEED, labels, 0, (first + i) * 2 + a, 2) for a in range(2)] for i in range(4)]
    code = np.array([[a == 0, a == 1, b == 0, b == 1] for a, b in drawn], float)
    assert np.abs(z[:, :LATENT].ravel() - philox.normal(SEED, stream, 0, first * LATENT, 4 * LATENT)).max() < 1e-6
    assert np.array_equal(z[:, LATENT:], code), (half, z[:, LATENT:], code)
assert np.abs(r['iter0/label_g'][()] - .5 * code / 4).max() < 1e-7 # a mean over the batch; those of the images that G draws
rows = [row(first + i) for i in range(4)]
code = np.array([[k % 2 == 0, k % 2 == 1, k != 7, k == 7] for k in rows], float)
assert np.abs(r['iter0/label_d'][()] - code / 4).max() < 1e-7
PY
}

@test "equalized attributes weigh a rare value more, up to ten times" {
  # Of 40 images one is rare: 40 / (1 + 1) would be 20. With the batch of all images every label is in the step.
  grow 0 scale0.h5 -n 1 --seed 9 -b 40 --record 0:a.h5 --set weightConditionD=1 --set equalizeAttributes=true
  reads a.h5 <<'PY'
label = record[0]['iter0/label_d'][()]
rare = np.array([row(i) == 7 for i in range(40)])
common = 40 / (39 + 1)
assert abs(label[rare, 3] - 10 / (10 + 39 * common)).max() < 1e-7, label[rare]
assert abs(label[~rare, 2] - common / (10 + 39 * common)).max() < 1e-7, label[~rare]
PY
}
