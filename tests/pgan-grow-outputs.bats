#!/usr/bin/env bats
# What pgan-grow writes beside its output: what it removes of earlier runs, what it refuses to write over, and what it says before.
bats_require_minimum_version 1.5.0
load common

tiny=(--set "depthScales=8,8" --set dimLatentVector=8 --set previewImages=0 --threads 1)

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  npy 20,3,4,4 uint8 | pack-h5 -q -o data.h5
}

@test "a log that is no regular file is refused, and a reader of stderr that goes away ends no training" {
  mkfifo pipe.log
  fails 1 "cannot create 'pipe.log': the log is a regular file, and this is none" grow 0 pipe.h5 -n 5 -b 4
  [ ! -e pipe.h5 ]
  # `grow … >a.log` would have both write one file.
  fails 2 "'a.log' is where stdout or stderr go: name another output" bash -c 'exec 2> >(cat >&2); exec "$@" >a.log' - pgan-grow --data data.h5 --scale 0 "${tiny[@]}" -n 5 -b 4 -o a.h5
  [ ! -e a.h5 ]
  pgan-grow -v --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 20 -b 4 2> >(exec 0<&-; exec sleep 2)
  [ -e a.h5 ]
}

@test "a run that begins anew removes the networks that an earlier one kept, and nothing else" {
  local others=(a_i2x.h5 a_i.h5 a_i2.h5.old a_i2 aa_i2.h5 A_i2.h5 a_i-2.h5)
  touch "${others[@]}"
  for again in --restart --replace none; do
    rm -f a.h5
    grow 0 a.h5 -n 7 -b 4 --restart --set saveIter=2
    [ -e a_i2.h5 ]
    [ -e a_i4.h5 ]
    [ -e a_i6.h5 ]
    if [ $again = none ]; then
      rm a.h5
      grow 0 a.h5 -n 8 -b 4 --set saveIter=3
    else
      pgan-grow --data data.h5 --scale 0 -o a.h5 "${tiny[@]}" -n 8 -b 4 --set saveIter=3 $again 2>said.txt
      grep -qF "3 kept networks of an earlier run are removed: 'a_i….h5'" said.txt
      rm said.txt
    fi
    no_leftovers . data.h5 a.h5 a.log a_i3.h5 a_i6.h5 "${others[@]}"
    rm a_i?.h5
  done
  mkdir elsewhere
  touch elsewhere/x_i1.h5 x_i1.h5
  grow 0 elsewhere/x.h5 -n 1 -b 4 --restart
  [ ! -e elsewhere/x_i1.h5 ]
  [ -e x_i1.h5 ]
  cp a.h5 a_i5.h5
  fails 2 "'a_i5.h5' is read and would be written over: name another output" grow 0 a.h5 -n 8 -b 4 --restart --init-from a_i5.h5
  cmp a.h5 a_i5.h5
}

@test "networks of other runs that are named like kept ones are left alone" {
  grow 0 a_i0.h5 -n 2 -b 4
  cp a_i0.h5 before
  fails 2 "'a_i….h5' is there, as this run keeps its networks, and no log of it" grow 0 a.h5 -n 2 -b 4
  cmp before a_i0.h5
  no_leftovers . before data.h5 a_i0.h5 a_i0.log stderr.txt stdout.txt
  grow 0 a.h5 -n 2 -b 4 --restart
  [ ! -e a_i0.h5 ]
}

@test "FIFOs are no networks, and are not waited for" {
  mkfifo fifo.h5 b.ckpt
  fails 3 "cannot open 'fifo.h5': HDF5 needs a regular file" timeout 60 pgan-grow -q --data data.h5 --scale 0 -o fifo.h5 "${tiny[@]}" -n 2 -b 4
  fails 3 "cannot open 'b.ckpt': HDF5 needs a regular file" timeout 60 pgan-grow -q --data data.h5 --scale 0 -o b.h5 "${tiny[@]}" -n 2 -b 4
  no_leftovers . b.ckpt data.h5 fifo.h5 stderr.txt stdout.txt
}

@test "a save that fails leaves the networks that were kept" {
  pgan-grow -q --data data.h5 --scale 0 "${tiny[@]}" --set saveIter=2 --keep 1 -b 4 -n 1000000 -o a.h5 3>&- &
  until ls a_i*.h5 >before 2>&1; do kill -0 $!; sleep .01; done
  kill $!
  wait $! || true
  ls a_i*.h5 >before
  [ "$(wc -l <before)" = 1 ]
  fails 1 "File too large" bash -c 'ulimit -f 16; exec "$@"' - pgan-grow -q --data data.h5 --scale 0 "${tiny[@]}" --set saveIter=2 --keep 1 -b 4 -n 1000000 -o a.h5
  ls a_i*.h5 | diff before -
}

