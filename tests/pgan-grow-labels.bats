#!/usr/bin/env bats
# Conditional training: what the labels of a data set do, from pack-h5 to pgan-sample --label.
bats_require_minimum_version 1.5.0
load common

tiny=(--set "depthScales=16,16" --set dimLatentVector=8 --set previewImages=0 --threads 1 -b 16)
# Learns in seconds.
quick=(--lr 0.003 --set lossMode=Logistic --set lambdaGP=0 --set logisticGradReal=0.5 --set emaDecay=0.98)
both=(--set weightConditionD=1 --set weightConditionG=1)

# data N FILE: noise around a brightness and a redness, each one of two; labels bright (-1, 1), red (0, 1, rarely 1) and same (0).
data() {
  "$PYTHON" - "$@" <<'PY'
import sys, h5py, numpy as np
n, path = int(sys.argv[1]), sys.argv[2]
rng = np.random.default_rng(5)
bright, red = np.arange(n) % 2, (np.arange(n) % 8 < 2).astype(int)
x = np.where(bright, 170, 60)[:, None, None, None] + rng.integers(-20, 21, (n, 3, 8, 8))
x[:, 0] += 45 * red[:, None, None]
x = x.astype('u1')
with h5py.File(path, 'w') as f:
    f['data8x8'] = x
    f['data4x4'] = x.reshape(n, 3, 4, 2, 4, 2).mean((3, 5)).astype('u1')
    f['labels'] = np.stack([2 * bright - 1, red, 0 * red], 1).astype('f4')
    f['labels'].attrs['names'] = 'bright,red,same'
PY
}

# means FILE…: brightness of green and blue, and how much red is above them, of streams of images.
means() {
  "$PYTHON" - "$@" <<'PY'
import sys, numpy as np
for name in sys.argv[1:]:
    x = np.load(name).astype(float)
    print(round(x[:, 1:].mean()), round(x[:, 0].mean() - x[:, 1:].mean()))
PY
}

@test "a one-hot code is told to be one; two labels that go together are not" {
  data 12 data.h5
  "$PYTHON" - <<'PY'
import h5py, numpy as np
f = h5py.File('data.h5', 'r+')
del f['labels']
f['labels'] = np.eye(3, dtype='f4')[np.arange(12) % 3]
f['labels'].attrs['names'] = 'cat,dog,bird'
PY
  run -0 --separate-stderr pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" "${both[@]}" -n 1
  grep -q 'the labels look like a one-hot code, .*; use one column with 3 values instead' <<<"$stderr"
  run -0 --separate-stderr pgan-grow --data data.h5 --scale 0 -o b.h5 "${tiny[@]}" "${both[@]}" -n 1 --set selectedAttributes=cat,dog
  run ! grep -q one-hot <<<"$stderr"
  "$PYTHON" -c 'import h5py; h5py.File("data.h5", "r+")["labels"][5] = 1'
  run -0 --separate-stderr pgan-grow --data data.h5 --scale 0 -o c.h5 "${tiny[@]}" "${both[@]}" -n 1
  run ! grep -q one-hot <<<"$stderr"
}

