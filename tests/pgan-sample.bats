#!/usr/bin/env bats
# pgan-sample: which images come, where they go, and what is refused.
bats_require_minimum_version 1.5.0
load common

# network OUT.h5 …: see network.py.
network() {
  "$PYTHON" "$PGAN_TESTS/network.py" "$@"
}

# python CODE ARGUMENTS…: with numpy as np; `load` for .npy files.
python() {
  local code=$1
  shift
  "$PYTHON" -c "import sys; import numpy as np; load = np.load; argv = sys.argv[1:]
$code" "$@"
}

# equal TOLERANCE A.npy B.npy: no value differs by more.
equal() {
  python 'a, b = load(argv[1]).astype(float), load(argv[2]).astype(float)
worst = abs(a - b).max() if a.shape == b.shape and a.size else float("inf")
if not worst <= float(argv[0]): sys.exit(f"{argv[1]} {a.shape} and {argv[2]} {b.shape} differ by {worst}")' "$@"
}

# -- the right images --

# The records were computed in float64; float32 with Winograd convolutions comes within 5e-6 of values up to 4.3, plain loops within 1e-6.
@test "the images of recorded steps come back, mixed paths included" {
  for record in step_s0_b8_a000 step_s1_b8_a060 step_karras_s1_b8_a060 step_paddle_s1_b8_a060; do
    network net.h5 "$golden/$record.h5"
    pgan-sample net.h5 --current --f32 --latents z.npy -o cpu.npy
    equal 1e-5 cpu.npy fake.npy
    pgan-sample net.h5 --current --f32 --latents z.npy -o plain.npy --device plain
    equal 2e-6 plain.npy fake.npy
  done
  network net.h5 "$golden/step_s1_b8_a060.h5" alpha=0.0
  pgan-sample net.h5 --current --f32 --latents z.npy -o unmixed.npy
  run equal 0.01 unmixed.npy fake.npy
  [ "$status" = 1 ]
}

@test "avgG is sampled unless --current" {
  network net.h5 1 8,6 5
  pgan-sample net.h5 -n 3 -o average.npy
  pgan-sample net.h5 -n 3 --current -o current.npy
  run cmp average.npy current.npy
  [ "$status" = 1 ]
  "$PYTHON" -c 'import h5py; f = h5py.File("net.h5", "r+"); del f["avgG"]; f.copy("G", f, "avgG")'
  pgan-sample net.h5 -n 3 -o copied.npy
  cmp current.npy copied.npy
}

@test "latent k of a seed is the documented function of both" {
  network net.h5 1 8,6 5
  python 'sys.path.insert(0, argv[0])
import philox
np.save("z.npy", philox.normal(5000000000, 1, 0, 7 * 5, 6 * 5).reshape(6, 5).astype(np.float32))' "$PGAN_TESTS"
  pgan-sample net.h5 --f32 --seed 5000000000 --first 7 -n 6 -o seed.npy
  pgan-sample net.h5 --f32 --latents z.npy -o latents.npy
  equal 1e-4 seed.npy latents.npy
}

@test "the bytes do not depend on threads, -n, --first or the number of processes" {
  for shape in '3 48,40,32,24 24' '4 9,8,7,6,5 5' '5 8,8,8,8,8,8 7'; do
    # shellcheck disable=SC2086
    network net.h5 $shape
    pgan-sample net.h5 -n 40 --threads 1 --f32 -o one.npy
    for threads in 2 3; do
      pgan-sample net.h5 -n 40 --threads "$threads" --f32 -o more.npy
      cmp one.npy more.npy
    done
    for part in 0-1 15-2 16-16 17-23 39-1; do
      pgan-sample net.h5 --first "${part%-*}" -n "${part#*-}" --f32 -o "part-$part.npy"
    done
    python 'import glob
for name in glob.glob("part-*.npy"):
    first, n = map(int, name[5:-4].split("-"))
    assert np.array_equal(load(name), load("one.npy")[first:first + n]), name'
  done
}

# -- where they go --

