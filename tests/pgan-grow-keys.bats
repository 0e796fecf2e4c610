#!/usr/bin/env bats
# Every key of the reference changes in the training what it says.
bats_require_minimum_version 1.5.0
load common

setup_file() {
  cd "$BATS_FILE_TMPDIR" || return 1
  random_data 20 8 data.h5
  train 0 scale0.h5
  train 1 base.h5 --from scale0.h5
}

# train SCALE OUT OPTION…: four steps, each with a row in the log. Later --set replace earlier ones.
train() {
  local scale=$1 out=$2
  shift 2
  pgan-grow -q --data "$BATS_FILE_TMPDIR/data.h5" --scale "$scale" -o "$out" --set depthScales=8,8 --set dimLatentVector=8 --set previewImages=0 --threads 1 \
    --set evalIter=1 --set maxIterAtScale=4 --set miniBatchSize=4 --set alphaNJumps=0,2 --set alphaSizeJumps=0,1 "$@"
}

# One step of scale 1 after another from the same scale 0, with a key set; start: without a step.
grow() { train 1 "$1" --from "$BATS_FILE_TMPDIR/scale0.h5" "${@:2}"; }
anew() { train 0 "$@"; }

# column NAME FILE: the values of a log's column, a line.
column() {
  "$PYTHON" - "$@" <<'PY'
import sys
rows = [line.rstrip('\n').split('\t') for line in open(sys.argv[2])]
print(*(r[rows[0].index(sys.argv[1])] for r in rows[1:]))
PY
}

# networks A B EXPRESSION: holds of two files a and b; w(file, 'G/…') is a parameter.
networks() {
  "$PYTHON" - "$@" <<'PY'
import sys, h5py, numpy as np
a, b = (h5py.File(f) for f in sys.argv[1:3])
w = lambda f, name: f[name][:]
differs = lambda net: any(not np.array_equal(a[net][n][:], b[net][n][:]) for n in a[net])
assert eval(sys.argv[3]), sys.argv[3]
PY
}

base() { echo "$BATS_FILE_TMPDIR/base.$1"; }

@test "the networks: depthScales, dimLatentVector, miniBatchStdDev, leakyness, perChannelNormalization" {
  anew a.h5 --set depthScales=9,7 --set dimLatentVector=6
  networks a.h5 a.h5 "w(a, 'G/formatLayer.module.weight').shape == (144, 6) and w(a, 'D/groupScaleZero.0.module.weight').shape == (9, 10, 3, 3)"
  anew b.h5 --set miniBatchStdDev=false
  networks b.h5 b.h5 "w(a, 'D/groupScaleZero.0.module.weight').shape == (8, 8, 3, 3)"
  for key in leakyness=0.5 perChannelNormalization=false; do
    anew c.h5 --restart --set "$key"
    networks c.h5 "$BATS_FILE_TMPDIR/scale0.h5" "differs('G') and differs('D')"
  done
}

@test "the start: equalizedlR and initBiasToZero" {
  anew a.h5 --set equalizedlR=false -n 0
  networks a.h5 a.h5 "abs(w(a, 'G/groupScale0.0.module.weight')).max() <= 72 ** -.5 and w(a, 'G/groupScale0.0.module.weight').max() > .9 * 72 ** -.5 and w(a, 'G/groupScale0.0.module.weight').min() < -.9 * 72 ** -.5"
  networks a.h5 a.h5 "not any(w(a, f'{n}/{p}').any() for n in ('G', 'D') for p in a[n] if p.endswith('bias'))"
  anew b.h5 --set equalizedlR=false --set initBiasToZero=false -n 0
  networks b.h5 b.h5 "all(w(a, f'{n}/{p}').any() and abs(w(a, f'{n}/{p}')).max() < 3 ** -.5 for n in ('G', 'D') for p in a[n] if p.endswith('bias'))"
  anew c.h5 -n 0
  networks c.h5 c.h5 "abs(w(a, 'G/groupScale0.0.module.weight')).max() > 2"
}

@test "the schedule: maxIterAtScale, alphaNJumps, alphaSizeJumps, alphaJumpMode, iterAlphaJump, alphaJumpVals" {
  [ "$(column alpha "$(base log)")" = "1 0.5 0 0" ]
  grow a.h5 --set maxIterAtScale=9,6
  [ "$(column iteration a.log)" = "1 2 3 4 5 6" ]
  grow b.h5 --set alphaNJumps=0,4 --set maxIterAtScale=6
  [ "$(column alpha b.log)" = "1 0.75 0.5 0.25 0 0" ]
  grow c.h5 --set alphaSizeJumps=0,2 --set maxIterAtScale=6
  [ "$(column alpha c.log)" = "1 1 0.5 0.5 0 0" ]
  grow d.h5 --set alphaJumpMode=custom --set 'iterAlphaJump=[[],[0,1,3]]' --set 'alphaJumpVals=[[],[0.9,0.4,0]]'
  [ "$(column alpha d.log)" = "0.9 0.4 0.4 0" ]
}

