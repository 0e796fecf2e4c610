#!/usr/bin/env bats
# pack-h5's options: other shapes and sizes, order, labels, checking, and what the neighbours read and write.
load common
bats_require_minimum_version 1.5.0

# Pictures of several shapes in ./in; 64x64, 100x70, 70x131, 200x200 (with alpha), 33x80.
make_shapes() {
  "$PYTHON" - <<'PY'
import os, numpy as np
from PIL import Image
rng = np.random.default_rng(11)
os.makedirs('in')
for k, (w, h) in enumerate(((64, 64), (100, 70), (70, 131), (200, 200), (33, 80))):
    im = Image.fromarray(rng.integers(0, 256, (h, w, 4 if k == 3 else 3), dtype=np.uint8))
    im.save(f'in/{k}.png')
PY
}

# squares N: ./sq with N pictures of 16x16 named 000.png …
squares() {
  "$PYTHON" - "$1" <<'PY'
import os, sys, numpy as np
from PIL import Image
rng = np.random.default_rng(2)
os.makedirs('sq', exist_ok=True)
for k in range(int(sys.argv[1])): Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(f'sq/{k:03}.png')
PY
}

# flip FROM TO NAME ROW: a copy of a file with one bit of a row of the data set NAME flipped.
flip() {
  "$PYTHON" - "$@" <<'PY'
import sys, h5py
origin, copy, name, row = sys.argv[1:]
raw, values = bytearray(open(origin, 'rb').read()), h5py.File(origin, 'r')[name][int(row)].tobytes()
assert raw.count(values) == 1
raw[raw.index(values)] ^= 4
open(copy, 'wb').write(raw)
PY
}