@test "bytes are the rounded and clamped values" {
  network net.h5 1 8,6 5
  pgan-sample net.h5 -n 20 >bytes.npy
  pgan-sample net.h5 -n 20 --f32 >floats.npy
  python 'x, u = load("floats.npy"), load("bytes.npy")
assert x.dtype == np.float32 and u.dtype == np.uint8 and x.shape == u.shape == (20, 3, 8, 8)
assert (x > 1).any() and (x < -1).any(), "nothing to clamp"
assert np.array_equal(u, np.clip(np.floor((x.astype(float) + 1) * 127.5 + 0.5), 0, 255))'
}

@test "every output holds the same images" {
  network net.h5 3 8,7,6,5 5
  pgan-sample net.h5 --first 3 -n 6 >stream.npy
  pgan-sample net.h5 --first 3 -n 6 -o - >dash.npy
  cmp stream.npy dash.npy
  pgan-sample net.h5 --first 3 -n 6 -o out.npy
  cmp stream.npy out.npy
  pgan-sample net.h5 --first 3 -n 6 -o out.h5
  pgan-sample net.h5 --first 3 -n 6 -o out.png
  pgan-sample net.h5 --first 3 -n 6 -o out.y4m
  pgan-sample net.h5 --first 3 -n 6 -o new/
  mkdir old
  pgan-sample net.h5 --first 3 -n 6 -o old
  no_leftovers new 00000{3,4,5,6,7,8}.png
  diff -r new old
  no_leftovers . dash.npy net.h5 new old out.h5 out.npy out.png out.y4m stream.npy
  python '
import h5py
from PIL import Image
images = load("stream.npy")
data = h5py.File("out.h5")
assert np.array_equal(data["data32x32"][()], images) and data.attrs["tool"] == b"pgan-sample"
for i, image in enumerate(images):
    assert np.array_equal(np.asarray(Image.open(f"new/{i + 3:06}.png")).transpose(2, 0, 1), image)
grid = np.asarray(Image.open("out.png"))
assert grid.shape == (258, 388, 3)
for i, image in enumerate(images):
    y, x = i // 3 * 130, i % 3 * 130
    assert np.array_equal(grid[y:y + 128:4, x:x + 128:4].transpose(2, 0, 1), image)
assert (grid[128:130] == 255).all()
head, rest = open("out.y4m", "rb").read().split(b"\n", 1)
assert head.startswith(b"YUV4MPEG2 W32 H32 F30:1 ") and b" C444" in head
assert len(rest) == 6 * (6 + 3 * 32 * 32)
r, g, b = images.astype(float).transpose(1, 0, 2, 3) / 255
y = .299 * r + .587 * g + .114 * b
want = np.stack([16 + 219 * y, 128 + 224 * (b - y) / 1.772, 128 + 224 * (r - y) / 1.402], 1)
for i in range(6):
    frame = rest[i * 3078:(i + 1) * 3078]
    assert frame[:6] == b"FRAME\n"
    assert abs(np.frombuffer(frame[6:], np.uint8).reshape(3, 32, 32) - want[i]).max() < .51'
}

@test "grids: the default, --grid, small images enlarged" {
  network net.h5 0 8 5
  pgan-sample net.h5 -o default.png
  pgan-sample net.h5 -o asked.png --grid 2x3
  pgan-sample net.h5 -o fewer.png --grid 2x3 -n 5
  pgan-sample net.h5 -n 5 >five.npy
  python '
from PIL import Image
size = lambda name: Image.open(name).size
assert size("default.png") == (8 * 130 - 2, 8 * 130 - 2) and size("asked.png") == (388, 258) and size("fewer.png") == (388, 258)
grid = np.asarray(Image.open("fewer.png"))
assert np.array_equal(grid[130::32, 130:258:32].transpose(2, 0, 1), load("five.npy")[4]) and (grid[130:, 260:] == 255).all()'
}

