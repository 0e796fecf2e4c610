#!/usr/bin/env bats
# What pgan-grow refuses: command lines, inputs that do not fit, and losses that are not finite.
bats_require_minimum_version 1.5.0
load common

@test "what is missing or wrong on the command line is said" {
  random_data 4 8 data.h5
  fails 2 "unknown option '--scael': did you mean '--scale'?" pgan-grow --scael 3
  fails 2 "--data is missing" pgan-grow --scale 0 -o x.h5
  fails 2 "-o is missing" pgan-grow --scale 0 --data data.h5
  fails 2 "--scale is missing" pgan-grow --data data.h5 -o x.h5
  fails 2 "scale 1 grows from the network of scale 0: give it with --from" pgan-grow --data data.h5 --scale 1 -o x.h5
  fails 2 "scale 0 starts from nothing: leave --from out" pgan-grow --data data.h5 --scale 0 --from y.h5 -o x.h5
  fails 2 "unexpected operand 'x'" pgan-grow x
  local step=$golden/step_s0_b8_a000.h5
  fails 2 "--output does not go with --verify" pgan-grow --verify "$step" -o x --record 3:y --dry-run
  fails 2 "--record does not go with --verify" pgan-grow --record 3:y --verify "$step"
  fails 2 "--seed does not go with --verify" pgan-grow --verify "$step" --seed 1 # the default, too
  fails 2 "--json goes with --verify and --print-config" grow 0 x.h5 --json
  fails 2 "--json goes with --verify and --print-config" grow 0 x.h5 --dry-run --json
  fails 2 "--print-config --json prints all scales: leave out --scale" grow 0 x.h5 --print-config --json
  fails 2 "--print-config and --dry-run do not go together" grow 0 x.h5 --print-config --dry-run
  fails 2 "unknown key 'lossMod': did you mean 'lossMode'?" grow 0 x.h5 --set lossMod=WGANGP
  fails 2 "lossMode takes one of WGANGP|Logistic|MSE|DCGAN, not \"Wasserstein\"" grow 0 x.h5 --set lossMode=Wasserstein
  fails 2 "--record takes K:FILE, not '5'" grow 0 x.h5 --record 5
  fails 2 "--record 5:x: there is no step after 5 iterations, only 5 are done" grow 0 x.h5 --record 5:x -n 5
  fails 2 "--batch takes a number from 1 to 4096" grow 0 x.h5 --batch 0
  fails 2 "--seed takes a number from 0 to 9007199254740991, not '9007199254740993'" grow 0 x.h5 --seed 9007199254740993 # as in pgan-sample
  fails 2 "--seed takes a number from 0 to 9007199254740991" pgan-sample --seed 9007199254740992 x.h5
  fails 2 "unknown device 'gpu'" grow 0 x.h5 --device gpu
  fails 2 "--profile takes one of zoo|paddle|karras, not 'kerras'" pgan-grow --profile kerras
  fails 2 "--profile takes one of zoo|paddle|karras, not 'zoo|paddle'" pgan-grow --profile 'zoo|paddle'
  fails 2 "lossMode takes one of WGANGP|Logistic|MSE|DCGAN, not \"MSE|DCGAN\"" grow 0 x.h5 --set 'lossMode=MSE|DCGAN'
  fails 2 "reduceOnPlateau takes one of none|lossD|lossG, not \"lossD|lossG\"" grow 0 x.h5 --set 'reduceOnPlateau=lossD|lossG'
  echo '{"lamdaGP": 3}' >c.json
  fails 3 "'c.json': unknown key 'lamdaGP': did you mean 'lambdaGP'?" grow 0 x.h5 --config c.json
  no_leftovers . data.h5 c.json stdout.txt stderr.txt
}

@test "a data set that is missing, damaged, grey, or without the resolution is refused" {
  fails 3 "cannot open 'data.h5': No such file or directory" grow 0 x.h5
  echo text >data.h5
  fails 3 "'data.h5' is not an HDF5 file" grow 0 x.h5
  random_data 40 16 whole.h5
  head -c 20000 whole.h5 >data.h5
  fails 3 "data.h5" grow 0 x.h5
  "$PYTHON" -c 'import h5py; h5py.File("data.h5", "w")["data4x4"] = [[[[1] * 4] * 4]] * 3'
  fails 3 "data.h5" grow 0 x.h5
  random_data 4 4 data.h5
  grow 0 scale0.h5 -n 1 -b 2
  fails 3 "'data.h5' has no pictures of 8x8" grow 1 x.h5
  no_leftovers . data.h5 whole.h5 scale0.h5 scale0.log stdout.txt stderr.txt
}

