#!/usr/bin/env bats
# celeba-crop against Pillow. The pictures are made here, by programs that are not ours.
load common
bats_require_minimum_version 1.5.0

# Pictures in ./in: JPEG of several kinds, PNG of several kinds, 178x218.
make_pictures() {
  "$PYTHON" - <<'PY'
import os, numpy as np
from PIL import Image
rng = np.random.default_rng(5)
os.makedirs('in/sub')
def picture(k, w=178, h=218):
    y, x = np.mgrid[0:h, 0:w]
    smooth = np.stack([128 + 100 * np.sin(x / 17 + k), 128 + 90 * np.cos(y / 23 - k), (x + y + 10 * k) % 256], -1)
    return Image.fromarray(np.clip(smooth + rng.normal(0, 12, (h, w, 3)), 0, 255).astype(np.uint8))
picture(0).save('in/a.jpg', quality=92)
picture(1).save('in/b.JPEG', quality=60, progressive=True, subsampling=0)
picture(2).convert('L').save('in/grey.jpg')
picture(3).save('in/rgb.png')
picture(4).convert('L').save('in/grey.PNG')
picture(5).save('in/sub/c.jpg', subsampling=1)
PY
}

# pillow_crop OUT X Y N FILE…: what Pillow makes of the files, as one array.
pillow_crop() {
  "$PYTHON" - "$@" <<'PY'
import sys, numpy as np
from PIL import Image
out, x, y, n = sys.argv[1], *map(int, sys.argv[2:5])
box = (x - n // 2, y - n // 2, x - n // 2 + n, y - n // 2 + n)
np.save(out, np.stack([np.asarray(Image.open(f).convert('RGB').crop(box)).transpose(2, 0, 1) for f in sys.argv[5:]]))
PY
}

# pictures_of FOLDER N…: FOLDER/N.png, 8x8, each its own.
pictures_of() {
  "$PYTHON" - "$@" <<'PY'
import sys, numpy as np
from PIL import Image
for n in sys.argv[2:]:
    Image.fromarray(np.random.default_rng(int(n)).integers(0, 256, (8, 8, 3)).astype('u1')).save(f'{sys.argv[1]}/{n}.png')
PY
}

# joined FILE: all records of a stream as one array, in joined.npy.
joined() {
  "$PYTHON" - "$1" <<'PY'
import sys, os, numpy as np
f = open(sys.argv[1], 'rb')
parts = []
while f.peek(1): parts.append(np.load(f))
np.save('joined.npy', np.concatenate(parts))
PY
}

in_order=(in/a.jpg in/b.JPEG in/grey.PNG in/grey.jpg in/rgb.png in/sub/c.jpg)

@test "a folder's pictures are cropped as Pillow crops them, in bytewise order" {
  make_pictures
  echo text >in/notes.txt
  celeba-crop in >got.npy 2>notes
  grep -q "skipped: 1, such as 'in/notes.txt'" notes
  pillow_crop want.npy 89 121 128 "${in_order[@]}"
  cmp got.npy want.npy
}

@test "any centre and size" {
  make_pictures
  celeba-crop -q --center 40,60 --size 21 in >got.npy
  pillow_crop want.npy 40 60 21 "${in_order[@]}"
  cmp got.npy want.npy
  celeba-crop -q --center 89,109 --size 178 in >got.npy
  pillow_crop want.npy 89 109 178 "${in_order[@]}"
  cmp got.npy want.npy
}

@test "a zip archive, a list of names and files give the same bytes as the folder, with any number of threads" {
  make_pictures
  celeba-crop in >folder.npy
  (cd in && zip -qr ../in.zip sub rgb.png grey.jpg grey.PNG b.JPEG a.jpg)
  celeba-crop in.zip 2>said | cmp - folder.npy
  [ ! -s said ] # folders of an archive are no files that were left alone
  celeba-crop -j 1 in.zip | cmp - folder.npy
  celeba-crop -j 7 in.zip | cmp - folder.npy
  printf '%s\n' "${in_order[@]}" | celeba-crop - | cmp - folder.npy
  (printf '\xef\xbb\xbf' && printf '%s\r\n' "${in_order[@]}") | celeba-crop - | cmp - folder.npy # as Windows writes lists
  celeba-crop "${in_order[@]}" | cmp - folder.npy
  mv in.zip archive # told by content
  celeba-crop archive | cmp - folder.npy
}


@test "a tar archive of any format gives the same bytes as the folder, long names included" {
  make_pictures
  local long
  long=in/$(printf 'n%.0s' {1..120})/$(printf 'm%.0s' {1..150})
  mkdir -p "$long"
  cp in/a.jpg "$long/$(printf 'x%.0s' {1..120}).jpg"
  celeba-crop in >folder.npy
  for format in gnu pax; do
    tar -cf in.tar --format=$format in
    celeba-crop in.tar | cmp - folder.npy
  done
  rm -r "$long"
  celeba-crop in >folder.npy
  tar -cf in.tar --format=ustar -C in sub rgb.png grey.jpg grey.PNG b.JPEG a.jpg
  celeba-crop -j 3 in.tar | cmp - folder.npy
  "$PYTHON" - <<'PY'
# Between two pictures a member of 9 GiB of zeros: its own header cannot hold that size.
import tarfile
with open('huge.tar', 'wb') as out:
    t = tarfile.open(fileobj=out, mode='w', format=tarfile.PAX_FORMAT)
    t.add('in/a.jpg', 'a.jpg')
    huge = tarfile.TarInfo('notes')
    huge.size = 9 << 30
    out.write(huge.tobuf(tarfile.PAX_FORMAT))
    out.seek(huge.size, 1)
    t.offset = out.tell()
    t.add('in/b.JPEG', 'b.JPEG')
    t.close()
PY
  celeba-crop huge.tar | cmp - <(celeba-crop in/a.jpg in/b.JPEG)
  rm huge.tar
  head -c 20000 in.tar >cut.tar
  fails 3 "cannot read 'cut.tar': truncated tar archive" celeba-crop cut.tar
  head -c "$(($(stat -c %s in.tar) / 10240 * 10240 - 10240))" in.tar >cut.tar # at a block, but not the end
  fails 3 "truncated tar archive" celeba-crop cut.tar
  printf 'X' | dd of=in.tar bs=1 seek=20 conv=notrunc status=none # in the first name
  fails 3 "damaged tar archive, at byte 0" celeba-crop in.tar
  gzip -c folder.npy >x.tar.gz
  fails 3 "'x.tar.gz' is compressed with gzip: unpack it with gunzip first" celeba-crop x.tar.gz
  "$PYTHON" -c 'import bz2, lzma; open("x.tar.bz2", "wb").write(bz2.compress(b"x")); open("x.tar.xz", "wb").write(lzma.compress(b"x"))'
  fails 3 "'x.tar.bz2' is compressed with bzip2: unpack it with bunzip2 first" celeba-crop x.tar.bz2
  fails 3 "'x.tar.xz' is compressed with xz: unpack it with unxz first" celeba-crop x.tar.xz
}

@test "-o refuses two pictures that would become one file, before it makes anything" {
  make_pictures
  fails 3 "would both become 'out/grey.png'" celeba-crop -o out in
  mkdir -p clash/a.png
  cp in/a.jpg clash/a.jpg
  cp in/a.jpg clash/a.png/x.jpg
  fails 3 "'clash/a.jpg' would become 'clashed/a.png', which is to be the folder of 'clashed/a.png/x.png'" celeba-crop -o clashed clash
  [ ! -e clashed ]
  [ ! -e out ]
}

@test "-o writes lossless PNG files under the names of the sources" {
  make_pictures
  rm in/grey.PNG
  celeba-crop -o out in
  no_leftovers out a.png b.png grey.png rgb.png sub
  no_leftovers out/sub c.png
  pillow_crop want.npy 89 121 128 in/a.jpg in/b.JPEG in/grey.jpg in/rgb.png in/sub/c.jpg
  pillow_crop got.npy 64 64 128 out/a.png out/b.png out/grey.png out/rgb.png out/sub/c.png
  cmp got.npy want.npy
  cp -r out first
  celeba-crop -o out in # again, over what is there
  diff -r out first
}

@test "records hold 64 pictures, and only what is there is promised" {
  make_pictures
  for k in $(seq 0 129); do ln in/a.jpg "in/sub/x$k.jpg"; done
  echo broken >in/sub/x7.jpg.jpg
  run -1 pipe 'celeba-crop -q in >got.npy'
  joined got.npy
  "$PYTHON" - <<'PY'
import numpy as np
assert np.load('joined.npy').shape == (136, 3, 128, 128)
f = open('got.npy', 'rb')
assert [len(np.load(f)) for _ in range(3)] == [64, 64, 8] and not f.read()
PY
}

@test "bad pictures are left out, with the reason, and the others are kept" {
  make_pictures
  celeba-crop in >good.npy
  head -c 2000 in/a.jpg >in/cut.jpg
  head -c 2000 in/rgb.png >in/cut2.png
  echo text >in/text.jpg
  : >in/empty.png
  "$PYTHON" -c 'from PIL import Image; Image.new("RGB", (100, 100)).save("in/small.png")'
  fails 1 "cannot create 'no/reasons': No such file or directory" celeba-crop --rejects no/reasons in
  run -1 pipe 'celeba-crop --rejects reasons in 2>&1 >got.npy'
  cmp got.npy good.npy
  echo "$output"
  [[ "$output" == *"cannot decode 'in/cut.jpg': Premature end of JPEG file"* ]] || false
  [[ "$output" == *"'in/small.png': 100x100 pixels are too small for columns 25 to 152, rows 57 to 184"* ]] || false
  [[ "$output" == *"celeba-crop: 5 of 11 pictures left out"* ]] || false
  [ "$(cut -f1 reasons | xargs)" = "picture in/cut.jpg in/cut2.png in/empty.png in/small.png in/text.jpg" ] || false
  celeba-crop --keep-going in 2>/dev/null | cmp - good.npy
  run -3 celeba-crop in/text.jpg in/empty.png
  [ "${lines[2]}" = "celeba-crop: none of the 2 pictures could be used" ]
}

@test "the images of an HDF5 or .npy file or of a stream are cropped like any other" {
  "$PYTHON" - <<'PY'
import h5py, numpy as np
images = np.random.default_rng(6).integers(0, 256, (70, 3, 32, 32), np.uint8)
np.save('images.npy', images)
np.save('floats.npy', (images / np.float32(127.5) - 1).astype(np.float32))
np.save('grey.npy', images[:, :1])
with h5py.File('images.h5', 'w') as f: f['data32x32'], f['data16x16'] = images, images[:, :, ::2, ::2]
np.save('want.npy', images[:, :, 3:27, 5:29])
np.save('grey-want.npy', images[:, :1, 3:27, 5:29].repeat(3, 1))
PY
  crop=(celeba-crop --center 17,15 --size 24)
  for input in images.npy floats.npy images.h5; do
    "${crop[@]}" -j 3 "$input" >got.npy
    joined got.npy
    cmp joined.npy want.npy
  done
  cat images.npy images.npy | "${crop[@]}" - >got.npy
  [ "$(stat -c %s got.npy)" = $((140 * 3 * 24 * 24 + 3 * 128)) ]
  "${crop[@]}" grey.npy >got.npy
  joined got.npy
  cmp joined.npy grey-want.npy
  "${crop[@]}" -o out images.h5
  [ "$(find out -name '*.png' | sort | tail -1)" = out/000069.png ]
  "$PYTHON" -c 'import numpy as np; from PIL import Image; import sys
want = np.load("want.npy")
sys.exit(any((np.asarray(Image.open(f"out/{i:06d}.png")).transpose(2, 0, 1) != want[i]).any() for i in range(70)))'
}

@test "a pipe given by name is read as stdin or a file is, by pack-h5 too" {
  make_pictures
  npy 70,3,128,128 u1 >images.npy
  crop=(celeba-crop --center 64,64 --size 128)
  "${crop[@]}" images.npy >want.npy
  "${crop[@]}" <(cat images.npy) | cmp - want.npy
  mkfifo named
  cat images.npy >named &
  "${crop[@]}" named | cmp - want.npy
  pack-h5 -q -o want.h5 - <images.npy
  pack-h5 -q -o got.h5 <(cat images.npy)
  cmp got.h5 want.h5
  celeba-crop in/a.jpg in/rgb.png >want.npy
  celeba-crop <(cat in/a.jpg) <(cat in/rgb.png) | cmp - want.npy
  celeba-crop in/rgb.png >want.npy
  celeba-crop <(cat in/rgb.png) | cmp - want.npy
  celeba-crop -o square --pad --center 89,109 --size 256 in/rgb.png # pack-h5 looks at the first picture twice
  cat square/rgb.png >named &
  pack-h5 -q -o got.h5 named
  pack-h5 -q -o want.h5 square/rgb.png
  "$PYTHON" -c 'import h5py; a, b = (h5py.File(f)["data256x256"][()] for f in ("got.h5", "want.h5")); assert (a == b).all()'
  fails 3 "is not a PNG or JPEG picture" bash -c 'celeba-crop <(echo text)'
  fails 3 "is empty" bash -c 'celeba-crop <(true)'
}

@test "a picture that ends with the crop is taken, one of a column or a row less is too small" {
  "$PYTHON" - <<'PY'
import numpy as np
from PIL import Image
x = np.random.default_rng(1).integers(0, 256, (185, 153, 3), np.uint8)
for name, picture in ('ends', x), ('narrow', x[:, :-1]), ('low', x[:-1]):
    Image.fromarray(picture).save(f'{name}.png')
np.save('want.npy', x[57:185, 25:153].transpose(2, 0, 1)[None])
PY
  celeba-crop ends.png | cmp - want.npy
  for name in narrow:152x185 low:153x184; do
    run -3 celeba-crop "${name%:*}.png"
    [[ "$output" == *"'${name%:*}.png': ${name#*:} pixels are too small for columns 25 to 152, rows 57 to 184"* ]]
  done
}

@test "images that are too small are left out by number, and a truncated stream is an error" {
  "$PYTHON" -c 'import numpy as np; np.save("two.npy", np.zeros((2, 3, 16, 16), np.uint8))'
  run -3 --separate-stderr celeba-crop --center 8,8 --size 20 --rejects r.txt two.npy
  grep -q '^two.npy, image 1	' r.txt
  head -c 1000 two.npy >cut.npy
  fails 3 "'stdin'" bash -c 'celeba-crop --center 8,8 --size 8 -o out - <cut.npy'
  [ "$(ls -A out)" = 000000.png ] # the one that came whole
}

@test "floats of 0 to 255 are refused by every tool: they would be taken as white" {
  npy 3,3,16,16 float32 'rng.uniform(0, 255, shape)' >bytes.npy
  for tool in "celeba-crop --center 8,8 --size 8" "pack-h5 -o out.h5" "swd --ref bytes.npy" msssim "laplacian-pyr -o out"; do
    fails 3 "floats are images in [-1,1], bytes have the type uint8" $tool bytes.npy
  done
  no_leftovers . bytes.npy out stderr.txt stdout.txt
  no_leftovers out
}

@test "images with values that are not finite are refused, by pack-h5 too" {
  "$PYTHON" -c 'import numpy as np; x = np.zeros((3, 3, 16, 16), "f4"); x[1, 2, 3, 4] = np.nan; np.save("nan.npy", x); x[1, 2, 3, 4] = -np.inf; np.save("inf.npy", x)'
  fails 3 "'nan.npy': image 1 holds values that are not finite" celeba-crop --center 8,8 --size 8 nan.npy
  fails 3 "'inf.npy': image 1 holds values that are not finite" celeba-crop --center 8,8 --size 8 inf.npy
  fails 3 "'stdin': image 1 holds values that are not finite" bash -c 'pack-h5 -o out.h5 - <nan.npy'
  [ ! -e out.h5 ]
}

@test "bad input: one line, the right exit code, nothing written" {
  make_pictures
  mkdir empty
  echo text >text.jpg
  head -c 1000 in/a.jpg >cut.jpg
  head -c 1000 in/rgb.png >cut.png
  (cd in && zip -qr ../in.zip .)
  head -c 9000 in.zip >cut.zip
  fails 3 "cannot open 'no.jpg': No such file or directory" celeba-crop no.jpg
  fails 3 "'text.jpg' is not a PNG or JPEG picture" celeba-crop text.jpg
  fails 3 "cannot decode 'cut.jpg'" celeba-crop cut.jpg
  fails 3 "cannot decode 'cut.png': truncated" celeba-crop cut.png
  fails 3 "cannot open 'cut.zip': damaged or truncated zip archive" celeba-crop cut.zip
  fails 3 "no pictures in 'empty'" celeba-crop empty
  fails 3 "stdin is empty: an image stream or a list of file names was expected" celeba-crop -
  fails 3 "cannot read 'stdin': Is a directory" bash -c 'celeba-crop - <empty'
  fails 3 "cannot read 'stdin': Is a directory" bash -c 'pack-h5 -o out.h5 <empty'
  echo >nothing
  fails 3 "list of names on stdin is empty" bash -c 'celeba-crop - <nothing'
  npy 0,3,16,16 u1 >zero.npy
  fails 3 "'zero.npy' holds no images" celeba-crop zero.npy
  fails 3 "'stdin' holds no images" bash -c 'cat zero.npy zero.npy | celeba-crop -o none -'
  fails 2 "no INPUT" celeba-crop
  fails 2 "--center takes" celeba-crop --center 12 in/a.jpg
  fails 2 "--size" celeba-crop --size 0 in/a.jpg
  fails 2 "--box 0,0,65535,65535 is larger than 16384x16384 pixels" celeba-crop --pad --box 0,0,65535,65535 in/a.jpg
  fails 2 "--center" celeba-crop --centre 1,2 in/a.jpg
  fails 3 "too small" celeba-crop -o out in/a.jpg --center 20,20
  no_leftovers out
  printf 'PK\5\6%018d' 0 | tr 0 '\0' >empty.zip
  fails 3 "no pictures in 'empty.zip'" celeba-crop empty.zip
}

@test "a file that is no picture is refused by its first bytes, however large it is" {
  truncate -s 64G large.jpg
  fails 3 "'large.jpg' is not a PNG or JPEG picture" timeout 20 celeba-crop large.jpg
  fails 3 "'/dev/zero' is not a PNG or JPEG picture" timeout 20 celeba-crop /dev/zero
  fails 3 "'/dev/zero' is not a PNG or JPEG picture" timeout 20 bash -c 'echo /dev/zero | celeba-crop -'
  printf '\377\330\377\340\0\020JFIF' | dd of=large.jpg conv=notrunc status=none
  fails 3 "cannot read 'large.jpg': more than 1073741824 bytes are too many for a picture" timeout 20 celeba-crop large.jpg
  printf '\377\330' >short.jpg
  fails 3 "'short.jpg' is not a PNG or JPEG picture" celeba-crop short.jpg
  fails 3 "is empty" celeba-crop /dev/null
}

@test "a damaged member of an archive is left out" {
  make_pictures
  (cd in && zip -q0r ../in.zip a.jpg rgb.png)
  "$PYTHON" - <<'PY'
b = bytearray(open('in.zip', 'rb').read())
b[5000] ^= 255
open('in.zip', 'wb').write(b)
PY
  run -1 pipe 'celeba-crop in.zip 2>&1 >got.npy'
  [[ "$output" == *"'in.zip/a.jpg'"* ]] || false
  pillow_crop want.npy 89 121 128 in/rgb.png
  cmp got.npy want.npy
}

@test "a member of an archive that promises terabytes is left out" {
  make_pictures
  (cd in && zip -q0r ../good.zip rgb.png)
  "$PYTHON" - <<'PY'
import io, tarfile, zipfile
with zipfile.ZipFile('in.zip', 'w') as z:
    for name, size in ('in/a.jpg', 2**42 + 1), ('in/grey.PNG', 2**63 + 1), ('in/rgb.png', None):
        z.write(name, name[3:])
        if size:
            z.getinfo(name[3:]).file_size = size # goes into the directory, which readers believe
with tarfile.open('sparse.tar', 'w') as t:
    info = tarfile.TarInfo('a.png')
    info.size = 2**36
    head = info.tobuf(tarfile.GNU_FORMAT)
    t.add('in/rgb.png', 'rgb.png')
with open('sparse.tar', 'r+b') as f: # a member of 64 GiB that is really there, of zeros that take no room, before the good one
    good = f.read()
    f.truncate(0)
    f.seek(0)
    f.write(head)
    f.seek(2**36, 1)
    f.write(good)
PY
  celeba-crop good.zip >good.npy
  run -1 pipe 'celeba-crop in.zip 2>&1 >got.npy'
  echo "$output"
  [[ "$output" == *"cannot read 'in.zip/a.jpg': the archive promises 4398046511105 bytes"* ]] || false
  [[ "$output" == *"cannot read 'in.zip/grey.PNG': the archive promises "* ]] || false
  [[ "$output" == *"2 of 3 pictures left out"* ]] || false
  cmp got.npy good.npy
  run -1 pipe 'celeba-crop sparse.tar 2>&1 >got.npy'
  echo "$output"
  [[ "$output" == *"cannot read 'sparse.tar/a.png': the archive promises 68719476736 bytes"* ]] || false
  cmp got.npy good.npy
}

@test "pictures that claim more than fits into memory are left out" {
  if [ -n "${PGAN_QUICK-}" ]; then skip "sanitizers have a memory of their own"; fi
  make_pictures
  "$PYTHON" - <<'PY'
import struct, zipfile, zlib
def chunk(kind, data): return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
png = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 16384, 16384, 8, 6, 0, 0, 0)) + chunk(b'IDAT', zlib.compress(bytes(100))) + chunk(b'IEND', b'')
with zipfile.ZipFile('in.zip', 'w') as z:
    z.writestr('large.png', png)
    z.write('in/a.jpg', 'long.jpg')
    z.write('in/rgb.png', 'rgb.png')
    z.getinfo('long.jpg').file_size = 1 << 30
