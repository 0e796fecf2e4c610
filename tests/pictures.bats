#!/usr/bin/env bats
# Decoding: every kind of PNG and JPEG that pictures.py makes, through celeba-crop, equal to what it should be (and what Pillow makes of it).
load common
bats_require_minimum_version 1.5.0

# compare OPTION…: all of ./in through celeba-crop against want.npy.
compare() {
  celeba-crop --size 40 --center 20,20 "$@" in >got.npy
  "$PYTHON" - <<'PY'
import numpy as np
f, parts = open('got.npy', 'rb'), []
while f.peek(1): parts.append(np.load(f))
got, want, names = np.concatenate(parts).astype(int), np.load('want.npy').astype(int), open('names').read().split()
assert got.shape == want.shape and len(names) > 90, (got.shape, want.shape)
bad = [(n, np.abs(g - w).max()) for n, g, w in zip(names, got, want) if not np.array_equal(g, w)]
assert not bad, bad
PY
}

@test "every kind of picture is decoded as Pillow decodes it" {
  "$PYTHON" "$PGAN_TESTS/pictures.py"
  compare
}

@test "transparent pixels show the background that was asked for" {
  "$PYTHON" "$PGAN_TESTS/pictures.py" 255,128,0
  compare --background ff8000
  rm -r in
  "$PYTHON" "$PGAN_TESTS/pictures.py" 0,0,0
  compare --background black
}

# Every prefix, and every file with a byte changed, is decoded or refused: nothing else may happen.
@test "damaged pictures are refused one by one" {
  "$PYTHON" "$PGAN_TESTS/pictures.py"
  "$PYTHON" - <<'PY'
import os, random
random.seed(1)
os.makedirs('bad')
for name in ('rgba8i.png', 'palette4alphan.png', 'grey16n.png', 'progressive2q95.jpg', 'baseline2q95.jpg', 'ycck.jpg', 'turned6MM.jpg'):
    data = open(f'in/{name}', 'rb').read()
    for k in range(12):
        open(f'bad/cut{k}{name}', 'wb').write(data[:random.randrange(len(data) - 20)])
    for k in range(60):
        b = bytearray(data)
        b[random.randrange(len(b))] ^= 1 << random.randrange(8)
        open(f'bad/bit{k}{name}', 'wb').write(b)
PY
  status=0
  celeba-crop --pad --rejects reasons bad >stream.npy 2>said || status=$?
  [ $status = 1 ]
  for name in bad/cut*; do grep -q "^$name	" reasons; done # no prefix passes
  # a changed PNG never passes: its checksums tell (but a chunk that is not needed may be dropped)
  [ "$(grep -c '^bad/bit.*png	' reasons)" -ge 175 ]
}