@test "without -n a stream has the protocol's 16,384 images, with --latents all of them" {
  network net.h5 0 8 5
  pgan-sample net.h5 | head -c 128 >head.bin
  grep -q "'shape': (16384, 3, 4, 4)" head.bin
  npy 21,5 float32 >z.npy
  pgan-sample net.h5 --latents z.npy >all.npy
  pgan-sample net.h5 --latents - <z.npy >stdin.npy
  cmp all.npy stdin.npy
  pgan-sample net.h5 --latents z.npy --first 20 >last.npy
  python 'a, b = load("all.npy"), load("last.npy"); assert len(a) == 21 and len(b) == 1 and np.array_equal(a[20:], b)'
}

@test "a walk goes from latent to latent on the sphere" {
  network net.h5 1 8,6 5
  pgan-sample net.h5 --walk -n 2 --first 3 --frames 4 --f32 -o walk.npy
  pgan-sample net.h5 -n 2 --first 3 --f32 -o ends.npy
  python 'w, e = load("walk.npy"), load("ends.npy"); assert len(w) == 8 and abs(w[::4] - e).max() < 1e-4'
  python 'a, b = np.eye(5)[0] * 2, np.array([1, 1, 0, 0, 0.])
angle = np.pi / 4
np.save("ends.npy", np.array([a, b], "f4"))
np.save("way.npy", np.array([np.sin((1 - t) * angle) * a + np.sin(t * angle) * b for t in np.arange(3) / 3], "f4") / np.sin(angle).astype("f4"))'
  pgan-sample net.h5 --walk --frames 3 --latents ends.npy --f32 -o walk.npy
  pgan-sample net.h5 --latents way.npy --f32 -o way-images.npy
  equal 1e-4 walk.npy way-images.npy
  pgan-sample net.h5 --walk -n 2 --frames 5 -o walk.png
  pgan-sample net.h5 --walk -n 2 --frames 5 -o walk.y4m
  [ "$(grep -ac FRAME walk.y4m)" = 10 ]
  python 'from PIL import Image
assert Image.open("walk.png").size == (5 * 130 - 2, 2 * 130 - 2)'
}

# Looking for it once and not with every file is what keeps the time in proportion to the number of files.
@test "what killed runs have left in a folder is looked for at the start, by any name" {
  network net.h5 0 8 5
  mkdir out
  echo half >"out/$(leftover 000009.png)"
  pgan-sample net.h5 -n 1 -o out/
  no_leftovers out 000000.png
}

@test "without a network, the highest scale of the folder or of PGAN_RUN, and says which" {
  mkdir run elsewhere
  network run/scale0.h5 0 8 5
  network run/scale1.h5 1 8,6 5
  cp run/scale0.h5 run/scale2.h5.checkpoint
  cp run/scale0.h5 run/scale99.h5
  cp run/scale0.h5 run/scalex.h5
  pgan-sample run/scale1.h5 -n 2 >want.npy
  (cd run && pgan-sample -n 2 >../got.npy 2>../said.txt)
  cmp want.npy got.npy
  grep -q scale1.h5 said.txt
  (cd elsewhere && PGAN_RUN=../run pgan-sample -n 2 >../got.npy 2>../said.txt)
  cmp want.npy got.npy
  grep -qF ../run/scale1.h5 said.txt
  cp run/scale1.h5 before
  ! (cd run && pgan-sample -n 2 -o scale1.h5 2>../said.txt) || false
  grep -q "'scale1.h5' is read and would be written over" said.txt
  cmp before run/scale1.h5
  cd elsewhere
  fails 2 'no network' pgan-sample -n 2
  PGAN_RUN=. fails 2 'no network' pgan-sample -n 2
}

# -- ends --

@test "a reader that goes away ends it quietly" {
  network net.h5 2 8,7,6 5
  run pipe 'pgan-sample net.h5 2>said.txt | head -c 100 >/dev/null'
  [ ! -s said.txt ]
  [ "$status" = 141 ]
}

