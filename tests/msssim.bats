#!/usr/bin/env bats
load common

# pictures NAME SIDE: a (N,3,R,R) .npy file of golden's pictures on stdout.
pictures() {
  "$PYTHON" - "$golden/metrics.h5" "$1" <<'PY'
import sys, h5py, numpy as np
np.save(sys.stdout.buffer, np.ascontiguousarray(h5py.File(sys.argv[1])['msssim/' + sys.argv[2]][()].transpose(0, 3, 1, 2)))
PY
}

# equals FILE.json DATASET LIMIT: the values per pair equal golden's.
equals() {
  "$PYTHON" - "$golden/metrics.h5" "$@" <<'PY'
import sys, json, h5py, numpy as np
r, want = json.load(open(sys.argv[2])), h5py.File(sys.argv[1])['msssim/' + sys.argv[3]][()]
assert r['pairs'] == len(want) and np.abs(np.array(r['values']) - want).max() <= float(sys.argv[4]), (r, want)
assert abs(r['msssim'] - np.mean(r['values'])) < 1e-9
n = len(want)
assert n == 1 or abs(r['error'] / (np.std(r['values'], ddof=1) / n**.5) - 1) < 1e-9
PY
}

@test "msssim: karras equals the published values, pair by pair" {
  for side in 128 64 32 16; do
    pictures "$side/faces" | msssim --json --per-pair >out.json
    equals out.json "$side/faces_consecutive_pairs" 1e-5
    pictures "$side/images" >a.npy
    pictures "$side/noisy" | msssim --json --per-pair --ref a.npy >out.json
    equals out.json "$side/image_vs_noisy" 1e-5
  done
}

@test "msssim: paddle equals the reproduced system's values" {
  for side in 128 64 32; do
    pictures "$side/images" >a.npy
    pictures "$side/noisy" | msssim --json --per-pair -p paddle --ref a.npy >out.json
    equals out.json "$side/pgan_paddle_image_vs_noisy" 1e-4
    msssim --json --per-pair -p paddle a.npy >out.json
    equals out.json "$side/pgan_paddle_consecutive_pairs" 1e-4
    grep -q "compares generated images with real ones" out.json
  done
}

@test "msssim: vainf equals pytorch-msssim" {
  pictures pytorch_msssim_192/images | msssim --json --per-pair -p vainf - >out.json
  equals out.json pytorch_msssim_192/consecutive_pairs 1e-5
}

@test "msssim: fields, notes and --pairs" {
  npy 9,3,32,32 u1 >in.npy
  msssim --json in.npy >out.json
  "$PYTHON" - <<'PY'
import json
r = json.load(open('out.json'))
assert r['protocol'] == 'karras' and r['pairs'] == 4 and 'values' not in r
assert any('no partner' in n for n in r['notes']) and any('10000' in n for n in r['notes'])
PY
  msssim --json --pairs 3 --per-pair in.npy | "$PYTHON" -c 'import sys, json; assert len(json.load(sys.stdin)["values"]) == 3'
  msssim --floor in.npy in.npy >table
  grep -q "protocol karras" table
  grep -q "^floor  *4 " table
  grep -q "Fewer pairs than the protocol's 10000" table
}

@test "msssim: bytes, floats, pictures and pipes give the same numbers, for any number of threads" {
  npy 70,3,32,32 u1 >in.npy
  "$PYTHON" - <<'PY'
import numpy as np, os
from PIL import Image
x = np.load('in.npy')
np.save('f32.npy', (x / 127.5 - 1).astype('f4'))
os.mkdir('png')
for i, p in enumerate(x):
    Image.fromarray(p.transpose(1, 2, 0)).save(f'png/{i:03}.png')
PY
  msssim --json --per-pair -j 1 in.npy >one.json
  msssim --json --per-pair -j 3 in.npy | cmp - one.json
  cat in.npy | msssim --json --per-pair | cmp - one.json
  msssim --json --per-pair f32.npy | cmp - one.json
  msssim --json --per-pair png | cmp - one.json
  tar -cf png.tar -C png .
  msssim --json --per-pair png.tar | cmp - one.json
}