@test "--fit crop, pad and stretch, by Pillow's filter" {
  make_shapes
  for fit in crop pad stretch; do
    pack-h5 -o $fit.h5 --fit $fit --size 32 --background ff8000 in
  done
  "$PYTHON" - <<'PY'
import numpy as np, h5py
from PIL import Image
def flat(name):
    im = Image.open(name).convert('RGBA')
    out = Image.new('RGB', im.size, (255, 128, 0))
    out.paste(im, mask=im)
    return out
def crop(im):
    m = min(im.size); x, y = (im.width - m) // 2, (im.height - m) // 2
    return im.crop((x, y, x + m, y + m))
def pad(im):
    m = max(im.size); out = Image.new('RGB', (m, m), (255, 128, 0))
    out.paste(im, ((m - im.width) // 2, (m - im.height) // 2))
    return out
for name, f in (('crop', crop), ('pad', pad), ('stretch', lambda im: im)):
    got = h5py.File(name + '.h5')['data32x32'][:]
    assert got.shape == (5, 3, 32, 32), got.shape
    for k in range(5):
        want = np.asarray(f(flat(f'in/{k}.png')).resize((32, 32), Image.BILINEAR)).transpose(2, 0, 1)
        print(name, k, np.abs(got[k].astype(int) - want).max())
        assert np.array_equal(got[k], want), (name, k)
PY
}

@test "--fit: what a picture becomes does not depend on those before it" {
  mkdir in
  "$PYTHON" - <<'PY'
import numpy as np
from PIL import Image
rng = np.random.default_rng(3)
for k, (w, h) in enumerate(((40, 30), (40, 50), (44, 50), (40, 30), (32, 30))): Image.fromarray(rng.integers(0, 256, (h, w, 3), dtype=np.uint8)).save(f'in/{k}.png')
PY
  for fit in crop pad stretch; do
    pack-h5 -o all.h5 -s 16 --fit $fit -j 1 in
    for k in 0 1 2 3 4; do pack-h5 -o $k.h5 -s 16 --fit $fit in/$k.png; done
    "$PYTHON" -c 'import h5py; a = h5py.File("all.h5")["data16x16"]; assert all((a[k] == h5py.File(f"{k}.h5")["data16x16"][0]).all() for k in range(5))'
  done
}

@test "--fit pad leaves out what would be too large once it is padded" {
  "$PYTHON" -c "from PIL import Image; Image.new('L', (65535, 1)).save('strip.png')"
  fails 3 "'strip.png' is too large once it is padded: 65535x65535 pixels" pack-h5 -o x.h5 --fit pad --size 16 strip.png
}

@test "without --size, --fit takes the largest power of two in the first picture; nothing is enlarged" {
  make_shapes
  run -1 pack-h5 -o x.h5 --fit crop in
  [[ "$output" == *"'in/4.png' is smaller than 64x64: 33x80 pixels"* ]] || false
  [ "$("$PYTHON" -c 'import h5py; f = h5py.File("x.h5"); print(f["data64x64"].shape, len(f))')" = "(4, 3, 64, 64) 5" ]
  run -1 pack-h5 -o x.h5 --size 64 in # squares alone, made smaller
  [ "$("$PYTHON" -c 'import h5py; print(h5py.File("x.h5")["data64x64"].shape)')" = "(2, 3, 64, 64)" ]
  fails 2 "--size takes a power of two" pack-h5 -o x.h5 --size 48 in
}

@test "--size makes the images of a stream smaller" {
  npy 3,3,50,50 uint8 >a.npy
  pack-h5 -o x.h5 --size 16 <a.npy
  "$PYTHON" - <<'PY'
import numpy as np, h5py
from PIL import Image
for got, x in zip(h5py.File('x.h5')['data16x16'], np.load('a.npy')):
    assert np.array_equal(got, np.asarray(Image.fromarray(x.transpose(1, 2, 0)).resize((16, 16), Image.BILINEAR)).transpose(2, 0, 1))
PY
  fails 3 "the images of 'a.npy' are smaller than 64x64: 50x50 pixels" pack-h5 -o y.h5 --size 64 a.npy
  [ ! -e y.h5 ]
}

@test "--mirror, --limit and --shuffle, the same for any number of threads" {
  squares 30
  pack-h5 -o all.h5 sq
  pack-h5 -o mirror.h5 --mirror sq
  pack-h5 -o few.h5 --limit 7 sq
  pack-h5 -o mixed.h5 --shuffle 5 sq
  pack-h5 -o zero.h5 --shuffle 0 sq
  pack-h5 -o both.h5 --shuffle 5 --limit 7 --mirror -j 1 sq
  pack-h5 -o both8.h5 --shuffle 5 --limit 7 --mirror -j 8 sq
  cmp both.h5 both8.h5
  "$PYTHON" - <<'PY'
import numpy as np, h5py
all, mirror, few, mixed, zero, both = (h5py.File(f + '.h5')['data16x16'][:] for f in ('all', 'mirror', 'few', 'mixed', 'zero', 'both'))
assert np.array_equal(mirror[0::2], all) and np.array_equal(mirror[1::2], all[..., ::-1])
assert np.array_equal(few, all[:7])
for x in (mixed, zero):
    assert not np.array_equal(x, all) and sorted(i.tobytes() for i in x) == sorted(i.tobytes() for i in all)
assert not np.array_equal(mixed, zero)
assert np.array_equal(both[0::2], mixed[:7]) and len(both) == 14
assert h5py.File('both.h5').attrs['options'] in ('--filter bilinear --limit 7 --shuffle 5 --mirror', b'--filter bilinear --limit 7 --shuffle 5 --mirror')
PY
  # The first picture, whose size counts, is the first in that order.
  "$PYTHON" -c 'from PIL import Image; Image.open("sq/000.png").resize((32, 32)).save("sq/000.png")'
  for seed in 1 2 3 4; do
    pack-h5 -q -k -o order.h5 --shuffle $seed sq
    "$PYTHON" -c 'import h5py; f = h5py.File("order.h5"); assert len(f["data16x16"]) == 29 and "data32x32" not in f'
  done
  npy 3,3,8,8 uint8 >a.npy
  fails 2 "--shuffle needs the names of files" pack-h5 -o x.h5 --shuffle 1 a.npy
}

# beside FILE VALUES [TYPE]: an array of labels.
beside() {
  "$PYTHON" -c 'import sys, numpy as np; np.save(sys.argv[1], np.array(eval(sys.argv[2]), sys.argv[3]))' "$1" "$2" "${3-f4}"
}

@test "labels beside a data set: of those that others made, and all of them or a reason" {
  squares 4
  pack-h5 -q -o a.h5 sq
  cp a.h5 theirs.h5
  "$PYTHON" -c 'import h5py; f = h5py.File("theirs.h5", "r+"); [f.attrs.__delitem__(k) for k in list(f.attrs)]'
  beside theirs-labels.npy '[3, 1, 4, 1]' u1
  pack-h5 --verify theirs.h5 | grep -q "with labels"
  # pack-h5 puts labels into its files: what lies beside one is of something else.
  cp theirs-labels.npy a-labels.npy
  run pack-h5 --verify a.h5
  [ "$status" = 0 ]
  [[ "$output" != *"with labels"* ]]
  cp theirs-labels.npy before.npy
  fails 2 "is read and would be written over" pack-h5 --unpack theirs.h5 -o theirs.npy
  cmp theirs-labels.npy before.npy
  [ ! -e theirs.npy ]
  pack-h5 -q --unpack theirs.h5 -o other.npy
  "$PYTHON" -c 'import numpy as np; assert np.array_equal(np.load("other-labels.npy"), [[3], [1], [4], [1]])'
  rm theirs-labels.npy
  ln -s theirs-labels.npy theirs-labels.npy
  fails 3 "cannot open 'theirs-labels.npy': Too many levels of symbolic links" pack-h5 -o x.h5 theirs.h5
  rm theirs-labels.npy
  beside theirs-labels.npy '[1, 2, np.nan, 0]'
  fails 3 "'theirs.h5': the label 0 of image 2 is not a float32 number" pack-h5 -o x.h5 theirs.h5
  [ ! -e x.h5 ]
}

@test "labels that are no numbers, and names that no table can hold, are refused" {
  squares 3
  while IFS='|' read -r change said; do
    pack-h5 -q -o a.h5 sq
    "$PYTHON" -c "import sys, h5py, numpy as np; f = h5py.File('a.h5', 'r+'); l = f['labels'] = np.arange(6.).reshape(3, 2); l = f['labels']; $change"
    fails 3 "$said" pack-h5 --verify a.h5
    fails 3 "$said" pack-h5 --unpack a.h5 -o out.zip
    [ ! -e out.zip ]
    rm a.h5
  done <<'TABLE'
l[2, 1] = np.inf; l.attrs['names'] = 'big,small'|'a.h5': the label small of image 2 is not a float32 number
l[0, 0] = 1e300|'a.h5': the label 0 of image 0 is not a float32 number
l.attrs['names'] = 'a\nx,b'|'a.h5': the name of the column 'a?x' has a control character in it
l.attrs['names'] = ['a', 'b']|attribute 'names' of 'a.h5' has 2 values where one text is expected
l.attrs['names'] = np.array([b'abc'] * 500)|attribute 'names' of 'a.h5' has 500 values where one text is expected
TABLE
}

@test "--labels: CelebA's table, CSV and StyleGAN's dataset.json" {
  squares 5
  cat >celeba.txt <<'TXT'
6
Bald Male  Smiling
000.png -1  1  1
003.png  1 -1  1
001.png -1 -1 -1
002.png  1  1 -1
004.png  1  1  1
999.png -1 -1 -1
TXT
  printf 'name,Bald,Male,Smiling\r\nsq/000.png,-1, 1,1\r\n001.png,-1,-1,-1\r\n002.png,1,1,-1\r\n003.png,1,-1,1\r\n004.png,1,1,1\r\n' >table.csv
  echo '{"labels": [["000.png", 0], ["001.png", 1], ["002.png", 2], ["003.png", 3], ["004.png", 4]]}' >dataset.json
  pack-h5 -o a.h5 --labels celeba.txt sq
  sed -i 's/^sq.//' table.csv
  pack-h5 -o b.h5 --labels table.csv sq
  pack-h5 -o c.h5 --labels celeba.txt --columns Smiling,Bald --mirror --shuffle 3 sq
  pack-h5 -o d.h5 --labels dataset.json sq
  # CelebA's archive has its pictures in a folder that its table does not name.
  mkdir -p in/img_align_celeba
  cp sq/* in/img_align_celeba
  (cd in && "$PYTHON" -m zipfile -c ../celeba.zip img_align_celeba)
  pack-h5 -o e.h5 --labels celeba.txt celeba.zip
  "$PYTHON" - <<'PY'
import numpy as np, h5py
a, b, c, d, e = (h5py.File(f + '.h5') for f in 'abcde')
want = np.array([[-1, 1, 1], [-1, -1, -1], [1, 1, -1], [1, -1, 1], [1, 1, 1]])
text = lambda s: s if isinstance(s, str) else s.decode()
assert np.array_equal(a['labels'], want) and a['labels'].dtype == np.float32 and text(a['labels'].attrs['names']) == 'Bald,Male,Smiling'
assert np.array_equal(b['labels'], want) and np.array_equal(e['labels'], want)
for image, label in zip(c['data16x16'][0::2], c['labels'][0::2]):
    k = [np.array_equal(image, i) for i in a['data16x16']].index(True)
    assert np.array_equal(label, want[k][[2, 0]])
assert np.array_equal(c['labels'][0::2], c['labels'][1::2]) and text(c['labels'].attrs['names']) == 'Smiling,Bald'
assert np.array_equal(d['labels'], [[0], [1], [2], [3], [4]])
PY
  sed -i '/^003/d' celeba.txt
  fails 3 "'celeba.txt' has 5 rows, where its first line promises 6" pack-h5 -o x.h5 --labels celeba.txt sq
  sed -i '1s/6/4/' celeba.txt
  fails 3 "'celeba.txt' has 5 rows, where its first line promises 4" pack-h5 -o x.h5 --labels celeba.txt sq
  sed -i '1s/4/5/' celeba.txt
  run -1 pack-h5 -o x.h5 --labels celeba.txt sq
  [ "${lines[0]}" = "pack-h5: 'sq/003.png' has no labels" ] || false
  rm x.h5
  fails 3 "has no column 'Beard'" pack-h5 -o x.h5 --labels celeba.txt --columns Beard sq
  fails 3 "cannot open 'no.csv'" pack-h5 -o x.h5 --labels no.csv sq
  echo '000.png,1,2' >>table.csv
  fails 3 "the row of '000.png' has not 3 numbers" pack-h5 -o x.h5 --labels table.csv sq
  sed -i '$s/.*/000.png,1,2,x/' table.csv
  fails 3 "'x' in the row of '000.png' is not a float32 number" pack-h5 -o x.h5 --labels table.csv sq
  sed -i '$s/x/3/' table.csv
  fails 3 "two rows for '000.png'" pack-h5 -o x.h5 --labels table.csv sq
  echo '{"labels": [["000.png", [1, 2]], ["001.png", [1]]]}' >dataset.json
  fails 3 "not a pair of a file name and 2 numbers" pack-h5 -o x.h5 --labels dataset.json sq
  echo '{"labels": null}' >dataset.json
  fails 3 "no columns of labels" pack-h5 -o x.h5 --labels dataset.json sq
  echo '{"labels": [' >dataset.json
  fails 3 "'dataset.json': line" pack-h5 -o x.h5 --labels dataset.json sq
  fails 2 "--columns chooses" pack-h5 -o x.h5 --columns Male sq
  [ ! -e x.h5 ]
}

@test "--labels: a picture is found without its ending too, if one row has that name; a CSV may be quoted and needs its first line" {
  squares 3
  printf '2\nBald Male\n000.jpg 1 -1\n001.JPEG -1 1\n' >celeba.txt
  rm sq/002.png
  pack-h5 -o a.h5 --labels celeba.txt sq
  "$PYTHON" -c 'import h5py; assert h5py.File("a.h5")["labels"][:].tolist() == [[1, -1], [-1, 1]]'
  # An exact name is meant before any other; of two that are alike nobody can say which.
  printf 'name,A\n000.jpg,1\n000.png,2\nsq/001.jpg,3\n001.jpg,4\n' >table.csv
  pack-h5 -o b.h5 --labels table.csv sq
  "$PYTHON" -c 'import h5py; assert h5py.File("b.h5")["labels"][:].tolist() == [[2], [4]]'
  mkdir -p deep/a deep/b
  cp sq/000.png deep/a
  cp sq/001.png deep/b/000.png
  printf 'name,A\na/000.jpg,5\nb/000.jpg,6\n' >table.csv
  pack-h5 -o deep.h5 --labels table.csv deep
  "$PYTHON" -c 'import h5py; assert h5py.File("deep.h5")["labels"][:].tolist() == [[5], [6]]'
  printf 'name,A\n000.jpg,1\n000.jpeg,2\n001.jpg,4\n' >table.csv
  run -1 pack-h5 -o x.h5 --labels table.csv sq
  [ "${lines[0]}" = "pack-h5: 'sq/000.png' has no labels" ]
  rm x.h5
  cp sq/000.png 'sq/a, "b".png'
  printf '"name" , "A","B"\n"000.png","1",2\n 001.png, "3" , 4\n"a, ""b"".png",5,"6"\n' >table.csv
  pack-h5 -o c.h5 --labels table.csv sq
  "$PYTHON" -c 'import h5py; f = h5py.File("c.h5"); assert f["labels"][:].tolist() == [[1, 2], [3, 4], [5, 6]] and f["labels"].attrs["names"] in ("A,B", b"A,B")'
  printf 'name,A\n"000.png,1\n' >table.csv
  run -3 pack-h5 -o x.h5 --labels table.csv sq
  [ "${lines[0]}" = "pack-h5: 'sq/000.png' has no labels" ]
  printf 'name,A\n000.png,"1"2\n' >table.csv
  fails 3 "'table.csv': '\"1\"2' in the row of '000.png' is not a float32 number" pack-h5 -o x.h5 --labels table.csv sq
  for separator in ';' '\t'; do
    printf "name${separator}A\n000.png${separator}1\n" >table.csv
    fails 3 "'table.csv' has no commas in its first line: a CSV table has them between its columns" pack-h5 -o x.h5 --labels table.csv sq
  done
  printf '000.png,1\n001.png,2\n' >table.csv
  fails 3 "'table.csv' has no line with the names of the columns: the first is the row of '000.png'" pack-h5 -o x.h5 --labels table.csv sq
}

@test "--labels: what is not a number, and columns that cannot be told apart" {
  squares 1
  for word in nan inf -INF 1e300 1e39 0x10 '' 1e 1.2.3; do
    printf 'name,A\n000.png,%s\n' "$word" >table.csv
    fails 3 "'table.csv': '$word' in the row of '000.png' is not a float32 number" pack-h5 -o x.h5 --labels table.csv sq
  done
  for word in 1e300 -1e39; do
    echo "{\"labels\": [[\"000.png\", $word]]}" >dataset.json
    fails 3 "'dataset.json': a label of '000.png' is not a float32 number" pack-h5 -o x.h5 --labels dataset.json sq
  done
  printf 'name,A,B,A\n000.png,1,2,3\n' >table.csv
  fails 3 "'table.csv' has two columns 'A'" pack-h5 -o x.h5 --labels table.csv sq
  printf '1\nA B B\n000.png 1 2 3\n' >celeba.txt
  fails 3 "'celeba.txt' has two columns 'B'" pack-h5 -o x.h5 --labels celeba.txt --columns A sq
  printf 'name,A,B\n000.png,-1.5e-3,+3e38\n' >table.csv
  fails 2 "the column 'A' of 'table.csv' is asked for twice" pack-h5 -o x.h5 --labels table.csv --columns A,B,A sq
  [ ! -e x.h5 ]
  "$PYTHON" -c 'n = range(65537); print("f", *n, sep=","); print("000.png", *n, sep=",")' >wide.csv
  fails 3 "'wide.csv' has 65537 columns, more than 65536" pack-h5 -o x.h5 --labels wide.csv sq
  pack-h5 -o x.h5 --labels table.csv sq
  "$PYTHON" -c 'import h5py, numpy as np; assert np.array_equal(h5py.File("x.h5")["labels"], np.float32([[-1.5e-3, 3e38]]))'
}

@test "--verify: a good set, a changed level, a changed picture, damage, another program's file" {
  squares 20
  pack-h5 -o a.h5 sq
  pack-h5 -o b.h5 --filter box sq
  run -0 pack-h5 --verify a.h5
  [ "$output" = "a.h5: 20 pictures of 16x16, 2 smaller resolutions by the bilinear filter: all as they should be" ] || false
  run -0 pack-h5 --verify b.h5 -j 3
  [[ "$output" == *"by the box filter"* ]] || false
  "$PYTHON" - <<'PY'
import h5py, shutil
for name, level, k in (('low', 'data4x4', 13), ('full', 'data16x16', 7), ('first', 'data8x8', 0)):
    shutil.copy('a.h5', name + '.h5')
    with h5py.File(name + '.h5', 'r+') as f: f[level][k, 1, 2, 3] ^= 128
with h5py.File('foreign.h5', 'w') as f:
    for r in (4, 8): f[f'data{r}x{r}'] = h5py.File('a.h5')[f'data{r}x{r}'][:] // 2
with h5py.File('short.h5', 'w') as f:
    for r in (4, 8): f[f'data{r}x{r}'] = h5py.File('a.h5')[f'data{r}x{r}'][:20 - r]
PY
  fails 3 "'low.h5': picture 13 at 4x4 is not the one at 16x16 made smaller" pack-h5 --verify low.h5
  fails 3 "'full.h5': picture 7 at" pack-h5 --verify full.h5
  fails 3 "'first.h5': picture 0 at 8x8" pack-h5 --verify first.h5
  run -0 pack-h5 --verify foreign.h5
  [[ "$output" == *"readable, not compared" ]] || false
  fails 3 "has 12 pictures, a smaller resolution has 16" pack-h5 --verify short.h5
  flip a.h5 flipped.h5 data16x16 7 # one thread finds it that opened the file, several that did not
  fails 3 "cannot read 'data16x16' in 'flipped.h5': data error detected by Fletcher32 checksum" pack-h5 --verify flipped.h5 -j 1
  fails 3 "cannot read 'data16x16' in 'flipped.h5': data error detected by Fletcher32 checksum" pack-h5 --verify flipped.h5 -j 3
  head -c 20000 a.h5 >cut.h5
  fails 3 "cut.h5" pack-h5 --verify cut.h5
  fails 3 "cannot open 'no.h5'" pack-h5 --verify no.h5
  fails 2 "--verify takes one data set" pack-h5 --verify a.h5 sq
  fails 2 "--unpack does not go with --verify" pack-h5 --verify a.h5 --unpack a.h5
  fails 2 "--output does not go with --verify" pack-h5 --verify a.h5 --fit crop -o x.h5
  fails 2 "--fit does not go with --verify" pack-h5 --verify a.h5 --fit crop
  fails 2 "--filter does not go with --verify" pack-h5 --verify a.h5 --filter bilinear # the default, too
  fails 2 "--size does not go with --verify" pack-h5 --verify a.h5 --size 8
  fails 2 "--shuffle does not go with --unpack" pack-h5 --unpack a.h5 --shuffle 0 -o x.zip
  fails 2 "--labels does not go with --unpack" pack-h5 --unpack a.h5 --labels x.csv -o x.zip
  for name in foo x.h5 x.png x.y4m -; do fails 2 "unpacked into NAME.zip, NAME.npy or FOLDER/, not '$name'" pack-h5 --unpack a.h5 -o "$name"; done
  [ ! -e x.zip ]
}

@test "a compression that HDF5 does not have here is named" {
  npy 4,3,8,8 u1 >a.npy
  "$PYTHON" -c 'import h5py, numpy as np; h5py.File("lzf.h5", "w").create_dataset("data8x8", data=np.load("a.npy"), compression="lzf", chunks=(1, 3, 8, 8))'
  fails 3 "'data8x8' in 'lzf.h5' is compressed by the filter 32000 (lzf), which this HDF5 does not have" pack-h5 -o x.h5 lzf.h5
  fails 3 "the filter 32000" msssim lzf.h5
}

@test "signed bytes are no pictures, but may be labels" {
  "$PYTHON" - <<'PY'
import h5py, numpy as np
rng = np.random.default_rng(4)
x, labels = rng.integers(0, 128, (2, 3, 32, 32), dtype=np.uint8), np.array([[-1, 1], [1, -128]], np.int8)
for name, pixels in (('signed', np.int8), ('unsigned', np.uint8)):
    with h5py.File(name + '.h5', 'w') as f: f['data32x32'], f['labels'] = x.astype(pixels), labels
PY
  fails 3 "'data32x32' in 'signed.h5' is not uint8 (N,3,32,32)" pack-h5 --verify signed.h5
  fails 3 "'data32x32' in 'signed.h5' is not uint8 (N,3,32,32)" pack-h5 --unpack signed.h5 -o x.npy
  fails 3 "'data32x32' in 'signed.h5' holds neither uint8 nor float32" pack-h5 -o x.h5 signed.h5
  fails 3 "'data32x32' in 'signed.h5' holds neither uint8 nor float32" msssim signed.h5
  [ ! -e x.npy ]
  [ ! -e x.h5 ]
  pack-h5 -o x.h5 unsigned.h5
  "$PYTHON" -c 'import h5py; assert h5py.File("x.h5")["labels"][:].tolist() == [[-1, 1], [1, -128]]'
}

@test "--verify reads the labels, too" {
  squares 4
  printf 'name,A\n000.png,7.25\n001.png,8.5\n002.png,9.125\n003.png,3.75\n' >table.csv
  pack-h5 -o a.h5 --labels table.csv sq
  run -0 pack-h5 --verify a.h5
  [ "$output" = "a.h5: 4 pictures of 16x16 with labels, 2 smaller resolutions by the bilinear filter: all as they should be" ] || false
  "$PYTHON" - <<'PY'
import h5py, shutil
shutil.copy('a.h5', 'three.h5')
with h5py.File('three.h5', 'r+') as f: f['labels'].resize((3, 1))
PY
  flip a.h5 flipped.h5 labels 2
  fails 3 "cannot read 'labels' in 'flipped.h5': data error detected by Fletcher32 checksum" pack-h5 --verify flipped.h5
  fails 3 "the labels of 'three.h5' are not rows of numbers for 4 pictures" pack-h5 --verify three.h5
}

@test "labels that fit into no memory are refused by name" {
  if [ -n "${PGAN_QUICK-}" ]; then skip "sanitizers have a memory of their own"; fi
  "$PYTHON" - <<'PY'
import h5py
with h5py.File('lab.h5', 'w') as f: # chunks that were never written take no room
    for side in 4, 8: f.create_dataset(f'data{side}x{side}', (2**50, 3, side, side), 'u1', chunks=(1, 3, side, side))
    f.create_dataset('labels', (2**50, 65536), 'f4', chunks=(1, 65536))
PY
  fails 1 "the labels of 'lab.h5', 1125899906842624 rows of 65536 numbers, do not fit" pack-h5 -o x.h5 lab.h5
  fails 1 "the labels of 'lab.h5'" pack-h5 --verify lab.h5
  [ ! -e x.h5 ]
}

@test "--unpack: StyleGAN's archive, .npy and a folder, with labels, and back again" {
  squares 12
  { echo name,A,B; for k in sq/*; do echo "${k#sq/},$((RANDOM % 5)).25,1"; done; } >table.csv
  pack-h5 -o a.h5 --labels table.csv sq
  pack-h5 -o plain.h5 sq
  pack-h5 --unpack a.h5 -o out.zip
  pack-h5 --unpack plain.h5 -o plain.zip
  pack-h5 --unpack a.h5 -o out.npy
  pack-h5 --unpack a.h5 -o out/
  pack-h5 --unpack a.h5 --size 8 -o small.npy
  "$PYTHON" - <<'PY'
import io, json, zipfile, numpy as np, h5py
from PIL import Image
f = h5py.File('a.h5')
x, labels = f['data16x16'][:], f['labels'][:]
z = zipfile.ZipFile('out.zip')
assert z.testzip() is None and z.namelist()[:2] == ['00000/img00000000.png', '00000/img00000001.png']
table = dict(json.loads(z.read('dataset.json'))['labels'])
for k in range(12):
    name = f'00000/img{k:08d}.png'
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(z.read(name)))).transpose(2, 0, 1), x[k]) and np.array_equal(table[name], labels[k])
assert json.loads(zipfile.ZipFile('plain.zip').read('dataset.json')) == {'labels': None}
assert np.array_equal(np.load('out.npy'), x) and np.array_equal(np.load('out-labels.npy'), labels) and np.load('out-labels.npy').dtype == np.float32
assert np.array_equal(np.load('small.npy'), f['data8x8'])
assert np.array_equal(np.stack([np.asarray(Image.open(f'out/{k:06}.png')).transpose(2, 0, 1) for k in range(12)]), x)
PY
  # and back: from each of them the same data set
  pack-h5 -q -o b.h5 --labels out.zip out.zip
  pack-h5 -q -o c.h5 --labels out/labels.csv out
  pack-h5 -o d.h5 a.h5
  pack-h5 -o e.h5 out.npy
  "$PYTHON" - <<'PY'
import h5py, numpy as np
a = h5py.File('a.h5')
text = lambda s: s if isinstance(s, str) else s.decode()
for name in 'bcde':
    f = h5py.File(name + '.h5')
    assert sorted(f) == sorted(a)
    for k in a: assert np.array_equal(f[k], a[k]), (name, k)
    assert text(f['labels'].attrs['names']) == ('0,1' if name in 'be' else 'A,B'), name
PY
  # a stream has no name beside which anything could lie; another number of rows is another set's
  pack-h5 -q -o f.h5 - <out.npy
  "$PYTHON" -c 'import h5py; assert "labels" not in h5py.File("f.h5")'
  "$PYTHON" -c 'import numpy as np; np.save("out-labels.npy", np.zeros((11, 1), "f4"))'
  fails 3 "the labels of 'out-labels.npy' are not rows of numbers for 12 pictures" pack-h5 -o x.h5 out.npy
  # classes are written as numbers, not lists
  sed -i 's/\.25,1$//; s/,A,B/,A/' table.csv
  pack-h5 -o a.h5 --labels table.csv sq
  pack-h5 --unpack a.h5 -o out.zip
  "$PYTHON" -c 'import json, zipfile; assert all(type(v) is int for _, v in json.loads(zipfile.ZipFile("out.zip").read("dataset.json"))["labels"])'
  fails 2 "a data set is unpacked into" pack-h5 --unpack a.h5 -o x.h5
  fails 2 "no -o" pack-h5 --unpack a.h5
  fails 3 "has no pictures of 32x32" pack-h5 --unpack a.h5 --size 32 -o x.zip
  fails 3 "cannot open 'no.h5'" pack-h5 --unpack no.h5 -o x.zip
  fails 3 "'plain.zip' has no columns of labels" pack-h5 -q -o x.h5 --labels plain.zip plain.zip
  [ ! -e x.zip ]
  [ ! -e x.h5 ]
}

@test "the Theano and TensorFlow releases: their data sets are read, ours read as theirs" {
  "$PYTHON" - <<'PY'
import h5py, numpy as np
rng = np.random.default_rng(4)
x = rng.integers(0, 256, (9, 3, 16, 16), dtype=np.uint8)
with h5py.File('theano.h5', 'w') as f: # their resolutions begin at 1x1, contiguous or compressed; labels lie beside
    for r in (1, 2, 4, 8, 16):
        f.create_dataset(f'data{r}x{r}', data=x[:, :, :r, :r], compression='gzip' if r > 4 else None, chunks=(1, 3, r, r) if r > 4 else None)
np.save('theano-labels.npy', rng.random((9, 4), dtype=np.float32))
PY
  pack-h5 -o ours.h5 theano.h5
  pack-h5 --verify theano.h5
  "$PYTHON" - <<'PY'
import h5py, numpy as np, os

def create_from_hdf5(path, shuffle):
    """The TensorFlow release's dataset_tool create_from_hdf5, as it is described: the largest of the data sets whose names begin with data, in a shuffled order
    of RandomState(123), image by image; labels from NAME-labels.npy when there is such a file."""
    images, labels = [], None
    with h5py.File(path, 'r') as f:
        data = max([value for key, value in f.items() if key.startswith('data')], key=lambda lod: lod.shape[3])
        order = np.arange(data.shape[0])
        if shuffle:
            np.random.RandomState(123).shuffle(order)
        for index in order:
            image = data[index]
            assert image.dtype == np.uint8 and image.shape[0] in (1, 3) and image.shape[1] == image.shape[2] and image.shape[1] & (image.shape[1] - 1) == 0
            images.append(image)
        npy = os.path.splitext(path)[0] + '-labels.npy'
        if os.path.isfile(npy):
            labels = np.load(npy)[order]
    return np.stack(images), labels

theirs, labels = create_from_hdf5('theano.h5', True)
ours, none = create_from_hdf5('ours.h5', True)
assert np.array_equal(ours, theirs) and none is None
assert np.array_equal(h5py.File('ours.h5')['labels'], np.load('theano-labels.npy'))
PY
  pack-h5 --unpack ours.h5 -o ours.npy # puts ours-labels.npy where that program looks
  cmp ours-labels.npy theano-labels.npy
  h5dump -H ours.h5 >said
  grep -q 'H5T_STD_U8LE' said
}

@test "a data set whose largest resolution is a link to nothing or a group is refused, not taken at the next one" {
  npy 2,3,16,16 u1 | pack-h5 -q -o data.h5
  "$PYTHON" - <<'PY'
import shutil, h5py
for name, what in (('dangling', h5py.SoftLink('/gone')), ('looping', h5py.SoftLink('/data32x32')), ('elsewhere', h5py.ExternalLink('gone.h5', '/x')), ('group', None)):
    shutil.copy('data.h5', name + '.h5')
    with h5py.File(name + '.h5', 'a') as f:
        if what: f['data32x32'] = what
        else: f.create_group('data32x32')
PY
  for name in dangling looping elsewhere group; do
    for command in "pack-h5 --verify" "pack-h5 -o x.h5" "pack-h5 -o x/ --unpack" "celeba-crop --box 0,0,8,8" laplacian-pyr "swd --ref data.h5"; do
      fails 3 "cannot open 'data32x32' in '$name.h5': " $command $name.h5
    done
    cat stderr.txt
  done
}

@test "labels whose names are not one for each column, and each its own, are refused" {
  npy 2,3,16,16 u1 | pack-h5 -q -o data.h5
  "$PYTHON" - <<'PY'
import shutil, h5py, numpy as np
for name, names in (('good', 'A,B'), ('few', 'A'), ('many', 'A,B,C'), ('twice', 'A,A')):
    shutil.copy('data.h5', name + '.h5')
    with h5py.File(name + '.h5', 'a') as f:
        f['labels'] = np.float32([[0, 1], [1, 0]])
        f['labels'].attrs['names'] = names
PY
  pack-h5 --verify good.h5
  echo '{"weightConditionD": 1}' >config.json
  for command in "pack-h5 --verify" "pack-h5 -o x.h5" "pack-h5 -o x.zip --unpack" "pgan-grow --scale 0 -c config.json -o net.h5 --data"; do
    fails 3 "'few.h5': 'labels' has 2 columns, its attribute 'names' 1" $command few.h5
    fails 3 "'many.h5': 'labels' has 2 columns, its attribute 'names' 3" $command many.h5
    fails 3 "'twice.h5' has two columns 'A'" $command twice.h5
  done
  squares 1
  printf '1\nA,B C\n000.png 1 2\n' >celeba.txt
  fails 3 "'celeba.txt': the name of the column 'A,B' has a comma in it" pack-h5 -o x.h5 --labels celeba.txt sq
}

@test "--labels reads a table from a pipe; an archive has to be a file" {
  squares 3
  printf 'file,A\n000.png,1\n001.png,2\n002.png,3\n' >table.csv
  pack-h5 -o file.h5 --labels table.csv sq
  pack-h5 -o pipe.h5 --labels <(cat table.csv) sq
  cmp pipe.h5 file.h5
  echo '{"labels": [["000.png", 1], ["001.png", 2], ["002.png", 3]]}' >dataset.json
  tar -cf table.tar dataset.json
  pack-h5 -o json.h5 --labels <(cat dataset.json) sq
  fails 3 "is an archive in a pipe: it has to be a file" pack-h5 -o x.h5 --labels <(cat table.tar) sq
  fails 3 "cannot read 'sq'" pack-h5 -o x.h5 --labels sq sq
}

@test "--rejects may not name the data set" {
  squares 2
  echo x >sq/bad.png
  for name in new.h5 ./new.h5 sq/../new.h5 "$PWD/new.h5"; do
    fails 2 "--rejects and -o name the same file, 'new.h5'" pack-h5 -k -o new.h5 --rejects "$name" sq
    [ ! -e new.h5 ]
  done
  pack-h5 -q -k -o new.h5 sq
  cp new.h5 kept.h5
  ln -s new.h5 link.h5
  for name in new.h5 ./new.h5 link.h5; do
    fails 2 "--rejects and -o name the same file" pack-h5 -k -o new.h5 --rejects "$name" sq
  done
  cmp new.h5 kept.h5
  pack-h5 -q -k -o new.h5 --rejects new.tsv sq
  pack-h5 --verify new.h5
}

@test "--verify: pictures of one colour do not tell the filter" {
  mkdir in
  "$PYTHON" - <<'PY'
import numpy as np
from PIL import Image
Image.new('RGB', (16, 16), 'white').save('in/0.png')
for i in (1, 2):
    Image.fromarray(np.random.default_rng(i).integers(0, 256, (16, 16, 3)).astype('u1')).save(f'in/{i}.png')
PY
  for filter in box bilinear; do
    pack-h5 --filter $filter -o a.h5 in
    run -0 pack-h5 --verify a.h5
    [ "$output" = "a.h5: 3 pictures of 16x16, 2 smaller resolutions by the $filter filter: all as they should be" ]
  done
  "$PYTHON" -c 'import h5py; h5py.File("a.h5", "r+")["data4x4"][2] ^= 1'
  fails 3 "'a.h5': picture 2 at 4x4 is not the one at 16x16 made smaller" pack-h5 --verify a.h5
}

@test "a picture that has no labels does not decide on the side" {
  mkdir in
  "$PYTHON" - <<'PY'
from PIL import Image
for i in range(3):
    Image.new('RGB', (16 if i else 32,) * 2, (i, 0, 0)).save(f'in/{i}.png')
PY
  printf 'file,a\n1.png,1\n2.png,2\n' >table.csv
  run -1 pack-h5 --labels table.csv -o a.h5 in
  [[ $output == *"'in/0.png' has no labels"* ]]
  [ "$("$PYTHON" -c 'import h5py; print(h5py.File("a.h5")["data16x16"].shape[0])')" = 2 ]
}

@test "--limit ends a stream that goes on, or that waits" {
  npy 2,3,8,8 u1 >two.npy
  mkfifo pipe
  for threads in 1 2; do
    pack-h5 -j $threads --limit 2 -o a.h5 - <pipe &
    exec 8>pipe
    cat two.npy >&8
    wait $!
    exec 8>&-
    "$PYTHON" -c 'import h5py; assert h5py.File("a.h5")["data8x8"].shape[0] == 2'
    rm a.h5
  done
}

@test "--unpack without labels refuses a file of others' beside it" {
  npy 2,3,8,8 u1 | pack-h5 -o plain.h5 -
  npy 2,1 f4 >x-labels.npy
  fails 2 "'x-labels.npy' would be taken for the labels of 'x.npy': remove it, or name another output" pack-h5 --unpack plain.h5 -o x.npy
  [ ! -e x.npy ]
  rm x-labels.npy
  pack-h5 --unpack plain.h5 -o x.npy
}
