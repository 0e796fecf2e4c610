#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
load common

# sets: real.h5 and fake.h5 with 40 images each of 32x32, and fake.npy, fake.zip, fake/ with the same images as fake.h5.
sets() {
  "$PYTHON" - <<'PY'
import h5py, numpy as np, os, zipfile
from PIL import Image
rng = np.random.default_rng(3)
def draw(n, noise):
    base = rng.integers(40, 216, (n, 3, 8, 8)).repeat(4, 2).repeat(4, 3)
    return np.clip(base + rng.normal(0, noise, (n, 3, 32, 32)), 0, 255).astype('u1')
def save(name, x):
    h5py.File(name, 'w').create_dataset('data32x32', data=x, chunks=(1,) + x.shape[1:])
save('real.h5', draw(90, 10))
x = draw(40, 30)
save('fake.h5', x)
np.save('fake.npy', x)
os.mkdir('fake')
with zipfile.ZipFile('fake.zip', 'w') as z:
    for i, p in enumerate(x):
        Image.fromarray(p.transpose(1, 2, 0)).save(f'fake/{i:03}.png')
        z.write(f'fake/{i:03}.png', f'{i:03}.png')
PY
}

@test "swd: all kinds of input give the same numbers, from pipes too" {
  sets
  swd --json --ref real.h5 fake.h5 >h5.json
  tar -cf fake.tar -C fake .
  for input in fake.npy fake fake.zip fake.tar; do
    swd --json --ref real.h5 "$input" | cmp - h5.json
  done
  swd --json --ref real.h5 <fake.npy | cmp - h5.json
  cat fake.npy | swd --json --ref real.h5 - | cmp - h5.json
  swd --json --ref real.h5 <(cat fake.npy) | cmp - h5.json
  swd --json --ref fake.npy real.h5 >back.json
  swd --json --ref <(cat fake.npy) real.h5 | cmp - back.json
  mkfifo named
  cat fake.npy >named &
  swd -n 40 --ref named --save-ref saved >table </dev/null
  [ ! -s table ]
  swd --ref saved real.h5 | grep -q "statistics of 'a stream'" # which nobody waits for
}

@test "swd: the JSON has the fields, and the sizes are said" {
  sets
  swd --json --seed 3 --ref real.h5 fake.h5 >out.json
  "$PYTHON" - <<'PY'
import json
r = json.load(open('out.json'))
assert r['protocol'] == 'karras' and r['n'] == 40 and r['seed'] == 3 and set(r['levels']) == {'32', '16'}
assert abs(r['average'] - sum(r['levels'].values()) / 2) < 1e-5 and r['levels']['32'] > 20 * r['errors']['32'] > 0
assert any('40 and 90' in n for n in r['notes']) and any('16384' in n for n in r['notes']), r['notes']
assert not any('Of the' in n for n in r['notes']), r['notes']
PY
  swd -n 40 --ref real.h5 fake.h5 >table
  grep -q "protocol karras, 40 images of each set, seed 0" table
  grep -q "Fewer images than the protocol's 16384" table
  ! grep -q "differ in size\|were asked for" table || false
  swd -n 30 --ref real.h5 fake.h5 >table
  grep -q "^Of the 90 images of '.*.h5' the first 30 are compared.$" table
  grep -q "^Of the 40 images of '.*.h5' the first 30 are compared.$" table
  swd -n 50 --ref real.h5 fake.h5 | grep -q "^50 images were asked for.$"
}