@test "batches and rates: miniBatchSize, miniBatchScheduler, configScheduler, baseLearningRate" {
  grow a.h5 --set miniBatchSize=3
  [ "$(column images a.log)" = "3 6 9 12" ]
  grow b.h5 --set 'miniBatchScheduler={"0": 5, "1": 2}'
  [ "$(column images b.log)" = "2 4 6 8" ]
  grow c.h5 --set 'configScheduler={"0": {"baseLearningRate": 0.5, "epsilonD": 0}, "2": {"lambdaGP": 0}}'
  [ "$(column lr c.log)" = "0.5 0.5 0.5 0.5" ]
  [ "$(column lossD_Epsilon c.log)" = "0 0 0 0" ]
  [ "$(column lossD_Grad c.log | grep -c '^0')" = 0 ]
  grow d.h5 --lr 0
  networks d.h5 "$(base h5)" "differs('G') and differs('D')"
  grow e.h5 -n 0
  networks d.h5 e.h5 "not differs('G') and not differs('D')" # a rate of 0 changes nothing
}

@test "the losses: lossMode, lambdaGP, epsilonD, logisticGradReal, GDPP" {
  # Of the first step, where all start from the same networks: WGANGP, softplus, squares of a probability, and tanh where the source has it.
  first() { column "$1" "$2" | cut -d ' ' -f 1; }
  for mode in Logistic MSE DCGAN; do anew "$mode.h5" --set lossMode="$mode" --set lambdaGP=0; done
  [ "$(first lossD_real Logistic.log)" = "$(first lossD_real DCGAN.log)" ]
  [ "$(first lossD_fake Logistic.log)" != "$(first lossD_fake DCGAN.log)" ]
  "$PYTHON" -c "import sys; a, b, c = map(float, sys.argv[1:]); assert a != b and 0 <= c <= 1 and b > 0" \
    "$(first lossD_real "$BATS_FILE_TMPDIR/scale0.log")" "$(first lossD_real Logistic.log)" "$(first lossD_real MSE.log)"
  [ "$(column lossD_Grad MSE.log)" = "0 0 0 0" ]
  anew five.h5 --set lambdaGP=5
  "$PYTHON" -c "import sys; a, b = map(float, sys.argv[1:]); assert abs(a / b - 2) < 1e-4" "$(first lossD_Grad "$BATS_FILE_TMPDIR/scale0.log")" "$(first lossD_Grad five.log)"
  anew drift.h5 --set epsilonD=0.003
  "$PYTHON" -c "import sys; a, b = map(float, sys.argv[1:]); assert abs(b / a - 3) < 1e-4" "$(first lossD_Epsilon "$BATS_FILE_TMPDIR/scale0.log")" "$(first lossD_Epsilon drift.log)"
  anew r1.h5 --set lossMode=Logistic --set lambdaGP=0 --set logisticGradReal=0.5
  # 0.5 |g|^2, a mean; gradient_x is the mean of |g|.
  "$PYTHON" -c "import sys; p, g = map(float, sys.argv[1:]); assert p >= .5 * g * g * .999 and p < 2 * g * g" "$(first lossD_Grad r1.log)" "$(first gradient_x r1.log)"
  anew gdpp.h5 --set GDPP=true
  [ "$(first lossG_GDPP "$BATS_FILE_TMPDIR/scale0.log")" = 0 ]
  "$PYTHON" -c "import sys; assert float(sys.argv[1]) < 0" "$(first lossG_GDPP gdpp.log)"
}

@test "a checkpoint after checkpointMinutes, however rare the saves are" {
  pgan-grow -q --data "$BATS_FILE_TMPDIR/data.h5" --scale 0 -o a.h5 --set depthScales=8,8 --set dimLatentVector=8 --set previewImages=0 --threads 1 \
    --set checkpointMinutes=0.01 -n 1000000 -b 4 &
  for _ in $(seq 3000); do # half a minute, where a hundredth of one is asked for
    if [ -e a.ckpt ]; then break; fi
    sleep .01
  done
  [ -e a.ckpt ]
  kill $!
  wait $! || true
}

@test "a network's own attribute config makes it again" {
  cd "$BATS_TEST_TMPDIR" || return 1
  grow made.h5 --set lossMode=Logistic --set lambdaGP=0 --set logisticGradReal=2 --lr 0.002 --set emaHalfLife=20
  grow images.h5 --set maxImagesAtScale=20 --set depthScales=8,8,8
  for net in made images; do
    "$PYTHON" -c 'import h5py, sys; sys.stdout.buffer.write(bytes(h5py.File(sys.argv[1]).attrs["config"]))' "$net.h5" >config.json
    pgan-grow -q --data "$BATS_FILE_TMPDIR/data.h5" --scale 1 --from "$BATS_FILE_TMPDIR/scale0.h5" -o again.h5 --config config.json --threads 1 --set previewImages=0 --restart
    h5diff again.h5 "$net.h5" /G /G
    h5diff again.h5 "$net.h5" /D /D
    h5diff again.h5 "$net.h5" /avgG /avgG
  done
}