@test "msssim: bad input is refused in one line" {
  npy 4,3,32,32 u1 >in.npy
  fails 3 "cannot open 'none.npy'" msssim none.npy
  fails 3 "cannot open 'none.npy'" msssim --ref none.npy in.npy
  fails 2 "stdin" msssim --ref -
  fails 2 "unknown option" msssim --pair 3 in.npy
  fails 2 "protocol" msssim --protocol ssim in.npy
  fails 2 "--protocol takes one of karras|paddle|vainf, not 'paddle|vainf'" msssim --protocol 'paddle|vainf' in.npy
  echo "no picture" >text
  fails 3 "'text'" msssim text
  mkdir empty
  fails 3 "'empty'" msssim empty
  npy 4,3,8,8 u1 >small.npy
  fails 3 "needs 16" msssim small.npy
  npy 4,3,16,16 u1 >small.npy
  fails 3 "only one scale" msssim -p paddle small.npy
  fails 3 "more than 160" msssim -p vainf in.npy
  npy 4,1,32,32 u1 >grey.npy
  fails 3 "of 1x32x32" msssim --ref grey.npy in.npy
  fails 3 "side 32 where 16" msssim --ref in.npy small.npy
  npy 1,3,32,32 u1 >one.npy
  fails 3 "'one.npy' holds too few images" msssim one.npy
  npy 0,3,32,32 u1 >zero.npy
  fails 3 "'zero.npy' holds no images" msssim --ref zero.npy in.npy
  fails 3 "'zero.npy' holds no images" msssim --ref in.npy zero.npy
  npy 4,3,32,32 f4 'np.where(np.arange(32) == 5, np.inf, 0.5)' >inf.npy
  fails 3 "not finite" msssim inf.npy
  npy 4,32,32 u1 >shape.npy
  fails 3 "shape (4,32,32)" msssim shape.npy
}

@test "msssim: an upstream that dies gives no number" {
  npy 40,3,32,32 u1 >in.npy
  status=0
  head -c 60000 in.npy | msssim --json >out 2>err || status=$?
  [ "$status" = 3 ]
  [ ! -s out ]
  grep -q truncated err
}

@test "msssim: a full disk is an error" {
  npy 4,3,32,32 u1 >in.npy
  status=0
  msssim in.npy >/dev/full 2>err || status=$?
  [ "$status" = 1 ]
  grep -q "cannot write to stdout" err
}

@test "msssim: one pair has no standard error" {
  npy 4,3,32,32 u1 >in.npy
  msssim --pairs 1 in.npy >table
  grep -qE '^ +1  [01]\.[0-9]{5}$' table
  msssim --json --pairs 1 --floor in.npy in.npy | "$PYTHON" -c 'import json, sys; r = json.load(sys.stdin); assert r["error"] is None and r["floor"]["error"] is None and r["pairs"] == 1'
  msssim --pairs 2 in.npy | grep -qE '^ +2  [01]\.[0-9]{5} ± 0\.[0-9]{5}$'
}

@test "floats from 0 to 1 are taken as they are, with a note" {
  npy 20,3,32,32 f4 'rng.random(shape)' >unit.npy
  npy 20,3,32,32 f4 'rng.random(shape) * 2 - 1' >right.npy
  note="no value of 'unit.npy' is below 0: floats are images in [-1,1], and 0 is grey"
  for score in "msssim unit.npy" "msssim right.npy --floor unit.npy" "swd --ref unit.npy right.npy"; do
    $score -q --json | "$PYTHON" -c 'import json, sys; assert "No value of \x27unit.npy\x27 is below 0: floats are images in [-1,1], and 0 is grey." in json.load(sys.stdin)["notes"]'
  done
  pack-h5 -o a.h5 unit.npy 2>said
  grep -qxF "pack-h5: $note" said
  celeba-crop --size 8 --center 8,8 unit.npy 2>said >/dev/null
  grep -qxF "celeba-crop: $note" said
  laplacian-pyr unit.npy 2>said >/dev/null
  grep -qxF "laplacian-pyr: $note" said
  msssim right.npy >said
  ! grep "below 0" said || false
}