PY
  celeba-crop in/rgb.png >good.npy
  run -1 pipe 'ulimit -v 900000; celeba-crop -j 1 in.zip 2>&1 >got.npy'
  echo "$output"
  [[ "$output" == *"cannot decode 'in.zip/large.png': 16384x16384 pixels do not fit into memory"* ]] || false
  [[ "$output" == *"cannot read 'in.zip/long.jpg': 1073741824 bytes do not fit into memory"* ]] || false
  cmp got.npy good.npy
}

@test "a message is one line, whatever a name holds" {
  "$PYTHON" -c 'import zipfile; zipfile.ZipFile("nl.zip", "w").writestr("a\n\x1b[31mb\x7f.png", b"text")'
  fails 3 "celeba-crop: 'nl.zip/a??[31mb?.png' is not a PNG or JPEG picture" celeba-crop nl.zip
  "$PYTHON" -c 'import zipfile; z = zipfile.ZipFile("tab.zip", "w"); z.writestr("a\tb\nc.png", b"text"); z.writestr("d.png", b"text")'
  run -3 celeba-crop --rejects reasons tab.zip
  printf 'picture\treason\n%s\t%s\n%s\t%s\n' "tab.zip/a?b?c.png" "'tab.zip/a?b?c.png' is not a PNG or JPEG picture" \
    tab.zip/d.png "'tab.zip/d.png' is not a PNG or JPEG picture" | diff - reasons
  fails 3 "cannot open 'no?f??ü': No such file" celeba-crop $'no\nf\xc2\x9bü'
  fails 2 "unknown option '--no?thing'" celeba-crop $'--no\nthing'
}

