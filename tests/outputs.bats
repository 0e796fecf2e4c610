#!/usr/bin/env bats
# No output takes the place of an input, by whatever name: every tool refuses, and the input is what it was.
# shellcheck disable=SC2154 # golden is set by common.bash

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
  cd "$BATS_FILE_TMPDIR"
  toy-faces -q -n 8 -o faces.zip
  celeba-crop -q -o crops/ --size 32 --center 89,121 faces.zip
  celeba-crop -q --size 32 --center 89,121 faces.zip >faces.npy
  pack-h5 -q -o data.h5 faces.npy
}

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  cp -r "$BATS_FILE_TMPDIR"/{faces.zip,crops,faces.npy,data.h5} .
}

@test "pictures and data sets" {
  keeps crops celeba-crop -q -o crops/ crops
  keeps faces.zip pack-h5 -o faces.zip faces.zip
  keeps data.h5 pack-h5 -o data.h5 --limit 2 data.h5
  ln data.h5 same.h5
  keeps data.h5 pack-h5 -o same.h5 --limit 2 data.h5
  keeps crops/000001.png pack-h5 -o other.h5 --rejects crops/000001.png crops/000001.png crops/000002.png
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
  pgan-grow -q --data data.h5 --scale 0 -o scale0.h5 "${tiny[@]}" -n 1 -b 4
  keeps scale0.h5 pgan-grow -q --restart --data data.h5 --scale 1 --from scale0.h5 -o scale0.h5 "${tiny[@]}" -n 100000000 -b 4
}
