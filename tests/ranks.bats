#!/usr/bin/env bats
# pgan-grow in several processes: they train like one with the whole batch, end together, and go on to the same bytes.
bats_require_minimum_version 1.5.0
load common

setup_file() {
  random_data 40 16 "$BATS_FILE_TMPDIR/data.h5"
}

data() {
  ln -sf "$BATS_FILE_TMPDIR/data.h5" data.h5
}

# One thread, so that the bytes are those of any machine.
tiny=(--data data.h5 --set "depthScales=8,8,8" --set dimLatentVector=8 --set previewImages=0 --threads 1 --set evalIter=1 --set alphaNJumps=2
  --set alphaSizeJumps=2)

# grow SCALE OUT OPTION…: a quiet run of six iterations, of which four fade, from scale(SCALE-1).h5.
grow() {
  local scale=$1 out=$2 from=()
  shift 2
  if [ "$scale" != 0 ]; then from=(--from "scale$((scale - 1)).h5"); fi
  pgan-grow -q --scale "$scale" "${from[@]}" -o "$out" "${tiny[@]}" -b 16 -n 6 "$@"
}

# same_networks A.h5 B.h5 MEDIAN WORST: errors of the tensors at most these, and the same logs beside them, but for the time. An error is that of
# tests/golden/README.md: |difference| / max(|tensor|, 1e-3 * |all of that network|).
same_networks() {
  "$PYTHON" - "$@" <<'PY'
import sys, h5py, numpy as np
a, b = h5py.File(sys.argv[1]), h5py.File(sys.argv[2])
errors = {}
for net in 'G', 'avgG', 'D':
    tensors = {name: (x[()].astype('f8'), b[net][name][()].astype('f8')) for name, x in a[net].items()}
    least = 1e-3 * sum(np.linalg.norm(x) ** 2 for x, _ in tensors.values()) ** .5
    errors |= {f'{net}/{name}': np.linalg.norm(x - y) / max(np.linalg.norm(x), least) for name, (x, y) in tensors.items()}
values = sorted(errors.values())
assert len(values) >= 20
assert values[len(values) // 2] <= float(sys.argv[3]) and values[-1] <= float(sys.argv[4]), sorted(errors.items(), key=lambda x: -x[1])[:5]
read = lambda path: np.genfromtxt(path.replace('.h5', '.log'), names=True)
a, b = read(sys.argv[1]), read(sys.argv[2])
for name in set(a.dtype.names) - {'seconds', 'images_per_second', 'swd', 'msssim'}:
    scale = abs(a[name]) if name not in ('lossD', 'lossG_fake', 'lossG') else sum(abs(a[term]) for term in ('lossD_real', 'lossD_fake', 'lossD_Grad', 'lossG_fake'))
    assert (abs(a[name] - b[name]) <= max(1e-4, float(sys.argv[4])) * scale + 1e-12).all(), (name, a[name], b[name])
PY
}

# The loops of `plain` have their sums in double, so that what is left is the rounding of each rank's part. `cpu` sums in float32, in an order that follows the
# number of samples; then a unit at the kink of the leaky ReLU can fall to the other side (here the penalty of one step moves by 1.4e-3, with the scores equal to
# 1e-6), and the tensors that it is in move with it. Half of the tensors have to agree all the same.
@test "2 and 4 processes train like one with the whole batch: every profile, scale, in and out of a fade" {
  data
  for profile in zoo paddle karras; do
    for scale in 0 1 2; do
      if [ "$scale" = 2 ] && [ -n "${PGAN_QUICK-}" ]; then continue; fi
      grow $scale scale$scale.h5 -p $profile --device plain --restart
      for ranks in 2 4; do
        grow $scale ranks.h5 -p $profile --device plain --restart --ranks $ranks
        same_networks scale$scale.h5 ranks.h5 1e-5 1e-5
      done
      grow $scale cpu1.h5 -p $profile --device cpu --restart
      grow $scale cpu2.h5 -p $profile --device cpu --restart --ranks 2
      same_networks cpu1.h5 cpu2.h5 1e-5 5e-3
    done
  done
}

@test "so they do with every loss, mirrored images, a plateau, and what looks at the whole batch" {
  data
  local kind n=0
  for kind in "lossMode=Logistic lambdaGP=0 logisticGradReal=0.5 penaltyEvery=2 epsilonD=0 mirrorAugment=true emaHalfLife=1000 emaRampup=0.05" \
    "GDPP=true" "lossMode=MSE mirrorAugment=true" "reduceOnPlateau=lossD plateauPatience=1" "miniBatchStdDev=false"; do
    local sets=()
    for key in $kind; do sets+=(--set "$key"); done
    for profile in zoo karras; do
      grow 0 one.h5 -p $profile --device plain --restart "${sets[@]}"
      grow 0 two.h5 -p $profile --device plain --restart "${sets[@]}" --ranks 2
      same_networks one.h5 two.h5 1e-5 1e-5
      n=$((n + 1))
    done
  done
  [ $n = 10 ]
}

@test "and with labels, each value weighted by how rare it is in the whole batch" {
  "$PYTHON" - "$BATS_FILE_TMPDIR/data.h5" <<'PY'
import shutil, sys, h5py, numpy as np
shutil.copy(sys.argv[1], 'data.h5')
with h5py.File('data.h5', 'a') as f:
    n = np.arange(len(f['data4x4']))
    f['labels'] = np.stack([n % 3, n % 7 == 0], 1).astype('f4')
    f['labels'].attrs['names'] = 'one,other'
PY
  for profile in zoo karras; do
    local labels=(--set weightConditionD=1 --set weightConditionG=0.5 --set equalizeAttributes=true)
    grow 0 one.h5 -p $profile --device plain --restart "${labels[@]}" --record 3:one.rec
    grow 0 two.h5 -p $profile --device plain --restart "${labels[@]}" --record 3:two.rec --ranks 2
    same_networks one.h5 two.h5 1e-5 1e-5
    "$PYTHON" -c "
import h5py, numpy as np
a, b = h5py.File('one.rec')['iter0'], h5py.File('two.rec')['iter0']
for name in 'label_d', 'label_g', 'z_g':
    assert a[name][()].any() and np.array_equal(a[name][()], b[name][()]), name"
  done
}

@test "a recorded step has the whole batch's images and random numbers, bit by bit, and its gradients" {
  data
  grow 0 scale0.h5
  for profile in zoo karras; do
    grow 0 scale0.h5 -p $profile --restart --device plain
    grow 1 one.h5 -p $profile --restart --record 0:one.rec --device plain
    grow 1 two.h5 -p $profile --restart --record 0:two.rec --device plain --ranks 2
    "$PYTHON" - <<'PY'
import h5py, numpy as np
a, b = h5py.File('one.rec'), h5py.File('two.rec')
assert a.attrs['batch'] == b.attrs['batch'] == 16
for name in 'real', 'z_d', 'z_g', 'gp_mix', 'fake', 'score_real', 'score_fake', 'feature_real':
    assert np.array_equal(a['iter0/' + name][()], b['iter0/' + name][()]), name
PY
    pgan-grow --verify two.rec --device plain
  done
}

@test "the same ranks give the same bytes, however they are started" {
  data
  grow 0 here.h5 --ranks 2
  cp here.h5 expected.h5
  grow 0 here.h5 --restart --ranks 2
  cmp here.h5 expected.h5
  for how in file port OMPI_COMM_WORLD_RANK+OMPI_COMM_WORLD_SIZE PMI_RANK+PMI_SIZE SLURM_PROCID+SLURM_NTASKS; do
    local port
    port=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    for rank in 1 0; do
      case $how in
        file) env=() options=(--ranks 2 --rank "$rank" --rendezvous meet) ;;
        port) env=() options=(--ranks 2 --rank "$rank" "--rendezvous=127.0.0.1:$port") ;;
        *) env=("${how%+*}=$rank" "${how#*+}=2") options=() ;;
      esac
      env "${env[@]}" pgan-grow -q --scale 0 -o here.h5 "${tiny[@]}" -b 16 -n 6 --restart "${options[@]}" &
    done
    wait %1
    wait %2
    cmp here.h5 expected.h5
  done
  no_leftovers . data.h5 expected.h5 here.h5 here.log
}