@test "a network that does not fit is refused with the reason" {
  random_data 4 16 data.h5
  grow 0 scale0.h5 -n 1 -b 2
  grow 1 scale1.h5 -n 1 -b 2
  try() { pgan-grow -q --data data.h5 --scale "$1" --from "$2" -o x.h5 --threads 1 -n 1 -b 2 "${@:3}"; }
  fails 2 "'scale0.h5' is of scale 0; scale 2 grows from scale 1" try 2 scale0.h5
  fails 2 "'scale0.h5' has 8 channels at scale 0, not 512 (depthScales)" try 1 scale0.h5
  fails 2 "'scale0.h5' has latents of 8 values, not 9 (dimLatentVector)" try 1 scale0.h5 --set depthScales=8,8 --set dimLatentVector=9
  fails 2 "'scale0.h5' has the profile zoo, not karras" try 1 scale0.h5 "${tiny[@]}" --profile karras
  fails 2 "'scale0.h5' differs in leakyness" try 1 scale0.h5 "${tiny[@]}" --set leakyness=0.1
  fails 3 "'data.h5' is not a network of pgan" try 1 data.h5 "${tiny[@]}"
  fails 3 "cannot open 'none.h5': No such file or directory" try 1 none.h5 "${tiny[@]}"
  head -c 9000 scale0.h5 >short.h5
  fails 3 "short.h5" try 1 short.h5 "${tiny[@]}"
  [ ! -e x.h5 ]
}

@test "losses that are not finite stop the run, and no checkpoint of them is written" {
  random_data 8 8 data.h5
  grow 0 scale0.h5 -n 1 -b 4 --set perChannelNormalization=false
  "$PYTHON" -c 'import h5py; h5py.File("scale0.h5", "r+")["G/formatLayer.module.weight"][...] = 1e38'
  fails 1 "the losses have not been finite for 9 iterations, up to 9; no state before that was saved" \
    grow 1 x.h5 -n 400 -b 4 --set perChannelNormalization=false --set evalIter=3 --set saveIter=2
  [ "$(tail -n 1 x.log | cut -f 19)" -gt 0 ]
  cut -f 6 x.log | grep -qx nan
  run ! grep -q -e -nan x.log
  no_leftovers . data.h5 scale0.h5 scale0.log x.log stdout.txt stderr.txt
}

@test "a run that ends with losses that are not finite has no result, and keeps its last checkpoint" {
  random_data 8 4 data.h5
  raw=(-b 4 --set perChannelNormalization=false)
  stopped x.h5 -q --data data.h5 --scale 0 "${tiny[@]}" "${raw[@]}" -n 1000000 || true
  done=$("$PYTHON" -c 'import h5py; f = h5py.File("x.ckpt", "r+"); f["G/formatLayer.module.weight"][...] = 1e38; print(f.attrs["iterations"])')
  cp x.ckpt before.ckpt
  fails 1 "the losses have not been finite for 5 iterations, up to $((done + 5)); the last state before that is 'x.ckpt'" \
    pgan-grow -q --force --data data.h5 --scale 0 -o x.h5 "${tiny[@]}" "${raw[@]}" -n "$((done + 5))" --set evalIter=10
  cmp x.ckpt before.ckpt
  rm x.ckpt before.ckpt
  grow 0 scale0.h5 -n 1 "${raw[@]}"
  "$PYTHON" -c 'import h5py; h5py.File("scale0.h5", "r+")["G/formatLayer.module.weight"][...] = 1e38'
  fails 1 "the losses have not been finite for 5 iterations, up to 5; no state before that was saved" \
    pgan-grow -q --data data.h5 --scale 0 --init-from scale0.h5 -o y.h5 "${tiny[@]}" "${raw[@]}" -n 5 --set evalIter=10
  no_leftovers . data.h5 scale0.h5 scale0.log x.log y.log stdout.txt stderr.txt
}

@test "networks with parameters that are not finite are refused by name" {
  random_data 8 8 data.h5
  grow 0 scale0.h5 -n 1 -b 4
  cp scale0.h5 whole.h5
  "$PYTHON" -c 'import h5py; f = h5py.File("scale0.h5", "r+"); f["D/decisionLayer.module.bias"][...] = float("inf"); f["avgG/formatLayer.module.weight"][1, 2] = float("nan")'
  fails 3 "'scale0.h5': '/D/decisionLayer.module.bias' has 1 values that are not finite" pgan-grow --data data.h5 --scale 0 --init-from scale0.h5 -o x.h5 "${tiny[@]}" -n 20
  fails 3 "'scale0.h5': '/D/decisionLayer.module.bias' has 1 values that are not finite" grow 1 x.h5 -n 20
  fails 3 "'scale0.h5': '/avgG/formatLayer.module.weight' has 1 values that are not finite" pgan-sample -q scale0.h5 -o x.npy
  no_leftovers . data.h5 scale0.h5 scale0.log whole.h5 stdout.txt stderr.txt
}

@test "a full disk and a folder that is not there fail in one line" {
  random_data 8 4 data.h5
  fails 1 "cannot create 'nowhere/x.log': No such file or directory" grow 0 nowhere/x.h5 -n 1 -b 2
  run pipe 'pgan-grow --print-config >/dev/full'
  [ "$status" = 1 ]
  [[ "$output" == *"cannot write to stdout: No space left on device"* ]]
  full_disk
  status=0
  fails 1 "full/x.h5': No space left on device" grow 0 full/x.h5 -n 1 -b 2 --set dimLatentVector=512 || status=$?
  ls -A full >left
  full_disk_end
  [ "$status" = 0 ]
  [ "$(cat left)" = x.log ]
}
