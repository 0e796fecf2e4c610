#!/usr/bin/env bats
load common

# compare A.npy B.h5 DATASET LIMIT: the largest difference of two arrays is at most LIMIT.
compare() {
  "$PYTHON" - "$@" <<'PY'
import sys, h5py, numpy as np
a, b = np.load(sys.argv[1]), h5py.File(sys.argv[2])[sys.argv[3]][()]
assert a.dtype == np.float32 and a.shape == b.shape, (a.dtype, a.shape, b.shape)
assert abs(a - b).max() <= float(sys.argv[4]), abs(a - b).max()
PY
}

images() {
  "$PYTHON" -c 'import sys, h5py, numpy; numpy.save(sys.stdout.buffer, h5py.File(sys.argv[1])["images"][()])' "$golden/metrics.h5"
}

@test "laplacian-pyr: every level equals the published pyramid" {
  images >in.npy
  for r in 128 64 32 16; do
    laplacian-pyr --level "$r" in.npy >"$r.npy"
    compare "$r.npy" "$golden/metrics.h5" "laplacian/$r" 1e-3
  done
}

@test "laplacian-pyr: the stream has the levels one after another, per record" {
  { npy 3,1,32,32 u1; npy 2,1,32,32 u1; } | laplacian-pyr >out.npy
  "$PYTHON" - <<'PY'
import numpy as np
f = open('out.npy', 'rb')
assert [np.load(f).shape for _ in range(4)] == [(3, 1, 32, 32), (3, 1, 16, 16), (2, 1, 32, 32), (2, 1, 16, 16)]
assert not f.read()
PY
}

@test "laplacian-pyr: --inverse gives the images back, of bytes and of floats, grey and RGB" {
  npy 70,3,64,64 u1 >bytes.npy
  laplacian-pyr bytes.npy | laplacian-pyr --inverse >back.npy
  cmp bytes.npy back.npy
  npy 5,1,48,48 f4 >floats.npy
  laplacian-pyr --levels 3 floats.npy >levels.npy
  laplacian-pyr --inverse --f32 --levels 3 levels.npy >back.npy
  # More levels than are asked for are told before any image is written.
  laplacian-pyr --levels 4 bytes.npy >more.npy
  fails 3 "'more.npy': a pyramid of more than 3 levels; say how many --levels there are" laplacian-pyr --inverse more.npy
  fails 3 "'levels.npy': a pyramid of more than 2 levels" laplacian-pyr --inverse --levels 2 levels.npy
  "$PYTHON" -c 'import numpy as np; a, b = np.load("floats.npy"), np.load("back.npy"); assert a.shape == b.shape and abs(a - b).max() * 127.5 < 1e-4, abs(a - b).max()'
}

@test "laplacian-pyr: -o writes a file and a picture per level" {
  npy 3,3,32,32 u1 >in.npy
  laplacian-pyr -o out in.npy
  no_leftovers out level16.npy level16.png level32.npy level32.png
  laplacian-pyr --level 16 in.npy | cmp - out/level16.npy
  "$PYTHON" -c 'from PIL import Image; assert Image.open("out/level32.png").size == (3 * 64 + 2 * 2, 64)'
}

@test "laplacian-pyr: pictures of a folder or an archive are one record" {
  npy 3,3,32,32 u1 >in.npy
  laplacian-pyr in.npy >want.npy
  "$PYTHON" -c 'import os, numpy as np; from PIL import Image; os.mkdir("png")
for i, p in enumerate(np.load("in.npy")): Image.fromarray(p.transpose(1, 2, 0)).save(f"png/{i}.png")'
  laplacian-pyr png | cmp - want.npy
  tar -cf png.tar -C png .
  laplacian-pyr png.tar | cmp - want.npy
}

@test "laplacian-pyr: the number of threads does not matter" {
  npy 9,3,64,64 u1 >in.npy
  laplacian-pyr -j 1 in.npy >one.npy
  laplacian-pyr -j 3 in.npy | cmp - one.npy
}

@test "laplacian-pyr: what it cannot do is refused" {
  fails 3 "cannot open 'none.npy'" laplacian-pyr none.npy
  echo "no picture" >text
  fails 3 "'text'" laplacian-pyr text
  mkdir empty
  fails 3 "'empty'" laplacian-pyr empty
  npy 2,3,100,100 u1 >odd.npy
  fails 3 "a side of 100 does not halve down to 16" laplacian-pyr odd.npy
  npy 2,32,32 u1 >shape.npy
  fails 3 "shape (2,32,32)" laplacian-pyr shape.npy
  npy 2,3,32,32 u1 >in.npy
  fails 2 "no level of side 64" laplacian-pyr --level 64 in.npy
  fails 2 "unknown option" laplacian-pyr --leve1 16 in.npy
  fails 3 "not a pyramid" laplacian-pyr --inverse in.npy
  npy 2,3,32,32 f4 'np.where(np.arange(32) == 5, np.nan, 0.5)' >nan.npy
  fails 3 "'nan.npy': image 0 holds values that are not finite" laplacian-pyr -o out nan.npy
  no_leftovers out
}

