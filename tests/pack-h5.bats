#!/usr/bin/env bats
# pack-h5 against NumPy, h5py and Pillow.
load common
bats_require_minimum_version 1.5.0

# Ten square pictures of 32x32 in ./in, some grey, some JPEG, and the same pixels in stream.npy.
make_pictures() {
  "$PYTHON" - <<'PY'
import os, numpy as np
from PIL import Image
rng = np.random.default_rng(3)
os.makedirs('in/sub')
all = {}
for k in range(10):
    im = Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    if k % 4 == 1: im = im.convert('L')
    name = f'in/{"sub/" if k > 7 else ""}{k}.{"jpg" if k % 3 == 2 else "png"}'
    im.save(name)
    all[name] = np.asarray(Image.open(name).convert('RGB')).transpose(2, 0, 1)
np.save('stream.npy', np.stack([all[n] for n in sorted(all)]))
PY
}

# same_data A.h5 B.h5: the same data sets with the same values.
same_data() {
  "$PYTHON" - "$@" <<'PY'
import sys, numpy as np, h5py
a, b = (h5py.File(f, 'r') for f in sys.argv[1:])
assert sorted(a) == sorted(b), (sorted(a), sorted(b))
for k in a: assert np.array_equal(a[k], b[k]), k
PY
}

@test "a stream becomes every resolution, by Pillow's bilinear filter" {
  make_pictures
  pack-h5 -o data.h5 <stream.npy
  "$PYTHON" - <<'PY'
import numpy as np, h5py
from PIL import Image
x = np.load('stream.npy')
f = h5py.File('data.h5', 'r')
assert sorted(f) == sorted(f'data{r}x{r}' for r in (4, 8, 16, 32)), list(f)
for r in (4, 8, 16, 32):
    d = f[f'data{r}x{r}']
    assert d.dtype == np.uint8 and d.shape == (10, 3, r, r) and d.chunks == (1, 3, r, r)
    want = [np.asarray(Image.fromarray(i.transpose(1, 2, 0)).resize((r, r), Image.BILINEAR)).transpose(2, 0, 1) for i in x]
    assert np.array_equal(d, want), r
PY
}

@test "--filter box: 2x2 averages in floating point, rounded once" {
  make_pictures
  pack-h5 --filter box -o data.h5 <stream.npy
  "$PYTHON" - <<'PY'
import numpy as np, h5py
x = np.load('stream.npy').astype(np.float32)
f = h5py.File('data.h5', 'r')
for r in (32, 16, 8, 4):
    assert np.array_equal(f[f'data{r}x{r}'], np.rint(x).astype(np.uint8)), r
    x = (x[:, :, ::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, ::2] + x[:, :, 1::2, 1::2]) / 4
PY
}

@test "the data set tells where it comes from" {
  make_pictures
  pack-h5 --filter box -o data.h5 <stream.npy
  pack-h5 -o names.h5 in
  "$PYTHON" - <<'PY'
import hashlib, numpy as np, h5py
f, g = h5py.File('data.h5', 'r'), h5py.File('names.h5', 'r')
text = lambda f, k: f.attrs[k] if isinstance(f.attrs[k], str) else f.attrs[k].decode()
assert text(f, 'tool') == 'pack-h5' and text(f, 'tool_version') and text(f, 'options') == '--filter box' and text(g, 'options') == '--filter bilinear'
assert text(f, 'input_pixels_sha256') == hashlib.sha256(np.load('stream.npy').tobytes()).hexdigest()
names = sorted(['0.png', '1.png', '2.jpg', '3.png', '4.png', '5.jpg', '6.png', '7.png', 'sub/8.jpg', 'sub/9.png'])
assert text(g, 'input_names_sha256') == hashlib.sha256(''.join(n + '\n' for n in names).encode()).hexdigest()
PY
}

@test "a folder, an archive, a list, files, .npy, HDF5 and a stream give the same data" {
  make_pictures
  pack-h5 -o want.h5 <stream.npy
  pack-h5 -o got.h5 in
  same_data got.h5 want.h5
  (cd in && zip -qr ../in.zip .)
  pack-h5 -o zip.h5 in.zip
  cmp zip.h5 got.h5
  find in -type f | LC_ALL=C sort | pack-h5 -o got.h5 -
  same_data got.h5 want.h5
  find in -type f | LC_ALL=C sort | pack-h5 -o got.h5
  same_data got.h5 want.h5
  find in -type f | LC_ALL=C sort | xargs pack-h5 -o got.h5
  same_data got.h5 want.h5
  pack-h5 -o got.h5 stream.npy
  cmp got.h5 want.h5
  pack-h5 -o got.h5 want.h5
  same_data got.h5 want.h5
  celeba-crop --size 32 --center 16,16 in | pack-h5 -o got.h5
  cmp got.h5 want.h5
}