@test "a script of sbatch is no rank, a job step is; --ranks 1 trains alone" {
  data
  grow 0 alone.h5
  SLURM_JOB_ID=7 SLURM_NTASKS=3 SLURM_PROCID=0 grow 0 script.h5
  cmp alone.h5 script.h5
  OMPI_COMM_WORLD_SIZE=3 OMPI_COMM_WORLD_RANK=1 grow 0 one.h5 --ranks 1
  cmp alone.h5 one.h5
  OMPI_COMM_WORLD_SIZE=1 OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_LOCAL_RANK=0 grow 0 one.h5 --rendezvous here
  export SLURM_JOB_ID=7 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=2 SLURM_NTASKS=8 SLURM_PROCID=1
  fails 1 "rank 1 did not find rank 0 at 'step.ranks' within 0.2 s: No such file" grow 0 step.h5 --rank-timeout .2
  export SLURM_PROCID=two
  fails 2 "the environment has SLURM_PROCID=two, which is not a number from 0 to 1" grow 0 step.h5
}

# start NAME OPTION…: a run of several ranks in the background, $parent, until it has saved; what they say goes to said.txt.
start() {
  local name=$1
  shift
  pgan-grow --scale 0 -o "$name.h5" "${tiny[@]}" --keep 0 "$@" 2>said.txt &
  parent=$!
  until [ -e "$name.ckpt" ]; do
    kill -0 $parent || return 1
    sleep .005
  done
}