@test "a disk that fails is no broken picture: the run ends" {
  make_pictures
  fails 1 "cannot read '/proc/self/mem': Input/output error" celeba-crop --keep-going -o out in/a.jpg /proc/self/mem
}

@test "a name that no file can have leaves out its picture, not the others" {
  make_pictures
  "$PYTHON" - <<'PY'
import zipfile
z = zipfile.ZipFile('long.zip', 'w')
z.write('in/a.jpg', 'a/' * 2500 + 'x.png'), z.write('in/a.jpg', 'n' * 300 + '.png'), z.write('in/a.jpg', 'good.png')
PY
  run -1 celeba-crop -o out long.zip
  [ "$(grep -c "leads out of the folder, or is longer than a file's name can be" <<<"$output")" = 2 ]
  no_leftovers out good.png
}

@test "an archive cannot write outside the folder" {
  make_pictures
  "$PYTHON" - <<'PY'
import zipfile
z = zipfile.ZipFile('evil.zip', 'w')
z.write('in/a.jpg', '../out.jpg'); z.write('in/a.jpg', 'ok/../../x.jpg'); z.write('in/a.jpg', 'fine..jpg')
PY
  run -1 celeba-crop -o d/out evil.zip
  mkdir d
  run -1 celeba-crop -o d/out evil.zip
  [[ "$output" == *"'evil.zip/../out.jpg' leads out of the folder"* ]] || false
  no_leftovers d out
  no_leftovers d/out fine..png
}

@test "a full disk is an error, a reader that goes away is not" {
  make_pictures
  run -1 pipe 'celeba-crop in >/dev/full'
  [[ "$output" == *"No space left on device"* ]] || false
  for k in $(seq 1 200); do ln in/a.jpg "in/sub/$k.jpg"; done
  run pipe 'celeba-crop in 2>said | head -c 1000 >/dev/null'
  [ ! -s said ]
}

@test "a full disk under -o is an error and leaves whole files only" {
  make_pictures
  rm in/grey.PNG
  full_disk
  run -1 celeba-crop -o full in
  said=$output left=$(find full -name '.*.tmp')
  good=$("$PYTHON" -c 'import glob; from PIL import Image
for f in glob.glob("full/**/*.png", recursive=True): Image.open(f).load()
print("whole")')
  full_disk_end
  [[ "$said" == *"No space left on device"* ]] || false
  [ "$good" = whole ]
  [ -z "$left" ]
}

@test "killed in the middle, -o leaves whole files only, and the next run finishes" {
  make_pictures
  rm in/grey.PNG
  for k in $(seq 1 300); do ln in/a.jpg "in/sub/$k.jpg"; done
  for signal in TERM KILL; do
    rm -rf out
    celeba-crop -q -j 1 -o out in &
    local pid=$!
    while kill -0 $pid 2>/dev/null && [ "$(find out -name '*.png' 2>/dev/null | wc -l)" -lt 20 ]; do :; done
    kill -s $signal $pid
    wait $pid || true
    "$PYTHON" -c 'import glob; from PIL import Image
for f in glob.glob("out/**/*.png", recursive=True): Image.open(f).load()'
    [ "$(find out -name '*.png' | wc -l)" -lt 305 ]
    [ $signal = KILL ] || [ -z "$(find out -name '.*')" ]
  done
  celeba-crop -o out in
  [ "$(find out -name '*.png' | wc -l)" = 305 ]
  [ -z "$(find out -name '.*')" ]
}

@test "--box: any rectangle into files, squares into a stream" {
  make_pictures
  celeba-crop --box 25,57,128,128 in | cmp - <(celeba-crop in)
  celeba-crop -o out --box 10,20,60,90 in/a.jpg
  "$PYTHON" -c 'from PIL import Image; import numpy as np
assert np.array_equal(Image.open("out/a.png"), Image.open("in/a.jpg").crop((10, 20, 70, 110)))'
  fails 2 "give -o DIR" celeba-crop --box 10,20,60,90 in/a.jpg
  fails 2 "--box takes" celeba-crop --box 10,20,60 in/a.jpg
  fails 2 "--size does not go with --box" celeba-crop --box 25,57,128,128 --size 128 in
  fails 2 "--center does not go with --box" celeba-crop --box 25,57,128,128 --center 9,9 in
  fails 3 "too small" celeba-crop --box 100,20,90,90 in/a.jpg
}

@test "--pad fills up with the background what a picture does not have" {
  make_pictures
  celeba-crop --pad --background 102030 --center 20,200 --size 256 in/a.jpg in/grey.jpg >got.npy
  celeba-crop --pad --center 1000,-1000 --size 8 in/a.jpg >beyond.npy
  "$PYTHON" - <<'PY'
import numpy as np
from PIL import Image
got = np.load('got.npy')
for g, name in zip(got, ('in/a.jpg', 'in/grey.jpg')):
    want = Image.new('RGB', (256, 256), (16, 32, 48))
    want.paste(Image.open(name).convert('RGB'), (108, -72))
    assert np.array_equal(g.transpose(1, 2, 0), want), name
assert (np.load('beyond.npy') == 255).all()
PY
  fails 2 "is no colour" celeba-crop --pad --background fff in/a.jpg
}

@test "a stream that fails ends inside a record: no data set is made of its beginning" {
  npy 200,3,16,16 u1 >whole.npy
  head -c 100000 whole.npy >cut.npy # after picture 130, of which 128 are in records
  run -3 pipe 'celeba-crop -j 1 --center 8,8 --size 16 cut.npy | pack-h5 -o d.h5'
  [[ "$output" == *"'cut.npy' is truncated"*"'stdin' is truncated: it ends inside a record"* || "$output" == *"'stdin' is truncated"*"'cut.npy' is truncated"* ]] || false
  [ ! -e d.h5 ]
  # and one with pictures left out does not
  { npy 130,3,16,16 u1; npy 10,3,16,16 u1; } >two.npy
  celeba-crop --center 8,8 --size 16 two.npy | pack-h5 -o d.h5
}

@test "numbers out of range are refused, not taken modulo 2^32" {
  npy 1,3,64,64 u1 >in.npy
  for x in 4294967328 -4294967264 18446744073709551648 65536 ' ' 1.5; do
    fails 2 "--center takes a column and a row" celeba-crop --size 16 --center "$x,32" in.npy
    fails 2 "--center takes a column and a row" celeba-crop --size 16 --center "32,$x" in.npy
    fails 2 "--box takes" celeba-crop --box "$x,0,16,16" in.npy
    fails 2 "--box takes" celeba-crop --box "0,0,$x,16" in.npy
  done
  fails 2 "--box takes" celeba-crop --box 0,0,16 in.npy
}

@test "links and sparse files in a tar archive are left out with their reason, the others are read" {
  mkdir t
  npy 3,3,16,16 u1 >in.npy
  celeba-crop -q --box 0,0,16,16 -o t in.npy
  ln t/000000.png t/hard.png
  ln -s 000000.png t/soft.png
  mkfifo t/pipe.png
  "$PYTHON" -c '
f = open("t/holes.png", "wb") # more pieces than a header holds
for i in range(40): f.seek(i * 65536); f.write(b"x")'
  for format in gnu pax; do
    tar -cSf x.tar --format=$format -C t 000000.png hard.png soft.png pipe.png holes.png 000001.png 000002.png
    run -1 celeba-crop --box 0,0,16,16 --rejects table.tsv -o out x.tar
    [[ "$output" == *"4 of 7 pictures left out"* ]] || false
    diff table.tsv - <<'TABLE'
picture	reason
x.tar/hard.png	'x.tar/hard.png' is a hard link in the archive
x.tar/holes.png	'x.tar/holes.png' is a sparse file in the archive
x.tar/pipe.png	'x.tar/pipe.png' is a named pipe in the archive
x.tar/soft.png	'x.tar/soft.png' is a symbolic link in the archive
TABLE
    no_leftovers out 000000.png 000001.png 000002.png
    for k in 0 1 2; do cmp out/00000$k.png t/00000$k.png; done
  done
}

@test "a broken link, a pipe or a socket in a folder that is named as a picture is left out with its reason" {
  mkdir t
  npy 1,3,16,16 u1 >in.npy
  celeba-crop -q --box 0,0,16,16 -o t in.npy
  ln -s nowhere.png t/broken.png
  ln -s loop.png t/loop.png
  ln -s nowhere t/notes.txt
  mkfifo t/pipe.png
  "$PYTHON" -c 'import socket; socket.socket(socket.AF_UNIX).bind("t/socket.jpg")'
  run -1 celeba-crop --box 0,0,16,16 --rejects table.tsv -o out t
  [[ "$output" == *"skipped: 1, such as 't/notes.txt'"*"4 of 5 pictures left out"* ]] || false
  diff table.tsv - <<'TABLE'
picture	reason
t/broken.png	cannot open 't/broken.png': No such file or directory
t/loop.png	cannot open 't/loop.png': Too many levels of symbolic links
t/pipe.png	't/pipe.png' is neither a file nor a link to one
t/socket.jpg	't/socket.jpg' is neither a file nor a link to one
TABLE
  no_leftovers out 000000.png
}

@test "--rejects may not take the place of a picture or of the folder" {
  npy 2,3,16,16 u1 >in.npy
  fails 2 "named as the pictures of -o are" celeba-crop --box 0,0,16,16 -o out --rejects out/000000.png in.npy
  fails 2 "--rejects and -o name the same file, 'out'" celeba-crop --box 0,0,16,16 -o out --rejects ./out in.npy
  [ ! -e out ]
}

@test "names that differ by a dot or a slash alone are one" {
  mkdir in
  pictures_of in 1 2
  (cd in && tar cf ../a.tar ./1.png && tar rf ../a.tar 2.png --transform 's,^,deep//./,')
  celeba-crop --box 0,0,4,4 -o out a.tar
  [ "$(find out -type f | sort | tr '\n' ' ')" = "out/1.png out/deep/2.png " ]
  fails 3 "'a.tar/./1.png' and 'in/1.png' would both become 'out/1.png'" celeba-crop --box 0,0,4,4 -o out a.tar in
}

@test "what lies in a hidden folder is hidden" {
  mkdir -p in/.thumbs .mine
  pictures_of in 1
  pictures_of in/.thumbs 2
  pictures_of .mine 3
  run -0 celeba-crop --box 0,0,4,4 -o out/ in ./.mine
  [[ $output == *"skipped: 1, such as 'in/.thumbs/2.png'"* ]]
  [ "$(ls out | tr '\n' ' ')" = "1.png 3.png " ]
}

@test "a PNG that is damaged in its transparency or orientation is broken" {
  "$PYTHON" - <<'PY'
import struct, zlib
def chunk(kind, data, flip=0):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data) ^ flip)
def png(name, *more):
    pixels = zlib.compress(b''.join(b'\0' + bytes([i % 2] * 4) for i in range(4)))
    open(name, 'wb').write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 4, 4, 8, 3, 0, 0, 0)) +
                           chunk(b'PLTE', bytes([255, 0, 0, 0, 255, 0])) + b''.join(more) + chunk(b'IDAT', pixels) + chunk(b'IEND', b''))