@test "a pipe in a list of names is read, and once" {
  make_pictures
  mkfifo fed
  first=$(find in -type f | LC_ALL=C sort | head -n 1)
  cat "$first" >fed &
  { echo fed; find in -type f | LC_ALL=C sort | sed 1d; } | pack-h5 -o got.h5
  pack-h5 -o want.h5 in
  same_data got.h5 want.h5
}

@test "an HDF5 file behind a block of the user's is read by every tool, and data in raw files outside are refused" {
  npy 6,3,16,16 uint8 >all.npy
  pack-h5 -q -o want.h5 all.npy
  "$PYTHON" - <<'PY'
import h5py, numpy as np
x = np.load('all.npy')
h5py.File('block.h5', 'w', userblock_size=1024)['data16x16'] = x
x.tofile('all.raw')
h5py.File('outside.h5', 'w').create_dataset('data16x16', x.shape, 'u1', external=[('all.raw', 0, x.size)])
PY
  pack-h5 -q -o got.h5 block.h5
  same_data got.h5 want.h5
  msssim block.h5 >block.txt
  msssim all.npy >all.txt
  cmp block.txt all.txt
  fails 3 "'data16x16' in 'outside.h5' lies in raw files outside of it" pack-h5 -o x.h5 outside.h5
  fails 3 "'data16x16' in 'outside.h5' lies in raw files outside of it" msssim outside.h5
  [ ! -e x.h5 ]
}

@test "a virtual data set is read when all of its parts are there, and refused by their name otherwise" {
  mkdir parts
  npy 6,3,8,8 uint8 >all.npy
  pack-h5 -q -o want.h5 all.npy
  "$PYTHON" - <<'PY'
import os, h5py, numpy as np
x = np.load('all.npy')
def virtual(path, sources):
    layout = h5py.VirtualLayout((6, 3, 8, 8), 'u1')
    for k, (name, data) in enumerate(sources):
        layout[3 * k:3 * k + 3] = h5py.VirtualSource(name, data, (3, 3, 8, 8))
    with h5py.File(path, 'a', libver='latest') as f:
        f.create_virtual_dataset('data8x8', layout)
for k in range(2):
    h5py.File(f'parts/part{k}.h5', 'w')['images'] = x[3 * k:3 * k + 3]
h5py.File('parts/own.h5', 'w').update({'a': x[:3], 'b': x[3:]})
virtual('parts/near.h5', [('part0.h5', 'images'), ('part1.h5', 'images')])
virtual('parts/full.h5', [(os.path.abspath(f'parts/part{k}.h5'), 'images') for k in range(2)])
virtual('parts/other.h5', [('part0.h5', 'images'), ('part1.h5', 'pictures')])
virtual('parts/own.h5', [('.', 'a'), ('.', 'b')])
virtual('self.h5', [('.', 'data8x8'), ('.', 'data8x8')]) # a set that is a part of itself
PY
  for name in near full own; do
    pack-h5 -q -o got.h5 "parts/$name.h5"
    same_data got.h5 want.h5
  done
  mv parts moved
  for name in near full own; do
    pack-h5 -q -o got.h5 "moved/$name.h5"
    same_data got.h5 want.h5
  done
  fails 3 "'data8x8' in 'moved/other.h5' is virtual, and its part 'pictures' in 'part1.h5' is not there" pack-h5 -o x.h5 moved/other.h5
  rm moved/part1.h5
  fails 3 "'data8x8' in 'moved/near.h5' is virtual, and its part 'images' in 'part1.h5' is not there" pack-h5 -o x.h5 moved/near.h5
  fails 3 "'data8x8' in 'moved/near.h5' is virtual" pack-h5 --verify moved/near.h5
  fails 3 "'data8x8' in 'moved/full.h5' is virtual" celeba-crop --size 8 --center 4,4 moved/full.h5
  fails 3 "'data8x8' in 'self.h5' is virtual, and its part 'data8x8' in '.' is virtual, too" pack-h5 -o x.h5 self.h5
  [ ! -e x.h5 ]
}