# ended: waits for that run; $status.
ended() {
  status=0
  wait $parent || status=$?
}

@test "when a rank is killed the others end with a line that names it, and the run goes on to the same bytes" {
  data
  grow 0 whole.h5 --ranks 3 -b 24 -n 200
  for victim in first other; do
    rm -f killed.*
    start killed -q -b 24 -n 200 --set saveIter=20 --ranks 3
    if [ $victim = first ]; then
      kill -9 $parent
    else
      kill -9 "$(child_of $parent)"
    fi
    ended
    if [ $victim = first ]; then
      for ((i = 0; i < 500 && $(wc -l <said.txt) < 2; i++)); do sleep .01; done
      [ "$status" = 137 ]
      [ "$(cat said.txt)" = "$(printf 'pgan-grow: rank 0 is gone: its process ended, or the connection to it did\n%.0s' 1 2)" ]
    else
      [ "$status" = 1 ]
      [ "$(cat said.txt)" = "pgan-grow: rank 2 is gone: its process ended, or the connection to it did" ]
    fi
    [ ! -e killed.h5 ]
    [ -e killed.ckpt ]
    grow 0 killed.h5 --ranks 3 -b 24 -n 200 --set saveIter=20 --keep 0
    cmp killed.h5 whole.h5
  done
}

@test "a signal to any rank stops all after the same iteration; another number of ranks may go on" {
  data
  grow 0 whole.h5 -n 100 --device plain
  start cut -b 16 -n 100 --device plain --ranks 2 --set saveIter=10
  kill -TERM "$(child_of $parent)"
  ended
  [ "$status" = 143 ]
  [ "$(wc -l <said.txt)" = 1 ]
  grep -q "stopped by signal 15 (Terminated) after iteration [0-9]*; the same command line goes on from 'cut.ckpt'" said.txt
  grow 0 cut.h5 -n 100 --device plain --ranks 4 --set saveIter=10 --keep 0
  "$PYTHON" - <<'PY'
import h5py, numpy as np
a, b = h5py.File('whole.h5'), h5py.File('cut.h5')
for name, x in a['G'].items():
    if name.endswith('weight'):
        assert np.linalg.norm(x[()] - b['G'][name][()]) < 1e-3 * np.linalg.norm(x[()]), name
PY
}

@test "a result stands when a rank is lost after the last step" {
  data
  mkdir a.previews
  start a -n 2000 -b 16 --ranks 2 --set previewImages=1 --set previewIter=2000 --set saveIter=50
  mkfifo a.previews/G-002000.png # rank 0 waits to write it until somebody reads
  until [ "$(tail -n 1 a.log | cut -f 1)" = 2000 ]; do kill -0 $parent; sleep .01; done
  kill -9 "$(child_of $parent)"
  cat a.previews/G-002000.png >/dev/null
  ended
  [ "$status" = 0 ]
  # If rank 1 had told that it is done, nobody misses it.
  [ ! -s said.txt ] || [ "$(cat said.txt)" = "pgan-grow: 'a.h5' is complete, but rank 1 is gone: its process ended, or the connection to it did" ]
  [ ! -e a.ckpt ]
  grow 0 b.h5 -n 2000 -b 16 --ranks 2
  cmp a.h5 b.h5
}