@test "samples have the brightness and the colour that their labels say, through two scales" {
  data 64 data.h5
  grow 0 scale0.h5 -n 500 "${quick[@]}" "${both[@]}" --set selectedAttributes=bright,red --set equalizeAttributes=true
  grow 1 scale1.h5 -n 500 "${quick[@]}" "${both[@]}" --set selectedAttributes=bright,red --set equalizeAttributes=true --set alphaNJumps=0,10 --set alphaSizeJumps=0,20
  for net in scale0 scale1; do
    for bright in -1 1; do
      for red in 0 1; do pgan-sample "$net.h5" -n 64 --label "bright=$bright" --label "red=$red" -o "$bright$red.npy"; done
    done
    means -- -10.npy -11.npy 10.npy 11.npy | tee seen
    "$PYTHON" - <<'PY'
want = [(60, 0), (60, 45), (170, 0), (170, 45)]
for (a, b), (c, d) in zip(want, (map(float, line.split()) for line in open('seen'))):
    assert abs(a - c) < 25 and abs(b - d) < 18, (a, b, c, d)
PY
  done
  # Of an attribute that --label does not name each value is drawn as often; and image k is the same, in whatever part of a set.
  pgan-sample scale1.h5 -n 200 --label red=0 -o some.npy
  pgan-sample scale1.h5 -n 30 --first 17 --label red=0 -o part.npy
  "$PYTHON" - <<'PY'
import numpy as np
x, part = np.load('some.npy'), np.load('part.npy')
assert np.array_equal(x[17:47], part)
assert 70 < (x.mean((1, 2, 3)) > 115).sum() < 130
PY
  # A row of several scales and a walk from dark to bright ones take labels, too.
  pgan-sample scale0.h5 scale1.h5 -o growth.png
  for bright in -1 1; do pgan-sample scale0.h5 scale1.h5 --label bright=$bright --label red=0 -o "growth$bright.png"; done
  "$PYTHON" -c 'import numpy as np; from PIL import Image; a, b = (np.asarray(Image.open(f"growth{x}.png").convert("L")) for x in (-1, 1)); assert b.mean() - a.mean() > 50'
  fails 2 "there is no attribute to 'big=1', but bright, red" pgan-sample scale0.h5 scale1.h5 --label big=1 -o x.png
  pgan-sample scale1.h5 --walk -n 2 --frames 5 --label bright=1 -o walk.npy
  "$PYTHON" -c 'import numpy as np; x = np.load("walk.npy"); assert len(x) == 10 and x.mean((1, 2, 3)).min() > 115'
  "$PYTHON" -c 'import numpy as np; np.save("z.npy", np.zeros((3, 8), "f4"))'
  pgan-sample scale1.h5 --latents z.npy --label bright=-1 -o zero.npy
  "$PYTHON" -c 'import numpy as np; x = np.load("zero.npy"); assert len(x) == 3 and x.mean() < 115'
}

@test "labels go from a CSV through pack-h5 to the network file" {
  mkdir pictures
  "$PYTHON" - <<'PY'
import numpy as np
from PIL import Image
rng = np.random.default_rng(1)
with open('labels.csv', 'w') as f:
    print('file,kind,bright', file=f)
    for i in range(32):
        Image.fromarray((rng.integers(0, 40, (8, 8, 3)) + 40 + 120 * (i % 2)).astype('u1')).save(f'pictures/{i:02}.png')
        print(f'{i:02}.png,{i % 3},{i % 2}', file=f)
PY
  pack-h5 -q --labels labels.csv -o data.h5 pictures
  grow 0 scale0.h5 -n 2 "${both[@]}"
  "$PYTHON" - <<'PY'
import h5py
f = h5py.File('scale0.h5')
assert f.attrs['attribute_names'] in ('kind,bright', b'kind,bright')
assert f.attrs['attribute_sizes'].tolist() == [3, 2] and f.attrs['attribute_values'].tolist() == [0, 1, 2, 0, 1]
assert f['G/formatLayer.module.weight'].shape == (256, 8 + 5) and f['D/decisionLayer.module.weight'].shape == (1 + 5, 16)
assert f.attrs['dim_latent'] == 8
PY
  fails 2 "there is no attribute to 'colour=1', but kind, bright" pgan-sample scale0.h5 -o x.npy --label colour=1
  fails 2 "the attribute 'kind' takes one of 0, 1, 2, not '3'" pgan-sample scale0.h5 -o x.npy --label kind=3
  fails 2 "'kind' is not NAME=VALUE" pgan-sample scale0.h5 -o x.npy --label kind
}

