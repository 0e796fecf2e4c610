#!/usr/bin/env bats
# pgan-grow: what a training is and what it writes.
bats_require_minimum_version 1.5.0
load common

@test "the same seed gives the same bytes, another seed others" {
  random_data 20 8 data.h5
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
  random_data 20 8 data.h5
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

@test "--init-from starts with the weights of a network of the same scale, and nothing else of it" {
  random_data 20 8 data.h5
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
  random_data 20 4 data.h5
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

@test "the log: one header, rows of numbers, means over each report" {
  random_data 20 8 data.h5
  grow 0 scale0.h5 -n 3 -b 4
  grow 1 scale1.h5 -n 25 -b 4 --set evalIter=10 --set alphaNJumps=0,2 --set alphaSizeJumps=0,8 --set lrWarmup=20
  grow 0 long.h5 -n 300 -b 4 --set evalIter=10
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
# Forty images a row, by images a second: the seconds, which have two decimals.
rows = [line.rstrip('\n').split('\t') for line in open('long.log')]
rate, seconds = rows[0].index('images_per_second'), rows[0].index('seconds')
assert abs(sum(40 / float(r[rate]) for r in rows[1:]) / float(rows[-1][seconds]) - 1) < .02 + .01 / float(rows[-1][seconds])
PY
}

@test "previews: grids of G and its average, numbered by iteration; the same again after a kill" {
  random_data 20 8 data.h5
  pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" --set previewImages=10 --set previewIter=4 -n 10 -b 4
  no_leftovers a.previews {G,avgG}-0000{04,08,10}.png
  "$PYTHON" -c 'from PIL import Image; i = Image.open("a.previews/avgG-000010.png"); assert i.size == (8*64+7*2, 2*64+2), i.size'
  run ! cmp -s a.previews/G-000010.png a.previews/avgG-000010.png
  run ! cmp -s a.previews/G-000004.png a.previews/G-000010.png
  touch a.previews/G-000777.png
  pgan-grow -q --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" --set previewImages=10 --set previewIter=5 -n 10 -b 4 --restart
  no_leftovers a.previews {G,avgG}-0000{05,10}.png
  # Fewer than a row are no row with holes.
  pgan-grow -q --data data.h5 --scale 0 -o few.h5 "${tiny[@]}" --set previewImages=3 -n 2 -b 4
  "$PYTHON" -c 'from PIL import Image; i = Image.open("few.previews/G-000002.png"); assert i.size == (3*64+2*2, 64), i.size'
}

@test "the log's gradients are the norms of those of the step, and the penalty's is a mean over the steps that have it" {
  random_data 20 4 data.h5
  grow 0 each.h5 -n 8 -b 4 --set evalIter=1 --set penaltyEvery=2 --record 2:step.h5
  grow 0 rows.h5 -n 8 -b 4 --set evalIter=4 --set penaltyEvery=2
  "$PYTHON" - <<'PY'
import csv, h5py, numpy as np
each, rows = ([{k: float(v) for k, v in r.items()} for r in csv.DictReader(open(f'{name}.log'), delimiter='\t')] for name in ('each', 'rows'))
for net in 'D', 'G':
    norm = sum(float((d[...].astype('f8')**2).sum()) for d in h5py.File('step.h5')[f'iter0/grad/{net}'].values())**.5
    assert abs(each[2][f'gradient_{net}'] / norm - 1) < 1e-5, (net, each[2], norm)
    for k, row in enumerate(rows):
        assert abs(row[f'gradient_{net}'] / np.mean([r[f'gradient_{net}'] for r in each[4*k:4*k+4]]) - 1) < 1e-5
for k, row in enumerate(rows):
    four = [r['gradient_x'] for r in each[4*k:4*k+4]]
    assert four[0] > 0 and four[1] == 0 and four[2] > 0 and four[3] == 0, four
    assert abs(row['gradient_x'] / ((four[0] + four[2]) / 2) - 1) < 1e-5, (row, four)
PY
}

@test "fewer threads than were asked for, as OpenMP may give, compute the same" {
  for device in cpu cpu:direct plain; do
    OMP_THREAD_LIMIT=1 pgan-grow --threads 2 --device $device --verify "$golden"/step_s1_b8_a060.h5
    OMP_DYNAMIC=true pgan-grow --threads 8 --device $device --verify "$golden"/step_s1_b8_a060.h5
  done
}

@test "parameters of more than 64 MiB are written in chunks of rows" {
  random_data 4 4 data.h5
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
  random_data 5 8 data.h5
  for batch in 1 3 64; do
    grow 0 "scale0.h5" -n 2 -b "$batch" --restart
    grow 1 "b$batch.h5" -n 2 -b "$batch"
    run ! grep -qE 'nan|inf' "b$batch.log"
  done
  run -0 --separate-stderr pgan-grow --data data.h5 --scale 0 -o one.h5 "${tiny[@]}" -n 1 -b 1
  grep -q "in a batch of 1 nothing varies: D's minibatch standard deviation is always 0" <<<"$stderr"
  run -0 --separate-stderr pgan-grow --data data.h5 --scale 0 -o six.h5 "${tiny[@]}" -n 1 -b 6
  grep -q 'a batch of 6 is more than the 5 images: some are in it more than once' <<<"$stderr"
  run -0 --separate-stderr pgan-grow --data data.h5 --scale 0 -o five.h5 "${tiny[@]}" -n 1 -b 5
  run ! grep -q 'batch of' <<<"$stderr"
}

@test "4x4 to 256x256" {
  random_data 3 256 data.h5
  for scale in 0 1 2 3 4 5 6; do
    grow "$scale" "scale$scale.h5" -n 2 -b 2 --set alphaNJumps=1 --set alphaSizeJumps=1
    run ! grep -qE 'nan|inf' "scale$scale.log"
  done
  "$PYTHON" -c 'import h5py; f = h5py.File("scale6.h5"); assert f.attrs["resolution"] == 256 and f["avgG/toRGBLayers.6.module.weight"].shape == (3, 8, 1, 1)'
}

@test "one and two threads agree after 10 steps" {
  random_data 20 8 data.h5
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
  random_data 20 4 data.h5
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
  random_data 20 4 data.h5
  grow 0 a.h5 -n 60 -b 4 --set reduceOnPlateau=lossD --set plateauPatience=2 --set plateauFloor=0.00001 --set evalIter=1
  [ "$(cut -f 5 a.log | sed 1d | sort -u | wc -l)" -gt 3 ]
  [ "$(sed -n 2p a.log | cut -f 5)" = 0.001 ]
  [ "$(cut -f 5 a.log | sed 1d | sort -gr | tail -n 1)" = "$(tail -n 1 a.log | cut -f 5)" ]
}

@test "the running average: its half-life and its ramp-up" {
  random_data 20 4 data.h5
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
  # The profile is in it, too; another one is refused.
  pgan-grow --config full.json --print-config --json | cmp - again.json
  grep -q '"profile": "karras"' again.json
  fails 2 "'full.json' is of the profile karras, and --profile says zoo" pgan-grow --profile zoo --config full.json --print-config
  echo '{"profile": "karas"}' >wrong.json
  fails 3 "'wrong.json': profile is one of zoo|paddle|karras" pgan-grow --config wrong.json --print-config
}

@test "--dry-run: parameters, memory, images and time of every scale to come; says what does not fit" {
  random_data 8 8 data.h5
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
  grep -q '1 of the scales does not fit into memory' said
  fails 2 "--dry-run looks at one process" pgan-grow --dry-run --ranks 2 --set depthScales=8,8 --set dimLatentVector=8 -b 8
}

@test "help, manual page and version" {
  pgan-grow --help | grep -q -- '--print-config'
  pgan-grow --help | grep -q '  miniBatchScheduler'
  pgan-grow --man | head -n 1 | grep -q '^.TH pgan-grow 1'
  pgan-grow --version | grep -q '^libraries: HDF5'
  pgan-grow --version | grep -q '^backend: plain'
}