# rank K FOLDER: a rank of a run of 100000 iterations in a folder of its own; what it says goes to said.txt there.
rank() {
  cd "$1" && exec pgan-grow --scale 0 -o s.h5 "${tiny[@]}" -b 16 -n 100000 --keep 0 --ranks 2 --rank "$1" --rendezvous ../meet 2>said.txt
}

# two_ranks: starts both; $zero and $one. two_end: waits for both; $status of each.
two_ranks() {
  rm -f meet
  rank 1 &
  one=$!
  rank 0 &
  zero=$!
}
two_end() {
  local first=0 second=0
  wait $zero || first=$?
  wait $one || second=$?
  status="$first $second"
}

@test "ranks go on from one checkpoint" {
  data
  for k in 0 1; do
    mkdir $k
    ln -s ../data.h5 $k
    start $k/s -q -b 16 -n 100000 --set saveIter=$((10 + k))
    kill -KILL $parent
    ended
  done
  two_ranks
  two_end
  [ "$status" = "2 2" ]
  [ "$(cat 1/said.txt)" = "pgan-grow: rank 1: its checkpoint 's.ckpt' is another than that of rank 0" ]
  cmp 0/said.txt 1/said.txt
  rm 1/s.ckpt
  two_ranks
  two_end
  [ "$status" = "3 3" ]
  [ "$(cat 1/said.txt)" = "pgan-grow: rank 1: cannot open 's.ckpt': No such file or directory" ]
  cp 0/s.ckpt 1/s.ckpt
  two_ranks
  until grep -q "going on at iteration [0-9]* of 100000 from 's.ckpt'" 0/said.txt; do kill -0 $zero; sleep .01; done
  kill -TERM $zero
  two_end
  [ "$status" = "143 143" ]
}

@test "a rank that does not answer is given up in time" {
  data
  start late -q -b 16 -n 1000000 --ranks 2 --rank-timeout 2 --set saveIter=10
  kill -STOP "$(child_of $parent)"
  ended
  [ "$status" = 1 ]
  [ "$(cat said.txt)" = "pgan-grow: rank 1 has not answered for 2 s" ]
}

@test "what cannot be shared, or does not fit together, is refused" {
  data
  fails 2 "a batch of 12 images cannot be shared by 2 ranks, each with whole groups of 4 for the minibatch standard deviation: give a miniBatchSize of 16 or 8" \
    grow 0 x.h5 -b 12 --ranks 2
  fails 2 "give a miniBatchSize of 8" grow 0 x.h5 -b 6 --ranks 2 -p karras
  fails 2 "a batch of 7 images cannot be shared by 2 ranks: give a miniBatchSize of 8 or 6" grow 0 x.h5 -b 7 --ranks 2 --set miniBatchStdDev=false
  grow 0 six.h5 -b 6 --ranks 2 --set miniBatchStdDev=false
  fails 2 "--rank needs --ranks" grow 0 x.h5 --rank 1
  fails 2 "--rank 2 is not one of 2 ranks: they count from 0" grow 0 x.h5 --ranks 2 --rank 2
  fails 2 "--rendezvous needs --rank" grow 0 x.h5 --ranks 2 --rendezvous here
  fails 2 "--rendezvous needs --ranks, mpirun or srun: this process trains alone" grow 0 x.h5 --rendezvous here
  for port in 0 65536 99999 123456; do
    fails 2 "--rendezvous localhost:$port: a port is a number from 1 to 65535" grow 0 x.h5 --ranks 2 --rank 1 --rendezvous localhost:$port
  done
  printf '00112233445566778899aabbccddeeff somewhere\nport 7\n' >notes.txt
  cp notes.txt before.txt
  for rank in 0 1; do
    fails 2 "'notes.txt' is there, and not where ranks meet: give --rendezvous another name" grow 0 x.h5 --ranks 2 --rank $rank --rendezvous notes.txt
  done
  cmp notes.txt before.txt
  rm notes.txt before.txt
  rm -f data.h5
  for ranks in 2 4; do fails 3 "rank 0: cannot open 'data.h5': No such file or directory" grow 0 x.h5 --ranks $ranks; done
  no_leftovers . six.h5 six.log stderr.txt stdout.txt
}