exif = b'MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0'
png('good.png', chunk(b'tRNS', b'\0'), chunk(b'eXIf', exif))
png('clear.png', chunk(b'tRNS', b'\0', 1))
png('long.png', chunk(b'tRNS', b'\0\0\0'))
png('turned.png', chunk(b'eXIf', exif, 1))
PY
  celeba-crop --box 0,0,4,4 good.png >good.npy
  for bad in clear long turned; do
    fails 3 "cannot decode '$bad.png'" bash -c 'celeba-crop --keep-going --box 0,0,4,4 "$1.png" | cat >/dev/null; exit "${PIPESTATUS[0]}"' - "$bad"
  done
}

@test "tar: long headers of extended attributes, and links that say a size" {
  mkdir in
  pictures_of in 1 2
  "$PYTHON" - <<'PY'
import io, tarfile
with tarfile.open('a.tar', 'w', format=tarfile.PAX_FORMAT) as t:
    info = t.gettarinfo('in/1.png')
    info.pax_headers = {'SCHILY.xattr.user.note': 'x' * 70000}
    t.addfile(info, open('in/1.png', 'rb'))
    link = tarfile.TarInfo('in/link.txt')
    link.type, link.linkname, link.size = tarfile.LNKTYPE, 'in/1.png', 0
    t.addfile(link)
    t.add('in/2.png')
raw = bytearray(open('a.tar', 'rb').read())
at = raw.index(b'in/link.txt')
raw[at + 124:at + 136] = b'00000001000\0'
raw[at + 148:at + 156] = b' ' * 8
raw[at + 148:at + 156] = b'%06o\0 ' % sum(raw[at:at + 512])
open('a.tar', 'wb').write(raw)
PY
  celeba-crop --box 0,0,4,4 a.tar >a.npy
  celeba-crop --box 0,0,4,4 in | cmp - a.npy
}