@test "any number of threads and any records give the same bytes" {
  npy 700,3,16,16 uint8 >a.npy
  pack-h5 -j 1 -o one.h5 a.npy
  pack-h5 -j 5 -o five.h5 a.npy
  cmp one.h5 five.h5
  "$PYTHON" - <<'PY'
import numpy as np
x = np.load('a.npy')
with open('pieces.npy', 'wb') as f:
    for a, b in ((0, 1), (1, 300), (300, 300), (300, 700)): np.save(f, x[a:b])
PY
  pack-h5 -o pieces.h5 <pieces.npy
  cmp one.h5 pieces.h5
}

@test "float images and grey images are taken" {
  npy 3,3,8,8 float32 >f.npy
  npy 3,1,8,8 uint8 >g.npy
  pack-h5 -o f.h5 <f.npy
  pack-h5 -o g.h5 <g.npy
  "$PYTHON" - <<'PY'
import numpy as np, h5py
f, g = np.load('f.npy').astype(np.float64), np.load('g.npy')
assert np.array_equal(h5py.File('f.h5')['data8x8'], np.clip(np.floor((f + 1) * 127.5 + .5), 0, 255).astype(np.uint8))
assert np.array_equal(h5py.File('g.h5')['data8x8'], np.repeat(g, 3, axis=1))
PY
}

@test "resolutions from 4 to 256" {
  for r in 4 8 64 256; do
    npy 2,3,$r,$r uint8 | pack-h5 -o $r.h5
    "$PYTHON" -c "import h5py; f = h5py.File('$r.h5'); n = $r
while n >= 4: assert f[f'data{n}x{n}'].shape == (2, 3, n, n); n //= 2"
  done
}

@test "pictures that do not fit are left out with the reason, the others are kept" {
  make_pictures
  pack-h5 -o want.h5 in
  head -c 300 in/0.png >in/cut.png
  echo text >in/text.jpg
  "$PYTHON" - <<'PY'
from PIL import Image
Image.new('RGB', (32, 30)).save('in/wide.png'); Image.new('RGB', (64, 64)).save('in/zz-large.png'); Image.new('RGB', (33, 33)).save('in/00-odd.png')
PY
  mkdir empty
  run -1 pack-h5 -o got.h5 --rejects reasons in
  echo "$output"
  [[ "$output" == *"'in/00-odd.png' has 33x33 pixels: the side has to be a power of two from 4 to 1024"* ]] || false
  [[ "$output" == *"cannot decode 'in/cut.png': truncated"* ]] || false
  [[ "$output" == *"'in/wide.png' is not square: 32x30 pixels"* ]] || false
  [[ "$output" == *"'in/zz-large.png' has 64x64 pixels, the first picture 32x32"* ]] || false
  [[ "$output" == *"pack-h5: 5 of 15 pictures left out"* ]] || false
  [ "$(cut -f1 reasons | xargs)" = "picture in/00-odd.png in/cut.png in/text.jpg in/wide.png in/zz-large.png" ] || false
  same_data got.h5 want.h5
  pack-h5 --keep-going -o again.h5 in
  cmp got.h5 again.h5
  # a table that cannot be written is found before the work, not after; one that is there stays until then
  rm again.h5
  fails 1 "cannot create 'no/reasons': No such file or directory" pack-h5 -o again.h5 --rejects no/reasons in
  [ ! -e again.h5 ]
  cp reasons old
  fails 3 "no pictures in 'empty'" pack-h5 -o again.h5 --rejects reasons empty
  cmp reasons old
}

