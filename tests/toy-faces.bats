load common

# Loads faces as an (N,218,178,3) array `x` and their luminance `y`, then runs the Python on stdin.
look() {
  {
    cat <<'PY'
import io, sys, zipfile, numpy as np
from PIL import Image
def faces(path):
    z = zipfile.ZipFile(path)
    pictures = [Image.open(io.BytesIO(z.read(n))) for n in z.namelist()]
    assert all((p.format, p.mode, p.size) == ('PNG', 'RGB', (178, 218)) for p in pictures)
    return np.stack([np.asarray(p) for p in pictures]).astype(float)
x = faces(sys.argv[1])
y = x @ (.299, .587, .114)
PY
    cat
  } | "$PYTHON" - "$@"
}

@test "an archive holds N pictures of 178 x 218, numbered from 1" {
  toy-faces -n 12 -o faces.zip
  unzip -tq faces.zip
  diff <(unzip -Z1 faces.zip) <(printf '%06d.png\n' {1..12})
  look faces.zip <<<'assert len(x) == 12'
  no_leftovers . faces.zip
}

@test "the same bytes in a folder, in an archive and on stdout, whatever N and the number of threads" {
  toy-faces -j 1 -n 70 -o a.zip
  toy-faces --threads 3 -n 70 >b.zip
  cmp a.zip b.zip
  toy-faces -j 2 -n 66 -o fewer
  mkdir all
  (cd all && unzip -q ../a.zip)
  [ "$(find fewer -type f | wc -l)" = 66 ]
  for file in fewer/*; do cmp "$file" "all/${file#fewer/}"; done
}

@test "celeba-crop takes the archive as it is" {
  toy-faces -n 3 -o faces.zip
  celeba-crop faces.zip >cropped.npy
  look faces.zip <<<'assert (np.load("cropped.npy") == x[:, 57:185, 25:153].transpose(0, 3, 1, 2)).all()'
}

@test "another seed gives other faces, seed 1 is the default" {
  toy-faces -n 8 -o a.zip
  toy-faces -n 8 --seed 1 -o same.zip
  toy-faces -n 8 -s 2 -o b.zip
  toy-faces -n 8 --seed=9007199254740991 -o c.zip
  cmp a.zip same.zip
  look a.zip b.zip c.zip <<'PY'
sets = [x] + [faces(p) for p in sys.argv[2:]]
all = np.concatenate(sets).reshape(24, -1)
for i in range(24):
    for j in range(i):
        d = abs(all[i] - all[j]).mean()
        assert d > 5, (i, j, d)
PY
}

@test "faces lie where CelebA's do" {
  toy-faces -n 256 --seed 3 -o faces.zip
  look faces.zip <<'PY'
mean, red = y.mean(0), (x[..., 0] - x[..., 1]).mean(0)
for centre in 69, 109:                              # below the brows the pupils are darkest, and much darker than the cheeks
    window = mean[109:125, centre - 15:centre + 16]
    row, column = np.unravel_index(window.argmin(), window.shape)
    assert abs(column - 15) <= 2 and abs(row + 109 - 111.5) <= 2, (row + 109, column + centre - 15)
    assert window.min() < mean[128:136, centre - 6:centre + 7].mean() - 60
row = red[130:185, 79:100].mean(1).argmax() + 130   # the lips are reddest
assert 150 <= row <= 159, row
# left and right are alike on average: half of the faces are mirrored
assert abs(mean - mean[:, ::-1]).mean() < 6, abs(mean - mean[:, ::-1]).mean()
PY
}

@test "skin, hair and background vary" {
  toy-faces -n 256 --seed 4 -o faces.zip
  look faces.zip <<'PY'
spot = lambda cx, cy: x[:, cy-2:cy+3, cx-2:cx+3].mean((1, 2))
luma = lambda c: c @ (.299, .587, .114)
skin, hair, back = spot(80, 136), spot(89, 62), spot(10, 20)
low, high = np.percentile(luma(skin), (5, 95))
assert low < 95 and high > 190, (low, high)
assert (skin[:, 0] > skin[:, 2]).all()             # from pink to brown, never blue
low, high = np.percentile(luma(hair), (5, 95))
assert low < 70 and high > 150, (low, high)
assert luma(hair).std() > 25 and luma(skin).std() > 30, (luma(hair).std(), luma(skin).std())
assert len(set(map(tuple, (back // 16).astype(int)))) > 60
# no two are alike, even at 16 x 16
small = x[:, 57:185, 25:153].reshape(256, 16, 8, 16, 8, 3).mean((2, 4)).reshape(256, -1)
nearest = min(np.sort(abs(small - s).mean(1))[1] for s in small)
assert nearest > 4, nearest
PY
}

@test "wrong usage" {
  fails 2 "give -n" toy-faces
  fails 2 "--count" toy-faces -n 0 -o x.zip
  fails 2 "--count" toy-faces -n many -o x.zip
  fails 2 "--count" toy-faces -n 1000000 -o x
  fails 2 "seed" toy-faces -n 1 --seed -1 -o x.zip
  fails 2 "--seed" toy-faces -n 1 --sead 1 -o x.zip
  fails 2 "'more' is not expected" toy-faces -n 1 -o x.zip more
  no_leftovers . stdout.txt stderr.txt
}

@test "an archive is not written to a terminal" {
  on_terminal 'toy-faces -n 1'
  [ "$status" = 2 ]
  [[ $output == *"toy-faces: binary data is not written to a terminal"* ]]
}

@test "outputs that cannot be made" {
  echo keep >file
  fails 1 "cannot create 'none/x.zip': No such file or directory" toy-faces -n 1 -o none/x.zip
  fails 1 "cannot create 'none/x': No such file or directory" toy-faces -n 1 -o none/x
  fails 1 "cannot create 'file': it is there and not a folder" toy-faces -n 1 -o file
  mkdir folder.zip
  fails 1 "cannot create 'folder.zip': it is a folder" toy-faces -n 1 -o folder.zip
  [ "$(cat file)" = keep ]
  no_leftovers . file folder.zip stderr.txt stdout.txt
}

@test "a full disk is an error and leaves no archive" {
  for n in 1 100; do
    run pipe "toy-faces -n $n 2>&1 >/dev/full"
    [ "$status" = 1 ]
    [[ $output == "toy-faces: cannot write "*": No space left on device" ]]
  done
  full_disk
  status=0
  toy-faces -n 20 -o full/x.zip 2>zip.txt || status=$?
  ls -A full >zip-left.txt
  toy-faces -n 20 -o full/x 2>folder.txt && status=0
  find full/x -name '.*' >folder-left.txt
  for file in full/x/*.png; do "$PYTHON" -c 'import sys; from PIL import Image; Image.open(sys.argv[1]).load()' "$file" || status=0; done
  full_disk_end
  [ "$status" = 1 ]
  [ ! -s zip-left.txt ]
  [ ! -s folder-left.txt ]
  [ "$(cat zip.txt)" = "toy-faces: cannot write 'full/x.zip': No space left on device" ]
  grep -qx "toy-faces: cannot write 'full/x/0000[0-9]*.png': No space left on device" folder.txt
}

@test "a reader that goes away ends it quietly" {
  toy-faces -n 60000 2>stderr.txt | head -c 1000 >head.bin
  [ "$(wc -c <head.bin)" = 1000 ]
  [ ! -s stderr.txt ]
}

# wait_for PATTERN [TEST…]: waits until `find` has something of that name, 10 seconds at most.
wait_for() {
  for _ in {1..1000}; do
    if [ -n "$(find . -name "$@" 2>/dev/null)" ]; then return 0; fi
    sleep .01
  done
  return 1
}

@test "interrupted, it leaves whole files only" {
  toy-faces -n 60000 -o x.zip 3>&- &
  wait_for '.x.zip.*' -size +64k
  kill -TERM $!
  ! wait $! || false
  no_leftovers .
  toy-faces -n 60000 -o folder 3>&- &
  wait_for 000020.png
  kill -TERM $!
  ! wait $! || false
  [ -z "$(find folder -name '.*' ! -name folder)" ]
  "$PYTHON" -c 'import glob; from PIL import Image; [Image.open(f).load() for f in glob.glob("folder/*.png")]'
}

@test "files of the same name are replaced, others stay" {
  mkdir folder
  echo old >folder/000002.png
  echo mine >folder/notes.txt
  toy-faces -n 2 -o folder
  toy-faces -n 2 -o again
  cmp folder/000002.png again/000002.png
  no_leftovers folder 000001.png 000002.png notes.txt
}

# Looking for it once and not with every file is what keeps the time in proportion to the number of files.
@test "what killed runs have left in a folder is looked for at the start, by any name" {
  mkdir folder
  echo half >"folder/$(leftover 000009.png)"
  toy-faces -n 1 -o folder
  no_leftovers folder 000001.png
}