@test "swd: against a plain computation with NumPy" {
  sets
  swd --json --ref real.h5 fake.h5 >out.json
  "$PYTHON" - <<'PY'
import h5py, json, numpy as np
rng = np.random.default_rng(1)
w = np.array([1, 4, 6, 4, 1]) / 16
def blur(x, gain=1):
    for axis in 2, 3:
        p = [(0, 0)] * 4
        p[axis] = 2, 2
        y = np.pad(x, p, 'reflect')
        x = gain * sum(w[k] * np.take(y, range(k, k + x.shape[axis]), axis) for k in range(5))
    return x
def levels(x):
    small = blur(x)[:, :, ::2, ::2]
    up = np.zeros_like(x)
    up[:, :, ::2, ::2] = small
    return x - blur(up, 2), small
def descriptors(x):
    n, s = len(x) * 128, x.shape[2]
    y, c = rng.integers(0, s - 6, (2, n))
    d = np.stack([x[i // 128, :, y[i]:y[i] + 7, c[i]:c[i] + 7] for i in range(n)])
    d -= d.mean((0, 2, 3), keepdims=True)
    d /= d.std((0, 2, 3), keepdims=True)
    return d.reshape(n, -1)
a, b = (levels(h5py.File(f)['data32x32'][:40].astype(float)) for f in ('real.h5', 'fake.h5'))
r = json.load(open('out.json'))
for k, side in enumerate(('32', '16')):
    u = rng.standard_normal((147, 512))
    u /= np.sqrt((u * u).sum(0))
    v = 1e3 * np.abs(np.sort(descriptors(a[k]) @ u, 0) - np.sort(descriptors(b[k]) @ u, 0)).mean()
    # two independent draws of patches and directions: a few per cent
    assert abs(v / r['levels'][side] - 1) < 0.15, (side, v, r['levels'])
PY
}

@test "swd: the number of threads does not matter, the seed does" {
  sets
  swd --json -j 1 --ref real.h5 fake.h5 >one.json
  swd --json -j 3 --ref real.h5 fake.h5 | cmp - one.json
  swd --json -s 1 --ref real.h5 fake.h5 >other.json
  ! cmp -s one.json other.json || false
}

@test "swd: --floor compares the reference with itself" {
  sets
  swd --json --floor --ref real.h5 fake.h5 >out.json
  "$PYTHON" - <<'PY'
import json
r = json.load(open('out.json'))
assert [f['n'] for f in r['floor']] == [20, 40]
assert r['floor'][1]['levels']['32'] < r['levels']['32'], r
PY
  swd --floor --ref fake.npy real.h5 | grep -q "floor, 20 images"
  # With -n N, too, the images behind the first N are there for it.
  swd --json --floor -n 20 --ref real.h5 fake.h5 | "$PYTHON" -c 'import json, sys; assert [f["n"] for f in json.load(sys.stdin)["floor"]] == [10, 20]'
}

@test "swd: the halves of --floor are the first and the second, under both protocols" {
  npy 64,3,32,32 u1 >same.npy
  npy 64,3,32,32 u1 'np.concatenate([rng.integers(0, 256, (32, 3, 32, 32)), rng.integers(0, 256, (32, 3, 8, 8)).repeat(4, 2).repeat(4, 3)])' >halves.npy
  for protocol in karras paddle; do
    for set in same halves; do swd --json -p $protocol --floor --ref $set.npy same.npy >$set.json; done
    "$PYTHON" - <<'PY'
import json
same, halves = (json.load(open(f'{name}.json'))['floor'][0] for name in ('same', 'halves'))
assert same['n'] == halves['n'] == 32 and halves['levels']['32'] > 1.3 * same['levels']['32'], (same, halves)
PY
  done
}

@test "swd: protocol paddle cuts patches from every 16th image, and says so" {
  sets
  swd --json -p paddle --ref real.h5 fake.h5 >out.json
  "$PYTHON" - <<'PY'
import json, h5py
r = json.load(open('out.json'))
assert r['protocol'] == 'paddle' and set(r['levels']) == {'32', '16', '8'}
assert any('first image' in n and '3 images' in n for n in r['notes'])
with h5py.File('fake.h5', 'r+') as f:
    x = f['data32x32'][()]
    keep = x[::16].copy()
    x[:] = 0
    x[::16] = keep
    f['data32x32'][...] = x
PY
  swd --json -p paddle --ref real.h5 fake.h5 | cmp - out.json
  swd -p paddle -n 32 --ref real.h5 fake.h5 | tr '\n' ' ' | grep -q "rest on 2 images of each set"
}

@test "swd: floats beyond [-1,1] are clamped under karras, not under paddle" {
  sets
  npy 32,3,32,32 f4 'rng.normal(0, 1, shape)' >wide.npy
  "$PYTHON" -c 'import numpy as np; x = np.load("wide.npy"); np.save("clamped.npy", np.floor(np.clip((x + 1) * 127.5, 0, 255) + 0.5).astype("u1"))'
  for protocol in karras paddle; do
    for set in wide clamped; do swd --json -p $protocol --ref real.h5 $set.npy | "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["levels"])' >$protocol-$set; done
  done
  cmp karras-wide karras-clamped
  run ! cmp -s paddle-wide paddle-clamped
}

@test "swd: grey images, and sides of 16 and 64" {
  for shape in 20,1,16,16 20,1,64,64 20,3,16,16; do
    npy "$shape" u1 >a.npy
    npy "$shape" u1 'rng.integers(0, 200, shape)' >b.npy
    swd --json --ref a.npy b.npy | grep -q '"16": '
  done
}

@test "swd: saved statistics give the same distances, and notice a change" {
  sets
  swd --json -n 40 -s 2 --ref real.h5 fake.h5 >direct.json
  swd -q -n 40 -s 2 --ref real.h5 --save-ref saved >out </dev/null
  [ ! -s out ]
  swd --json -n 40 -s 2 --ref real.h5 --save-ref both fake.h5 | cmp - direct.json
  cmp saved both
  swd --json --ref saved <fake.npy >out.json
  "$PYTHON" - <<'PY'
import json
a, b = json.load(open('direct.json')), json.load(open('out.json'))
assert (b['n'], b['seed'], b['protocol']) == (40, 2, 'karras') and any('saved statistics' in n for n in b['notes'])
for k, v in a['levels'].items():
    assert 0 < abs(b['levels'][k] / v - 1) < 2e-3, (k, v, b['levels'][k])
PY
  fails 2 "statistics of 40 images" swd --ref saved -n 20 fake.h5
  fails 2 "seed 2" swd --ref saved -s 1 fake.h5
  fails 2 "--floor" swd --ref saved --floor fake.h5
  npy 30,3,32,32 u1 >few.npy
  fails 3 "'few.npy' has 30 images" swd --ref saved few.npy
  npy 40,1,32,32 u1 >grey.npy
  fails 3 "grey" swd --ref saved grey.npy
  cp real.h5 backup.h5
  "$PYTHON" -c 'import h5py; f = h5py.File("real.h5", "r+"); f["data32x32"][39, 2, 31, 31] ^= 1'
  fails 3 "real.h5' changed since" swd --ref saved fake.h5
  "$PYTHON" -c 'import h5py; f = h5py.File("real.h5", "r+"); f["data32x32"][39, 2, 31, 31] ^= 1; f["data32x32"][40] = 0'
  swd --json --ref saved fake.h5 | cmp - out.json
  rm real.h5
  swd --ref saved fake.h5 | grep -q "not there to be compared"
  # The set's name is whatever the file says: nothing for a terminal to obey, and a note in JSON, too.
  cp saved named
  "$PYTHON" -c 'import h5py; h5py.File("named", "r+").attrs["source"] = "gone\a\x1b[31m\xff.h5".encode("latin1")'
  swd --ref named fake.h5 >table
  grep -a "gone??" table | grep -aq "not there to be compared"
  ! grep -aq $'[\a\e]' table || false
  swd --json --ref named fake.h5 | grep -q "gone??\[31m?.h5', which is not there to be compared"
  # A part that is not there is no zeros; a named pipe where the set was is nothing to compare with.
  "$PYTHON" - <<'PY'
import h5py, os, shutil
shutil.copy('saved', 'virtual'), shutil.copy('saved', 'pipe'), shutil.copy('saved', 'odd')
with h5py.File('virtual', 'r+') as f:
    shape = f['low'].shape
    layout = h5py.VirtualLayout(shape, 'f4')
    layout[...] = h5py.VirtualSource('missing.h5', 'low', shape)
    del f['low']
    f.create_virtual_dataset('low', layout)
os.mkfifo('fifo')
h5py.File('pipe', 'r+').attrs['source'] = os.path.abspath('fifo')
h5py.File('odd', 'r+').attrs.modify('side', 1023)
PY
  fails 3 "'low' in 'virtual' is virtual, and its part 'low' in 'missing.h5' is not there" swd --ref virtual fake.h5
  timeout 60 swd --ref pipe fake.h5 | grep -q "fifo', which is not there to be compared"
  fails 3 "'odd': images of side 1023" swd --ref odd fake.h5
  head -c 30000000 saved >short
  fails 3 "'short'" swd --ref short fake.h5
  # Of a data set of several resolutions, the one that is asked for.
  npy 40,3,64,64 u1 | pack-h5 -q -o sizes.h5
  pgan_side() { "$PYTHON" -c 'import h5py, sys; print(int(h5py.File(sys.argv[1]).attrs["side"]))' "$1"; }
  swd -q --ref sizes.h5 --save-ref largest
  swd -q --ref sizes.h5 --size 32 --save-ref smaller
  [ "$(pgan_side largest)" = 64 ]
  npy 50,3,64,64 u1 >fifty.npy
  swd --ref largest fifty.npy | grep -q "Of the 50 images of 'fifty.npy' the first 40 are compared."
  [ "$(pgan_side smaller)" = 32 ]
  npy 40,3,32,32 u1 | swd --ref smaller >/dev/null
  fails 2 "--size is for --save-ref without INPUT" swd --ref sizes.h5 --size 32 fake.h5
  fails 3 "sizes.h5" swd -q --ref sizes.h5 --size 128 --save-ref none
  fails 1 "none/saved" swd --ref backup.h5 --save-ref none/saved # before anything is looked at
  fails 1 "none/saved" swd --ref missing.h5 --save-ref none/saved fake.h5
}

@test "swd: bad input is refused in one line" {
  sets
  fails 2 "--ref is missing" swd fake.h5
  fails 2 "cannot both be stdin" swd --ref - -
  fails 2 "unknown option" swd --rev real.h5 fake.h5
  fails 2 "131071" swd -n 131072 --ref real.h5 fake.h5
  npy 32769,1,16,16 u1 >many.npy
  fails 2 "statistics can be kept of 32768 images, not of 32769: give -n" swd -n 131071 --ref many.npy --save-ref x
  fails 2 "statistics can be kept of 32768 images, not of 32769: give -n" swd -n 40000 --ref many.npy --save-ref x many.npy
  [ ! -e x ]
  fails 2 "protocol" swd --protocol paper --ref real.h5 fake.h5
  fails 2 "--protocol takes one of karras|paddle, not 'karras|paddle'" swd --protocol 'karras|paddle' --ref real.h5 fake.h5
  fails 3 "cannot open 'none.h5'" swd --ref real.h5 none.h5
  fails 3 "cannot open 'none.h5'" swd --ref none.h5 fake.h5
  echo "no picture" >text
  fails 3 "'text'" swd --ref real.h5 text
  mkdir empty
  fails 3 "'empty'" swd --ref real.h5 empty
  npy 4,3,8,8 u1 >small.npy
  fails 3 "images of side 8" swd --ref small.npy small.npy
  npy 4,3,64,64 u1 >large.npy
  fails 3 "data64x64" swd --ref real.h5 large.npy
  npy 4,1,32,32 u1 >grey.npy
  fails 3 "grey" swd --ref real.h5 grey.npy
  npy 4,3,32,32 u1 77 >constant.npy
  fails 3 "'constant.npy' is constant" swd --ref real.h5 constant.npy
  npy 4,3,32,32 f4 'np.where(np.arange(32) == 5, np.nan, 0.5 * rng.standard_normal(shape))' >nan.npy
  fails 3 "'nan.npy': image 0 holds values that are not finite" swd --ref real.h5 nan.npy
  fails 3 "not finite" swd -p paddle --ref real.h5 nan.npy
}

@test "swd: pictures of different sizes or colours are refused by name" {
  sets
  "$PYTHON" -c 'from PIL import Image; Image.new("RGB", (64, 64)).save("fake/017.png")'
  fails 3 "'fake/017.png' is a picture of 64x64 after others of 32x32" swd --ref real.h5 fake
  "$PYTHON" -c 'from PIL import Image; Image.new("L", (32, 32)).save("fake/000.png")'
  fails 3 "is RGB, and the first picture grey" swd --ref real.h5 fake
}

@test "swd: a grey picture among RGB ones counts as three equal planes" {
  sets
  "$PYTHON" -c 'from PIL import Image; Image.new("L", (32, 32), 77).save("fake/017.png")'
  swd --ref real.h5 fake >grey.txt
  "$PYTHON" -c 'from PIL import Image; Image.new("RGB", (32, 32), (77, 77, 77)).save("fake/017.png")'
  swd --ref real.h5 fake >rgb.txt
  cmp grey.txt rgb.txt
}

@test "swd: an upstream that dies gives no number" {
  sets
  status=0
  head -c 100000 fake.npy | swd --json --ref real.h5 >out 2>err || status=$?
  [ "$status" = 3 ]
  [ ! -s out ]
  grep -q truncated err
  status=0
  swd --json --ref real.h5 </dev/null >out 2>err || status=$?
  [ "$status" = 3 ]
  [ ! -s out ]
  grep -q "'stdin' is empty" err
}

@test "swd: a full disk is an error" {
  sets
  status=0
  swd --json -n 8 --ref real.h5 fake.h5 >/dev/full 2>err || status=$?
  [ "$status" = 1 ]
  grep -q "cannot write to stdout" err
}