@test "a record takes the place of no other file of the run, and no other record" {
  grow 0 y.h5 -n 9 -b 4 --set saveIter=2
  mkdir before
  cp -p data.h5 y* before
  for taken in y.h5 y.log y.ckpt y_i4.h5 y_i100.h5 "$PWD/y.log" ./y_i6.h5; do
    fails 2 "--record 5:$taken: the run itself writes a file of this name: give another" grow 0 y.h5 -n 9 -b 4 --restart --record "5:$taken"
  done
  fails 2 "'data.h5' is read and would be written over" grow 0 y.h5 -n 9 -b 4 --restart --record 5:data.h5
  fails 2 "--record 5:r.h5: this step is recorded in 'q.h5' already" grow 0 y.h5 -n 9 -b 4 --restart --record 5:q.h5 --record 5:r.h5
  fails 2 "--record 6:./q.h5: the file is that of the step after 5 iterations already" grow 0 y.h5 -n 9 -b 4 --restart --record 5:q.h5 --record 6:./q.h5
  for file in before/*; do cmp "$file" "${file#before/}"; done
  [ ! -e q.h5 ]
  [ ! -e r.h5 ]
}

@test "a signal ends it at once while it still reads the images, and leaves nothing" {
  # Pictures that nobody wrote need no disk, but are read like any others: 200 GB would take minutes.
  "$PYTHON" -c 'import h5py; h5py.File("large.h5", "w").create_dataset("data256x256", (1000000, 3, 256, 256), "u1")'
  "$PYTHON" "$PGAN_TESTS/network.py" net.h5 6 8,8,8,8,8,8,8 8
  for signal in TERM HUP; do
    pgan-grow --data large.h5 --scale 6 --init-from net.h5 -o a.h5 "${tiny[@]}" --set "depthScales=8,8,8,8,8,8,8" 2>said.txt 3>&- &
    until [ "$(find /proc/$!/fd -lname '*/large.h5')" ]; do kill -0 $!; sleep .005; done
    sleep .1
    kill -s $signal $!
    status=0
    wait $! || status=$?
    [ "$status" = "$((128 + $(kill -l $signal)))" ]
    [ ! -s said.txt ]
    rm said.txt
    no_leftovers . data.h5 large.h5 net.h5
  done
}

@test "--dry-run says of which scales the data set has no pictures, if there is one" {
  local dry=(pgan-grow --dry-run --set "depthScales=8,8,8" --set dimLatentVector=8 -b 4 --threads 1)
  npy 20,3,8,8 uint8 | pack-h5 -q -o data8.h5
  "${dry[@]}" --data data8.h5 >table
  grep -qE "^ +2 +16 .*  no such pictures in the data set$" table
  [ "$(grep -c 'no such pictures' table)" = 1 ]
  # What cannot be trained is neither measured nor counted, and is no failure.
  "${dry[@]}" --data data8.h5 --set 'maxIterAtScale=[10,20,30]' --set 'depthScales=[8,8,8192]' >table
  grep -q "^in all: 120 images, " table
  grep -qE "^ +2 +16 .* - +no such pictures in the data set$" table
  "${dry[@]}" >table
  [ "$(grep -c 'no such pictures' table)" = 0 ]
  fails 3 "cannot open 'none.h5': No such file or directory" "${dry[@]}" --data none.h5
}

@test "an output that is a folder is refused before anything is trained" {
  mkdir folder a.ckpt b_i3.h5 c.rec
  fails 1 "cannot create 'folder': it is a folder" grow 0 folder -n 5 -b 4 --restart
  fails 1 "cannot create 'a.ckpt': it is a folder" grow 0 a.h5 -n 5 -b 4 --restart
  fails 1 "cannot create 'b_i3.h5': it is a folder" grow 0 b.h5 -n 5 -b 4 --restart
  fails 1 "cannot create 'c.rec': it is a folder" grow 0 c.h5 -n 5 -b 4 --record 2:c.rec
  no_leftovers . data.h5 folder a.ckpt b_i3.h5 c.rec stderr.txt stdout.txt
}

@test "a fade that does not come to its end is told, and a rounding error of alpha is none" {
  npy 20,3,8,8 uint8 | pack-h5 -q -o data.h5
  grow 0 scale0.h5 -n 2 -b 4
  fade() { pgan-grow --data data.h5 --scale 1 --set alphaSizeJumps=1 -b 4 "${tiny[@]}" "$@" 2>&1; }
  # Six subtractions of 1/6 leave 1.7e-16 of 1.
  [ "$(fade --from scale0.h5 --set alphaNJumps=6 -n 7 -o whole.h5)" = "" ]
  [ "$(tail -n 1 whole.log | cut -f 4)" != 0 ]
  [ "$(fade --from scale0.h5 --set alphaNJumps=8 -n 5 -o part.h5)" = "pgan-grow: the new layers will not be faded in to the end: after 5 iterations alpha is still 0.5" ]
  [ "$(fade --init-from whole.h5 --set alphaNJumps=0 -n 1 -o a.h5)" = "" ]
  [ "$(fade --init-from part.h5 --set alphaNJumps=0 -n 1 -o b.h5)" = "pgan-grow: 'part.h5' was saved while its own layers were still fading in (alpha 0.5)" ]
}

@test "--keep N on going on keeps no more of the saves before" {
  random_data 8 4 data.h5
  saving=(-q --data data.h5 --scale 0 "${tiny[@]}" -b 4 -n 1000000 --set saveIter=3)
  stopped a.h5 "${saving[@]}" || true
  cp a.ckpt a_i2.h5 # of a saveIter of its own
  stopped a.h5 "${saving[@]}" --keep 1 || true
  until [ "$(find . -name 'a_i*.h5' | wc -l)" = 1 ] && [ ! -e a_i2.h5 ]; do
    stopped a.h5 "${saving[@]}" --keep 1 || true # no save in so short a time
    [ $((++n)) -lt 20 ]
  done
}