@test "a full disk is a failure and leaves nothing" {
  network net.h5 2 8,7,6 5
  run pipe 'pgan-sample net.h5 -n 100 2>said.txt >/dev/full'
  [ "$status" = 1 ]
  grep -q 'No space left' said.txt
  full_disk
  for out in full/a.npy full/a.h5 full/a.y4m full/a.png; do
    fails 1 'No space left' pgan-sample net.h5 -n 1000 -o "$out" || { full_disk_end; return 1; }
    no_leftovers full || { full_disk_end; return 1; }
  done
  full_disk_end
}

@test "an interrupted file does not appear" {
  network net.h5 2 8,7,6 5
  mkdir out
  pgan-sample net.h5 -n 100000000 -o out/a.npy &
  until [ -n "$(ls -A out)" ]; do sleep 0.05; done
  kill -TERM $!
  wait $! || true
  no_leftovers out
}

# -- refusals --

@test "what is not a network is refused" {
  fails 3 "cannot open 'none.h5': No such file" pgan-sample none.h5
  npy 2,3,4,4 uint8 >images.npy
  fails 3 "'images.npy' is not an HDF5 file" pgan-sample images.npy
  fails 3 'is not a network of pgan' pgan-sample "$golden/step_s0_b8_a000.h5"
  network net.h5 1 8,6 5 version=2
  fails 3 'version 2' pgan-sample net.h5
  network net.h5 1 8,6 5 alpha=1.5
  fails 3 "'alpha'" pgan-sample net.h5
  network net.h5 1 8,6 5 leak=None
  fails 3 "'leak'" pgan-sample net.h5
  network net.h5 1 8,6 5 'depths=[8,60000000]'
  fails 3 "'depths'" pgan-sample net.h5
  network net.h5 1 8,6 5
  "$PYTHON" -c 'import h5py; f = h5py.File("net.h5", "r+"); del f["avgG/scaleLayers.0.1.module.weight"]'
  fails 3 'avgG/scaleLayers.0.1.module.weight' pgan-sample net.h5 -o out.npy
  network net.h5 1 8,6 5
  head -c 20000 net.h5 >short.h5
  fails 3 "'short.h5'" pgan-sample short.h5 -o out.npy
  no_leftovers . images.npy net.h5 short.h5 stderr.txt stdout.txt
}

@test "a flipped bit is found" {
  network net.h5 1 8,6 5
  python 'import h5py
weight = h5py.File("net.h5")["avgG/scaleLayers.0.0.module.weight"]
at = weight.id.get_chunk_info(0).byte_offset + 101
data = bytearray(open("net.h5", "rb").read())
data[at] ^= 4
open("net.h5", "wb").write(data)'
  fails 3 "cannot read '/avgG/scaleLayers.0.0.module.weight' in 'net.h5'" pgan-sample net.h5
  pgan-sample net.h5 --current -n 1 -o out.npy
}

@test "latents that do not fit are refused" {
  network net.h5 1 8,6 5
  npy 4,6 float32 >wide.npy
  fails 3 '(N,5)' pgan-sample net.h5 --latents wide.npy
  npy 4,5 uint8 >bytes.npy
  fails 3 "'bytes.npy' holds values of type '|u1', not float32 ('<f4')" pgan-sample net.h5 --latents bytes.npy
  "$PYTHON" -c 'import numpy as np; np.save("double.npy", np.zeros((4, 5)))'
  fails 3 "'double.npy' holds values of type '<f8', not float32 ('<f4')" pgan-sample net.h5 --latents double.npy
  fails 2 "--count takes a number from 1 to 1099511627776, not '99999999999999999999'" pgan-sample net.h5 -n 99999999999999999999
  npy 4,5 float32 'np.nan' >nan.npy
  fails 3 'not finite' pgan-sample net.h5 --latents nan.npy
  npy 2,5 f4 '1e16 * rng.normal(size=shape)' >huge.npy
  fails 3 'beyond 1e+15' pgan-sample net.h5 --latents huge.npy
  npy 0,5 float32 '0' >none.npy
  fails 3 'no latents' pgan-sample net.h5 --latents none.npy
  npy 4,5 float32 >z.npy
  head -c 150 z.npy >short.npy
  fails 3 'truncated' pgan-sample net.h5 --latents short.npy
  fails 3 "cannot open 'z'" pgan-sample net.h5 --latents z
  fails 2 'has 4 latents' pgan-sample net.h5 --latents z.npy -n 5
  fails 2 'has 4 latents' pgan-sample net.h5 --latents z.npy --first 4
  fails 2 'has 4 latents' pgan-sample net.h5 --latents z.npy --walk -n 4
  fails 2 'exclude' pgan-sample net.h5 --latents z.npy --seed 1
}