@test "laplacian-pyr: a header that promises what fits into no memory is refused by name" {
  if [ -n "${PGAN_QUICK-}" ]; then skip "sanitizers have a memory of their own"; fi
  head_of() { # SHAPE: the header of a float32 record, and nothing behind it
    "$PYTHON" - "$1" <<'PY'
import sys, numpy
numpy.lib.format.write_array_header_1_0(sys.stdout.buffer, dict(descr='<f4', fortran_order=False, shape=tuple(map(int, sys.argv[1].split(',')))))
PY
  }
  head_of 1099511627776,3,16,16 >record.npy
  fails 1 "a record of 1099511627776 images of 16x16, as 'record.npy' has it, does not fit" laplacian-pyr --inverse record.npy
  head_of 1099511627776,3,32,32 >levels.npy
  fails 1 "a record of 1099511627776 images of 32x32, as 'levels.npy' has it, does not fit" pipe 'laplacian-pyr levels.npy >/dev/null'
}

@test "laplacian-pyr: a pyramid with values that are not finite is refused" {
  images >in.npy
  laplacian-pyr in.npy >pyramid.npy
  "$PYTHON" - <<'PY'
import numpy as np
with open('pyramid.npy', 'rb') as f, open('bad.npy', 'wb') as out:
    for k in range(4):
        level = np.load(f)
        if k == 2: level[1, 0, 3, 4] = np.nan
        np.save(out, level)
PY
  fails 3 "'bad.npy': level 32 of a pyramid holds values that are not finite" laplacian-pyr --inverse bad.npy
}

@test "laplacian-pyr: a truncated stream is an error, in both directions" {
  npy 4,3,32,32 u1 >in.npy
  head -c 5000 in.npy >cut.npy
  status=0; laplacian-pyr cut.npy >/dev/null 2>err || status=$?
  [ "$status" = 3 ]
  grep -q truncated err
  laplacian-pyr -o out cut.npy 2>/dev/null || status=$?
  [ "$status" = 3 ]
  no_leftovers out
  laplacian-pyr in.npy >levels.npy
  head -c $((128 + 4 * 3 * 32 * 32 * 4)) levels.npy >cut.npy
  fails 3 "ends before level 16" laplacian-pyr --inverse cut.npy
}

@test "laplacian-pyr: a full disk is an error" {
  npy 40,3,32,32 u1 >in.npy
  status=0; laplacian-pyr in.npy >/dev/full 2>err || status=$?
  [ "$status" = 1 ]
  [ "$(wc -l <err)" = 1 ]
  grep -q "No space left" err
}

@test "laplacian-pyr: a stream that fails between two records ends inside one" {
  { npy 2,3,32,32 u1; npy 2,3,32,32 u1 | head -c 60; } >cut.npy
  run pipe 'laplacian-pyr --level 32 cut.npy | python3 -c "
import sys
data = sys.stdin.buffer.read()
assert data.count(b\"NUMPY\") == 2 and b\"(1, 3, 32, 32)\" in data[-128:], data[-128:]"'
  [[ "$output" == *"'cut.npy' is truncated"* ]] && [[ "$output" != *Assertion* ]] || false
  { npy 2,3,32,32 u1 | laplacian-pyr; npy 1,1,8,8 u1; } >levels.npy
  run pipe 'laplacian-pyr --inverse levels.npy | pack-h5 -o d.h5'
  [ "$status" = 3 ]
  [ ! -e d.h5 ]
  [[ "$output" == *"'stdin' is truncated"* ]] || false
}

@test "laplacian-pyr: --inverse writes images of one size, with values that are finite" {
  { npy 2,3,32,32 u1 | laplacian-pyr; npy 1,3,64,64 u1 | laplacian-pyr; } >mixed.npy
  run pipe 'laplacian-pyr --inverse mixed.npy 2>said | pack-h5 -q -o x.h5 2>/dev/null'
  [ "$status" = 3 ]
  [ "$(cat said)" = "laplacian-pyr: 'mixed.npy': a pyramid of 3 x 64 x 64 follows one of 3 x 32 x 32: a stream has one size" ]
  [ ! -e x.h5 ]
  { npy 1,1,32,32 f4 'np.float32(3e38)'; npy 1,1,16,16 f4 'np.float32(3e38)'; } >huge.npy
  fails 3 "'huge.npy': the levels of a pyramid add up to values that are not finite" laplacian-pyr --inverse --f32 huge.npy
}