@test "killed and resumed, a conditional run ends in the same bytes; with other labels it does not go on" {
  data 64 data.h5
  run=(-n 150 "${quick[@]}" "${both[@]}" --set selectedAttributes=bright --set saveIter=20 --set evalIter=7 --set previewImages=4 --keep 0)
  grow 0 whole.h5 "${run[@]}"
  for _ in 1 2 3; do
    pgan-grow -q --data data.h5 --scale 0 -o scale0.h5 "${tiny[@]}" "${run[@]}" &
    while kill -0 $! 2>/dev/null && ! [ -e scale0.ckpt ]; do sleep .003; done
    kill -9 $! 2>/dev/null || true
    wait $! || true
  done
  grow 0 scale0.h5 "${run[@]}"
  cmp scale0.h5 whole.h5
  diff <(cut -f 1-20 scale0.log) <(cut -f 1-20 whole.log)
  cmp scale0.previews/avgG-000150.png whole.previews/avgG-000150.png
  [ -z "$(awk -F '\t' 'NR > 1 && !($11 > 0 && $15 > 0)' scale0.log)" ] # lossD_classif, lossG_classif
  stopped other.h5 -q --data data.h5 --scale 0 "${tiny[@]}" "${both[@]}" --set selectedAttributes=bright -n 1000000 || true
  [ -e other.ckpt ]
  "$PYTHON" -c 'import h5py; l = h5py.File("data.h5", "r+")["labels"]; l[0:2, 0] = [1, -1]'
  fails 2 "the training images or their labels are others" grow 0 other.h5 "${both[@]}" --set selectedAttributes=bright -n 1000000
}

@test "recorded conditional steps verify on every device, with any loss" {
  data 64 data.h5
  grow 0 scale0.h5 -n 5 "${both[@]}" --set selectedAttributes=bright,red --set equalizeAttributes=true --record 4:r0.h5
  grow 1 scale1.h5 -n 20 "${both[@]}" --set selectedAttributes=bright,red --set alphaNJumps=0,4 --set alphaSizeJumps=0,5 --set sharedScore=true --record 9:r1.h5 --record 19:r2.h5
  grow 1 logistic.h5 -n 4 "${both[@]}" --set selectedAttributes=bright,red --set lossMode=Logistic --set lambdaGP=0 --set logisticGradReal=0.5 --set GDPP=true --record 3:r3.h5
  for device in cpu cpu:direct plain; do
    run pgan-grow --device "$device" --verify r0.h5 r1.h5 r2.h5 r3.h5
    echo "$output"
    [ "$status" = 0 ]
    [ "$(grep -c ': pass$' <<<"$output")" = 4 ]
  done
  # The labels count: with others a step is not reproduced.
  "$PYTHON" -c 'import h5py; d = h5py.File("r0.h5", "r+")["iter0/label_d"]; d[...] = d[:][::-1]'
  run pgan-grow --device plain --verify r0.h5
  [ "$status" = 1 ]
}

@test "labels change nothing of a run that is not conditional" {
  data 64 data.h5
  grow 0 a.h5 -n 5
  "$PYTHON" -c 'import h5py; del h5py.File("data.h5", "r+")["labels"]'
  grow 0 b.h5 -n 5
  cmp a.h5 b.h5
  "$PYTHON" -c 'import h5py; f = h5py.File("a.h5"); assert "attribute_sizes" not in f.attrs and f["D/decisionLayer.module.weight"].shape == (1, 16)'
  fails 2 "--label: the network 'a.h5' was trained without labels" pgan-sample a.h5 -o x.npy --label bright=1
}

