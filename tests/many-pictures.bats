#!/usr/bin/env bats
# A long list of pictures in which some are broken: nothing stops, nothing is lost silently.
load common
bats_require_minimum_version 1.5.0

@test "20,000 pictures in an archive, 20 of them broken in 5 ways" {
  "$PYTHON" - "${PGAN_QUICK:+1000}" <<'PY'
import io, sys, zipfile, numpy as np
from PIL import Image
n = int(sys.argv[1] or 20000)
rng = np.random.default_rng(1)
y, x = np.mgrid[0:32, 0:32]
good = []
for k in range(50):
    f = io.BytesIO()
    Image.fromarray(np.clip(np.stack([x * 8, y * 8, x * 0 + k * 5], -1) + rng.normal(0, 9, (32, 32, 3)), 0, 255).astype(np.uint8)).save(f, 'JPEG')
    good.append(f.getvalue())
small = io.BytesIO()
Image.new('RGB', (20, 32)).save(small, 'JPEG')
cut, text, changed = good[0][:500], b'<html>404 Not Found</html>', bytearray(good[1])
changed[changed.index(b'\xff\xc0') + 12] = 3 # the first component asks for a quantization table that is not there
bad = rng.choice(n, 20, replace=False)
with zipfile.ZipFile('in.zip', 'w') as z:
    for i in range(n):
        way = list(bad).index(i) % 5 if i in bad else -1
        z.writestr(f'{i:05}.jpg', [cut, text, small.getvalue(), bytes(changed), good[2], good[i % 50]][way])
b = bytearray(open('in.zip', 'rb').read())
with zipfile.ZipFile('in.zip') as z:
    for i in bad[4::5]: # and what does not fit its checksum
        at = z.getinfo(f'{i:05}.jpg').header_offset
        b[at + 30 + 9 + 600] ^= 1
open('in.zip', 'wb').write(b)
open('bad', 'w').writelines(f'in.zip/{i:05}.jpg\n' for i in sorted(bad))
open('count', 'w').write(str(n - 20))
PY
  count=$(cat count)
  run -1 pipe 'celeba-crop -q --size 32 --center 16,16 --rejects reasons in.zip 2>&1 >stream.npy'
  [ "${#lines[@]}" = 21 ] && [[ "${lines[20]}" == "celeba-crop: 20 of $((count + 20)) pictures left out"* ]] || false
  tail -n +2 reasons | cut -f1 | cmp - bad
  cut -f2 reasons | sed "s/'[^']*'//" | tail -n +2 | sort | uniq -c >ways
  cat ways
  [ "$(wc -l <ways)" -ge 5 ]
  run -1 pack-h5 -q -o x.h5 --rejects reasons2 in.zip
  tail -n +2 reasons2 | cut -f1 | cmp - bad
  pack-h5 -q -o y.h5 stream.npy
  "$PYTHON" - "$count" <<'PY'
import sys, h5py, numpy as np
x, y = h5py.File('x.h5')['data32x32'], h5py.File('y.h5')['data32x32']
assert len(x) == len(y) == int(sys.argv[1])
assert np.array_equal(x[:], y[:])
PY
}