@test "bad input: one line, the right exit code, no file" {
  make_pictures
  mkdir empty full
  echo text >text.jpg
  head -c 10000 stream.npy >cut.npy
  npy 3,4,8,8 uint8 >four.npy
  npy 3,3,8,16 uint8 >oblong.npy
  npy 3,3,12,12 uint8 >twelve.npy
  npy 3,3,8,8 float64 >double.npy
  npy 0,3,8,8 uint8 >none.npy
  head -c 3000 want.h5 >cut.h5 2>/dev/null || printf '\211HDF\r\n\032\nxxxx' >cut.h5
  fails 2 "no -o" pack-h5 in
  fails 2 "'x.zip': a data set is an HDF5 file; --unpack makes an archive of one" pack-h5 -o x.zip in
  [ ! -e x.zip ]
  fails 2 "--filter" pack-h5 -o full/x.h5 --filter lanczos in
  fails 2 "--filter" pack-h5 -o full/x.h5 --filtre box in
  fails 2 "--filter takes one of bilinear|box, not 'bilinear|box'" pack-h5 -o full/x.h5 --filter 'bilinear|box' in
  fails 2 "--fit takes one of none|crop|pad|stretch, not 'crop|pad'" pack-h5 -o full/x.h5 --fit 'crop|pad' in
  fails 3 "stdin is empty" pack-h5 -o full/x.h5
  fails 3 "cannot open 'no.png': No such file or directory" pack-h5 -o full/x.h5 no.png
  fails 3 "no pictures in 'empty'" pack-h5 -o full/x.h5 empty
  fails 3 "'text.jpg' is not a PNG or JPEG picture" pack-h5 -o full/x.h5 text.jpg
  fails 3 "'cut.npy' is truncated" pack-h5 -o full/x.h5 cut.npy
  fails 3 "four.npy" pack-h5 -o full/x.h5 four.npy
  fails 3 "oblong.npy" pack-h5 -o full/x.h5 oblong.npy
  fails 3 "'twelve.npy' has 12x12 pixels" pack-h5 -o full/x.h5 twelve.npy
  fails 3 "double.npy" pack-h5 -o full/x.h5 double.npy
  fails 3 "no pictures: nothing was written" pack-h5 -o full/x.h5 none.npy
  fails 3 "cut.h5" pack-h5 -o full/x.h5 cut.h5
  fails 1 "cannot create 'no/x.h5': No such file or directory" pack-h5 -o no/x.h5 in
  run -3 pipe 'head -c 20000 stream.npy | pack-h5 -o full/x.h5'
  [ "$output" = "pack-h5: 'stdin' is truncated: it ends inside a record" ] || false
  no_leftovers full
}

@test "a full disk is an error, and leaves nothing" {
  npy 60,3,64,64 uint8 >a.npy
  full_disk
  run -1 pack-h5 -o full/x.h5 a.npy
  left=$(ls -A full)
  full_disk_end
  echo "$output"
  [[ "$output" == *"'full/x.h5'"*"No space left on device"* ]] || false
  [ -z "$left" ]
}

@test "killed in the middle, there is no data set; the old one stays" {
  npy 2,3,8,8 uint8 | pack-h5 -o x.h5
  cp x.h5 old.h5
  npy 600,3,64,64 uint8 >a.npy
  for signal in TERM HUP KILL; do
    mkfifo pipe
    pack-h5 -q -o x.h5 <pipe &
    local pid=$!
    exec 5>pipe
    head -c 5000000 a.npy >&5
    kill -s $signal $pid
    wait $pid || true
    exec 5>&-
    rm pipe
    cmp x.h5 old.h5
    [ $signal = KILL ] || no_leftovers . a.npy old.h5 x.h5
  done
  pack-h5 -o x.h5 a.npy # and removes what the killed one left
  no_leftovers . a.npy old.h5 x.h5
}

@test "memory is bounded" {
  if [ -n "${PGAN_QUICK-}" ]; then skip "sanitizers have a memory of their own"; fi
  npy 100,3,128,128 uint8 >record.npy
  for _ in $(seq 30); do cat record.npy; done >many.npy
  "$PYTHON" - <<'PY'
import resource, subprocess
subprocess.run(['pack-h5', '-j', '2', '-o', 'x.h5'], stdin=open('many.npy'), check=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f'3,000 pictures, {peak:.0f} MiB')
assert peak < 64 # the pictures are 140 MiB, the data set 187
PY
}

@test "stdin that is neither a stream nor a list of lines is refused in one line" {
  npy 2,3,16,16 u1 | pack-h5 -q -o data.h5
  pack-h5 -q --unpack data.h5 -o p/
  pack-h5 -q --unpack data.h5 -o p.zip
  printf 'p/000000.png\0p/000001.png\0' >names
  gzip -c names >names.gz
  for file in names names.gz data.h5 p/000000.png p.zip; do
    run -3 pipe "pack-h5 -o z.h5 <$file"
    [ "$output" = "pack-h5: the list of names on stdin holds a zero byte: names stand on lines; an archive, picture or HDF5 file has to be given by name" ]
    [ ! -e z.h5 ]
  done
}