@test "labels that are missing, unknown or of no use are refused by name; so is a network of other labels" {
  data 64 data.h5
  fails 2 "selectedAttributes names 'red' twice" grow 0 x.h5 "${both[@]}" --set selectedAttributes=red,bright,red
  fails 3 "'data.h5' has no labels called 'brigt', but bright,red,same" grow 0 x.h5 --set selectedAttributes=brigt
  fails 3 "'data.h5' has no labels called '0', but bright,red,same" grow 0 x.h5 --set selectedAttributes=0
  fails 3 "'data.h5' has no labels called '1', but bright,red,same" grow 0 x.h5 --set selectedAttributes=1,0
  fails 3 "'data.h5': all images have the same label same; choose others with selectedAttributes" grow 0 x.h5 "${both[@]}"
  fails 2 "the networks depend on the labels of the data set: give it with --data" pgan-grow --dry-run --scale 1 --set weightConditionD=1 "${tiny[@]}"
  pgan-grow --dry-run --scale 1 --set selectedAttributes=red --data data.h5 "${tiny[@]}" >table
  grow 0 scale0.h5 -n 1 --set selectedAttributes=red
  fails 2 "'scale0.h5' was trained with other labels, or without" grow 1 x.h5 -n 1 --set selectedAttributes=bright
  fails 2 "'scale0.h5' was trained with other labels, or without" grow 1 x.h5 -n 1
  "$PYTHON" -c 'import h5py; l = h5py.File("data.h5", "r+")["labels"]; l[:, 1] *= 2'
  fails 2 "'scale0.h5' was trained with other labels, or without" grow 1 x.h5 -n 1 --set selectedAttributes=red # 0 and 2, not 0 and 1
  "$PYTHON" - <<'PY'
import h5py, numpy as np
with h5py.File('data.h5', 'r+') as f:
    f['labels'][3, 0] = np.nan
PY
  fails 3 "'data.h5': the label bright of image 3 is not a float32 number" grow 0 x.h5 --set selectedAttributes=bright
  "$PYTHON" - <<'PY'
import h5py, numpy as np
with h5py.File('data.h5', 'r+') as f:
    del f['labels']
PY
  fails 3 "'data.h5' has no labels, which conditional training asks for (pack-h5 --labels)" grow 0 x.h5 "${both[@]}"
  "$PYTHON" - <<'PY'
import h5py
f = h5py.File('scale0.h5', 'r+')
f.attrs['attribute_values'] = [1., 0.]
PY
  fails 3 "'attribute_values' is not 2 values that rise for each attribute" pgan-sample scale0.h5 -o x.npy
  [ ! -e x.h5 ]
}

@test "emulated CUDA: labels reach steps that are recorded and replayed" {
  need_emulation
  data 64 data.h5
  for how in '' :eager; do grow 0 "a$how.h5" -n 6 "${both[@]}" --set selectedAttributes=bright,red --device "cuda:fp32$how"; done
  cmp a.h5 a:eager.h5
  grow 0 cpu.h5 -n 6 "${both[@]}" --set selectedAttributes=bright,red --device plain
  "$PYTHON" - <<'PY'
rows = lambda name: [line.split('\t') for line in open(name)]
a, b = rows('a.log')[1], rows('cpu.log')[1]
for column in 10, 14: # lossD_classif, lossG_classif
    assert float(a[column]) > 0 and abs(float(a[column]) / float(b[column]) - 1) < 1e-3, (a, b)
PY
}

@test "labels whose names have a = and whose values differ in the seventh digit are told apart" {
  data 64 data.h5
  "$PYTHON" -c 'import h5py; f = h5py.File("data.h5", "r+"); l = f["labels"]; l[:, 0] = 1234567 + l[:, 0] / 2 + .5; l.attrs["names"] = "a=b,red,same"'
  grow 0 scale0.h5 -n 2 "${both[@]}" --set selectedAttributes=a=b,red
  pgan-sample scale0.h5 -n 2 --label a=b=1234567 --label red=0 -o low.npy
  pgan-sample scale0.h5 -n 2 --label a=b=1234568 --label red=0 -o high.npy
  ! cmp -s low.npy high.npy || false
  fails 2 "the attribute 'a=b' takes one of 1234567, 1234568, not '3'" pgan-sample scale0.h5 -o x.npy --label a=b=3
  "$PYTHON" -c 'import h5py; h5py.File("data.h5", "r+")["labels"].attrs["names"] = "bright,,same"'
  fails 3 "'data.h5' has a column of labels without a name" pgan-grow --data data.h5 --scale 0 -o x.h5 "${tiny[@]}" "${both[@]}"
}
