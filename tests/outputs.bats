#!/usr/bin/env bats
# No output takes the place of an input, by whatever name: every tool refuses, and the input is what it was. What is written to a closed stdout is not lost in silence.

bats_require_minimum_version 1.5.0
load common

# keeps FILE COMMAND…: is refused, and FILE stays.
keeps() {
  local file=$1
  shift
  cp -r "$file" before
  fails 2 "is read and would be written over: name another output" "$@"
  diff -r before "$file"
  rm -r before
}

setup_file() {
  cd "$BATS_FILE_TMPDIR" || return 1
  toy-faces -q -n 8 -o faces.zip
  celeba-crop -q -o crops/ --size 32 --center 89,121 faces.zip
  celeba-crop -q --size 32 --center 89,121 faces.zip >faces.npy
  pack-h5 -q -o data.h5 faces.npy
}

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  cp -r "$BATS_FILE_TMPDIR"/{faces.zip,crops,faces.npy,data.h5} .
}

@test "a folder that would be named as a file is refused, unless it is there or ends in a slash" {
  fails 2 "'new.zip' would become a folder, and is named as a file" celeba-crop -o new.zip faces.zip
  fails 2 "'new.png' would become a folder, and is named as a file" toy-faces -n 2 -o new.png
  fails 2 "'new.npy' would become a folder, and is named as a file" laplacian-pyr -o new.npy faces.npy
  fails 2 "'faces.npy' would become a folder, and is named as a file" toy-faces -n 2 -o faces.npy
  [ "$(echo new*)" = "new*" ]
  fails 2 "'new.ZIP' would become a folder" celeba-crop -o new.ZIP faces.zip
  toy-faces -n 2 -o new.png/
  toy-faces -n 2 -o new.png
  no_leftovers new.png 000001.png 000002.png
}

@test "pictures and data sets" {
  keeps crops celeba-crop -q -o crops/ crops
  keeps crops laplacian-pyr -o ./crops/ crops
  cp faces.zip archive.h5
  keeps archive.h5 pack-h5 -o archive.h5 archive.h5
  keeps data.h5 pack-h5 -o data.h5 --limit 2 data.h5
  ln data.h5 same.h5
  keeps data.h5 pack-h5 -o same.h5 --limit 2 data.h5
  keeps crops/000001.png pack-h5 -o other.h5 --rejects crops/000001.png crops/000001.png crops/000002.png
  keeps crops pack-h5 -o crops/000002.png crops
  keeps crops pack-h5 -o other.h5 --rejects crops/000002.png crops
  keeps faces.zip celeba-crop -o out --rejects ./faces.zip faces.zip
  keeps crops bash -c 'ls crops/*.png | pack-h5 -o crops/000002.png -'
  keeps crops swd --ref faces.npy crops --save-ref crops/000002.png
  [ ! -e other.h5 ]
  [ ! -e out ]
}