@test "gradients that are not finite are counted once, not by every rank" {
  data
  grow 0 scale0.h5 --set perChannelNormalization=false
  "$PYTHON" -c 'import h5py; h5py.File("scale0.h5", "r+")["G/formatLayer.module.weight"][...] = 1e38'
  for ranks in 1 2; do
    pgan-grow -q --scale 1 --from scale0.h5 -o "x$ranks.h5" "${tiny[@]}" -b 16 -n 2 --set perChannelNormalization=false --ranks "$ranks" || true
    cut -f 19,20 "x$ranks.log" >"counted$ranks"
  done
  [ "$(sed -n 2p counted1 | cut -f 1)" -gt 0 ]
  cmp counted1 counted2
}

@test "ranks that were told different things name what differs" {
  data
  # OPTION of rank 1, and what is said of it.
  while read -r option what; do
    grow 0 x.h5 --ranks 2 --rank 1 "$option" 2>one.txt &
    status=0
    grow 0 x.h5 --ranks 2 --rank 0 2>zero.txt || status=$?
    [ "$status" = 2 ]
    status=0
    wait $! || status=$?
    [ "$status" = 2 ]
    [ "$(cat one.txt)" = "pgan-grow: rank 1: it has $what" ]
    cmp one.txt zero.txt
  done <<'TABLE'
--lr=0.002 other settings than rank 0: baseLearningRate is 0.002 and rank 0's is 0.001
--set=lambdaGP=5 other settings than rank 0: lambdaGP is 5.0 and rank 0's is 10.0
--seed=2 another seed than rank 0
--device=plain another kind of device than rank 0
--record=2:x.rec other records or intervals (saveIter, evalIter, previewIter) than rank 0
--set=saveIter=3 other records or intervals (saveIter, evalIter, previewIter) than rank 0
--set=evalIter=2 other records or intervals (saveIter, evalIter, previewIter) than rank 0
--set=previewIter=2 other records or intervals (saveIter, evalIter, previewIter) than rank 0
--set=previewImages=1 other records or intervals (saveIter, evalIter, previewIter) than rank 0
TABLE
  no_leftovers . data.h5 one.txt zero.txt
}

@test "pipeline.mk starts the ranks, by itself or by mpirun, and does not train anew for another number" {
  data
  mkdir -p run
  cat >mpirun <<'SH'
#!/bin/bash
# mpirun -n N COMMAND…, as far as an environment goes.
export OMPI_COMM_WORLD_SIZE=$2
for ((rank = $2 - 1; rank >= 0; rank--)); do OMPI_COMM_WORLD_RANK=$rank "${@:3}" & done
wait -n && wait -n
SH
  chmod +x mpirun
  local run=(make -s -f "$PGAN_TESTS/../pipeline.mk" PRESET=demo RUN=run DATA=data.h5 IMAGES= LAST=0 BIN= LATENT=8 DEPTH_0=8 ITERS_0=5 BATCH_0=8 DEVICE=cpu)
  run "${run[@]}" -n scale0 RANKS=2
  [[ "$output" == *"pgan-grow --scale 0 "*" --ranks 2 --data data.h5 "* ]]
  run "${run[@]}" -n scale0
  [[ "$output" != *--ranks* ]]
  "${run[@]}" scale0 RANKS=2 GROW="pgan-grow --threads 1"
  [ -e run/scale0.h5 ]
  run "${run[@]}" scale0 GROW="pgan-grow --threads 1"
  [[ "$output" != *pgan-grow* ]]
  mv run/scale0.h5 here.h5
  "${run[@]}" scale0 GROW="./mpirun -n 2 pgan-grow --threads 1"
  cmp run/scale0.h5 here.h5
}

@test "a process that dies before all have come, and is started again, takes its place" {
  random_data 8 4 data.h5
  together=(-q --data data.h5 --scale 0 -o r.h5 "${tiny[@]}" -b 12 -n 3 --ranks 3 --rendezvous meet --rank-timeout 60)
  pgan-grow "${together[@]}" --rank 0 2>said0 &
  leader=$!
  pgan-grow "${together[@]}" --rank 1 2>said1 &
  until [ -e meet ]; do kill -0 $leader; sleep .01; done
  sleep .3 # it has come, or will not: the same to the others
  kill -9 $!
  wait $! || true
  pgan-grow "${together[@]}" --rank 1 &
  again=$!
  sleep .3
  pgan-grow "${together[@]}" --rank 2 &
  wait $!
  wait $again
  wait $leader || { cat said0; return 1; }
  [ -s r.h5 ]
}