@test "msssim: pictures of a mirrored set are compared with each other, not with their mirror images" {
  npy 41,3,32,32 u1 >in.npy
  pack-h5 -q -o plain.h5 in.npy
  pack-h5 -q --mirror -o mirrored.h5 in.npy
  msssim --json --per-pair plain.h5 >plain.json
  msssim --json --per-pair mirrored.h5 --floor mirrored.h5 >mirrored.json
  msssim --json --per-pair mirrored.h5 --ref mirrored.h5 >same.json
  "$PYTHON" - <<'PY'
import json
plain, mirrored, same = (json.load(open(f + '.json')) for f in ('plain', 'mirrored', 'same'))
assert plain['values'] == mirrored['values'] and len(plain['values']) == 20 and mirrored['floor']['msssim'] == plain['msssim']
assert any('mirror images of' in n for n in mirrored['notes']) and any('no partner' in n for n in mirrored['notes']), mirrored['notes']
assert same['pairs'] == 82 and not any('mirror' in n for n in same['notes'])
PY
  # It stays one when it is packed again; what only has the word in its description is none.
  pack-h5 -q -o again.h5 mirrored.h5
  msssim --json --per-pair again.h5 --floor mirrored.h5 | cmp - <(sed s/mirrored.h5/again.h5/ mirrored.json)
  cp plain.h5 word.h5
  "$PYTHON" -c "import h5py; h5py.File('word.h5', 'r+').attrs['options'] = '--filter bilinear --labels --columns a --mirror'"
  cp mirrored.h5 old.h5
  "$PYTHON" -c "import h5py; del h5py.File('old.h5', 'r+').attrs['mirrored']"
  msssim --json word.h5 --floor old.h5 >word.json
  "$PYTHON" - <<'PY'
import json
word, plain = json.load(open('word.json')), json.load(open('plain.json'))
assert word['pairs'] == len(plain['values']) and word['msssim'] == word['floor']['msssim'] == plain['msssim'], word
PY
  npy 4,1,32,32 u1 >grey.npy
  fails 3 "'in.npy' holds RGB images, 'grey.npy' grey ones" msssim in.npy --floor grey.npy
}

@test "floats of which many are beyond [-1,1] are taken, with a note" {
  npy 20,3,32,32 f4 'rng.standard_normal(shape)' >normal.npy
  npy 20,3,32,32 f4 '1.2 * rng.random(shape) * rng.choice([-1, 1], shape)' >slightly.npy # a sixth
  npy 20,3,32,32 f4 '1.05 * (rng.random(shape) * 2 - 1)' >right.npy # as generators do
  for score in "msssim normal.npy" "msssim right.npy --floor normal.npy" "swd --ref normal.npy right.npy"; do
    $score -q --json | "$PYTHON" -c 'import json, sys; assert "31 % of the values of \x27normal.npy\x27 lie outside [-1,1], the range of float images." in json.load(sys.stdin)["notes"]'
  done
  pack-h5 -o a.h5 slightly.npy 2>said
  grep -qx "pack-h5: 16 % of the values of 'slightly.npy' lie outside \[-1,1\], the range of float images" said
  msssim right.npy >said
  ! grep "beyond" said || false
}

@test "msssim: of a file that grows, what was there is read" {
  npy 2,3,64,64 u1 >a.npy
  npy 8,3,64,64 u1 >more.npy
  mkfifo other
  msssim --pairs 1 --json a.npy --ref other >got &
  exec 8>other # once it is opened there, a.npy has been counted
  cat more.npy >>a.npy
  cat more.npy >&8 || true
  exec 8>&-
  wait $!
  npy 2,3,64,64 u1 >b.npy
  msssim --pairs 1 --json b.npy --ref more.npy >want
  diff <(tr , '\n' <got | grep -v input) <(tr , '\n' <want | grep -v input)
}