@test "images that are not finite are refused, and a stream of them ends inside a record" {
  network net.h5 1 8,6 5
  "$PYTHON" -c 'import h5py; h5py.File("net.h5", "r+")["avgG/toRGBLayers.1.module.weight"][...] *= 1e38'
  for out in x.npy x.h5 x.png; do
    fails 3 "'net.h5': image 0 that it makes has values that are not finite" pgan-sample -q net.h5 -n 4 -o "$out"
    [ ! -e "$out" ]
  done
  run -3 --separate-stderr bash -c 'pgan-sample -q net.h5 -n 4 | celeba-crop --center 4,4 --size 4 -'
  grep -q truncated <<<"$stderr"
}

@test "options that make no sense are refused" {
  network net.h5 1 8,6 5
  fails 2 "did you mean '--seed'" pgan-sample net.h5 --sed 1
  fails 2 '--count' pgan-sample net.h5 -n 0
  fails 2 "'out.gif'" pgan-sample net.h5 -o out.gif
  fails 2 '--grid' pgan-sample net.h5 --grid 2x2 -o out.npy
  fails 2 '8x8' pgan-sample net.h5 --grid 2y2 -o out.png
  fails 2 'do not fit' pgan-sample net.h5 --grid 2x2 -n 5 -o out.png
  fails 2 'too large' pgan-sample net.h5 -n 100000000 -o out.png
  fails 2 '--f32' pgan-sample net.h5 --f32 -o out.h5
  fails 2 '--frames' pgan-sample net.h5 --frames 3
  fails 2 'unknown device' pgan-sample net.h5 --device abacus
  fails 1 "'none/out.npy'" pgan-sample net.h5 -o none/out.npy
  fails 1 "'none/out.png'" pgan-sample net.h5 -o none/out.png
  no_leftovers . net.h5 stderr.txt stdout.txt
}

@test "nothing binary goes to a terminal" {
  network net.h5 0 8 5
  on_terminal 'pgan-sample net.h5 -n 1'
  [ "$status" = 2 ]
  [[ "$output" == *'not written to a terminal'* ]]
}

@test "several networks: a row of the same latents for each" {
  network scale0.h5 0 8 5
  network scale1.h5 1 8,6 5
  pgan-sample scale0.h5 scale1.h5 -n 3 --seed 4 -o growth.png
  pgan-sample scale0.h5 -n 3 --seed 4 >a.npy
  pgan-sample scale1.h5 -n 3 --seed 4 >b.npy
  python 'from PIL import Image
grid, a, b = np.asarray(Image.open("growth.png")), load("a.npy"), load("b.npy")
assert grid.shape == (2 * 96 + 2, 3 * 98 - 2, 3)
for i in range(3):
    assert np.array_equal(grid[0:96:24, i * 98:i * 98 + 96:24].transpose(2, 0, 1), a[i])
    assert np.array_equal(grid[98::12, i * 98:i * 98 + 96:12].transpose(2, 0, 1), b[i])'
  fails 2 '-o OUT.png' pgan-sample scale0.h5 scale1.h5 -o out.npy
  fails 2 '-o OUT.png' pgan-sample scale0.h5 scale1.h5
  fails 2 '--walk does not go with several networks' pgan-sample scale0.h5 scale1.h5 -o out.png --walk
  fails 2 "a grid of 2 x 10500 images of 8 pixels is too large for a picture" pgan-sample scale0.h5 scale1.h5 -n 10500 -o out.png
  fails 3 'missing.h5' pgan-sample scale0.h5 missing.h5 -o out.png
  [ ! -e out.png ]
}