@test "stdin, redirected from a file, is an input, too" {
  npy 4,3,32,32 u1 >u1.npy
  npy 4,5 f4 >z.npy
  ls crops/*.png >list.txt
  mkdir levels pictures
  cp u1.npy levels/level32.npy
  cp u1.npy pictures/000000.png
  "$PYTHON" "$PGAN_TESTS/network.py" net.h5 "$golden/step_s0_b8_a000.h5"
  keeps u1.npy bash -c 'pack-h5 -o u1.npy <u1.npy'
  keeps faces.npy bash -c 'swd --ref - data.h5 --save-ref faces.npy <faces.npy'
  keeps z.npy bash -c 'pgan-sample net.h5 --latents - -o z.npy <z.npy'
  keeps levels bash -c 'laplacian-pyr -o levels <levels/level32.npy'
  fails 2 "'pictures/000000.png' is read and would be written over" bash -c 'celeba-crop -b 0,0,16,16 -o pictures - <pictures/000000.png'
  cmp u1.npy pictures/000000.png # the others may be there
  keeps list.txt bash -c 'pack-h5 -o list.txt - <list.txt'
  keeps list.txt bash -c 'pack-h5 -o x.h5 --rejects list.txt - <list.txt'
}

@test "the file that stdout or stderr go to is not taken away from under them; by /dev/stderr it is written behind what is there" {
  echo bad >bad.png
  echo before >cron.log
  run -0 bash -c '{ echo begun; celeba-crop -q -k faces.zip bad.png --rejects /dev/stderr >/dev/null; echo ended; } >>cron.log 2>&1'
  [ "$(sed -n 1,4p cron.log)" = "$(printf 'before\nbegun\npicture\treason\nbad.png\t')'bad.png' is not a PNG or JPEG picture" ]
  [ "$(tail -n 1 cron.log)" = ended ]
  fails 2 "'st.npy' is where stdout or stderr go: name another output" bash -c 'celeba-crop -q -k faces.zip bad.png --rejects st.npy >st.npy'
  fails 1 "cannot create '/dev/stdout': HDF5 needs a regular file" bash -c 'pack-h5 -q -o /dev/stdout faces.npy >st.h5'
}

@test "networks and scores" {
  "$PYTHON" "$PGAN_TESTS/network.py" net.h5 "$golden/step_s1_b8_a060.h5"
  ln -s net.h5 link.h5
  keeps net.h5 pgan-sample -n 2 link.h5 -o net.h5
  "$PYTHON" -c 'import h5py, numpy as np; n = h5py.File("net.h5")["avgG/formatLayer.module.weight"].shape[1]; np.save("z.npy", np.zeros((2, n), "f4"))'
  keeps z.npy pgan-sample --latents z.npy net.h5 -o z.npy
  keeps data.h5 swd --ref data.h5 --save-ref data.h5
}

@test "the trainer says so before it trains" {
  local tiny=(--set alphaNJumps=2 --set alphaSizeJumps=2 --set 'depthScales=8,8' --set dimLatentVector=8 --set previewImages=0)
  keeps data.h5 pgan-grow -q --restart --data data.h5 --scale 0 -o data.h5 "${tiny[@]}" -n 100000000 -b 4
  echo '{"baseLearningRate": 0.002}' >config.json
  keeps config.json pgan-grow -q --restart --data data.h5 --scale 0 -o config.json --config config.json "${tiny[@]}" -n 100000000 -b 4
  cp config.json y.log
  keeps y.log pgan-grow -q --data data.h5 --scale 0 -o y.h5 --config y.log "${tiny[@]}" -n 1 -b 4
  mv y.log y.ckpt
  keeps y.ckpt pgan-grow -q --data data.h5 --scale 0 -o y.h5 --config y.ckpt "${tiny[@]}" -n 1 -b 4
  pgan-grow -q --data data.h5 --scale 0 -o scale0.h5 "${tiny[@]}" -n 1 -b 4
  keeps scale0.h5 pgan-grow -q --restart --data data.h5 --scale 1 --from scale0.h5 -o scale0.h5 "${tiny[@]}" -n 100000000 -b 4
}

@test "HDF5 into a pipe or a device is refused in one line" {
  "$PYTHON" "$PGAN_TESTS/network.py" net.h5 "$golden/step_s1_b8_a060.h5"
  npy 6,3,128,128 uint8 >x.npy
  mkfifo fifo.h5
  ln -s /dev/null null.h5
  for out in fifo.h5 null.h5; do
    fails 1 "cannot create '$out': HDF5 needs a regular file" pgan-sample -q net.h5 -n 2 -o $out
    fails 1 "cannot create '$out': HDF5 needs a regular file" pack-h5 -q -o $out faces.npy
    fails 1 "cannot create '$out': HDF5 needs a regular file" swd -q --ref x.npy --save-ref $out
  done
  [ -p fifo.h5 ]
  fails 3 "cannot open 'fifo.h5': HDF5 needs a regular file" timeout 20 pgan-sample -n 2 fifo.h5 # nobody writes to it
}

# closed COMMAND…: without a stdout it fails, and without any of the three streams, too.
closed() {
  local status=0
  "$@" </dev/null >&- 2>stderr.txt || status=$?
  if [ "$status" != 1 ] || [ "$(wc -l <stderr.txt)" != 1 ] || ! grep -q "cannot write.*stdout.*: \(Bad file descriptor\|an earlier write failed\)$" stderr.txt; then
    echo "'$*' without a stdout ended with $status and said:"
    cat stderr.txt
    return 1
  fi
  status=0
  "$@" <&- >&- 2>&- || status=$?
  [ "$status" = 1 ]
}

@test "a closed stdout is an error of whatever was to be written there, and takes no file's place" {
  "$PYTHON" "$PGAN_TESTS/network.py" net.h5 "$golden/step_s1_b8_a060.h5"
  for tool in celeba-crop pack-h5 pgan-grow pgan-sample laplacian-pyr swd msssim toy-faces; do
    closed $tool --version
    closed $tool --help
  done
  npy 6,3,128,128 uint8 >x.npy
  npy 6,3,128,128 uint8 'rng.integers(0, 200, shape)' >y.npy
  closed pgan-sample net.h5 -q -n 4
  closed celeba-crop -q --size 32 --center 89,121 faces.zip
  closed swd -q --json --ref x.npy y.npy -n 6
  closed msssim -q --pairs 2 x.npy
  closed laplacian-pyr -q --level 16 x.npy
  closed pgan-grow --print-config
  [ "$(pgan-sample net.h5 -q -n 1 -o a.npy <&- >&- 2>&-; echo $?)" = 0 ] # nothing to be written there
  pgan-sample net.h5 -q -n 1 | cmp - a.npy
  fails 3 "cannot read" bash -c 'exec pgan-sample net.h5 --latents - -n 1 -o b.npy <&-'
}

@test "'-' is stdout where a stream goes there, and refused by what needs a name" {
  celeba-crop -q -o - --size 32 --center 89,121 faces.zip | cmp - faces.npy
  laplacian-pyr -q --levels 2 faces.npy >levels.npy
  laplacian-pyr -q --levels 2 -o - faces.npy | cmp - levels.npy
  rm levels.npy
  fails 2 "'-': this output needs a name: it does not go to stdout" pack-h5 -o - faces.npy
  fails 2 "'-': this output needs a name" pack-h5 -o x.h5 --rejects - crops
  fails 2 "'-': this output needs a name" swd -q --ref data.h5 --save-ref -
  no_leftovers . crops data.h5 faces.npy faces.zip stderr.txt stdout.txt
}

@test "an empty name is no output" {
  fails 2 "the name of an output is empty" pack-h5 -o '' faces.npy
  fails 2 "the name of an output is empty" pgan-grow --data data.h5 --scale 0 -o ''
  fails 2 "the name of an output is empty" swd --ref faces.npy --save-ref ''
}

@test "a link to nothing is not replaced" {
  ln -s big/data.h5 link.h5
  fails 1 "cannot create 'link.h5': it is a link to a file that is not there" pack-h5 -o link.h5 faces.npy
  [ "$(readlink link.h5)" = big/data.h5 ]
  mkdir big
  touch big/data.h5
  pack-h5 -q -o link.h5 faces.npy
  [ -L link.h5 ]
  cmp big/data.h5 data.h5
}

@test "a temporary file does not go through a link that lies in its place" {
  echo precious >victim
  # The name that a process of this number will use.
  name=$(leftover x.h5) bash -c 'ln -s victim "${name%-*}-$$.tmp"; exec pack-h5 -q -o x.h5 faces.npy'
  [ "$(cat victim)" = precious ]
  [ ! -L x.h5 ]
  cmp x.h5 data.h5
}

@test "beyond a limit to the size of files it is said, and nothing is left" {
  mkdir limited
  for command in "pack-h5 -q -o limited/x.h5 faces.npy" "celeba-crop -q -o limited/ --size 128 faces.zip" "pack-h5 -q --unpack data.h5 -o limited/x.npy"; do
    fails 1 "File too large" bash -c "ulimit -f 1; exec $command"
    [[ $(cat stderr.txt) == *"'limited/"[!.]* ]]
    no_leftovers limited
  done
}

@test "an output's name that ends in a slash is refused before the work" {
  npy 2,3,8,8 u1 >a.npy
  fails 1 "cannot create 'x.h5/': that would be a folder" pack-h5 -o x.h5/ a.npy
  fails 1 "cannot create 'x.swd/': that would be a folder" swd --ref missing.npy --save-ref x.swd/
}
