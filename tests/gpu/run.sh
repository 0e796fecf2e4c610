#!/usr/bin/env bash
# Everything that needs a GPU, in one run, without network or packages: each operation against the plain loops, the recorded steps in three precisions, the
# same bytes twice and after an interruption, compute-sanitizer, a short training with pictures, and the speed of every scale, beside PyTorch's where that is.
#
#   tests/gpu/run.sh [--device cuda[:N]|cpu] [--precisions 'fp32 …'] [--out FOLDER] [--quick] [--limit SECONDS] [--stage NAME]… [--scales 'S …'] [--peer only|no]
#
# Runs from the source tree after `make`, `make unit-tests` and `make benches`, or from the folder that `make gpu-bundle` makes, which holds all it needs
# but the driver and cuDNN 9 (also found in a Python package). --device cpu rehearses it without a GPU. --quick: small networks. --precisions: some of
# fp32, tf32 and bf16. --limit: a program that takes longer (300 seconds) is ended and has failed, so that one which hangs does not keep the rest from running.
# --stage: a part alone (operations, records, training, metrics, speed, faces, sanitizer), where a command may only take so long; --scales, --peer: of the
# stage speed, some scales, and PyTorch alone or not at all. PGAN_SHARED: a folder with further records in golden/, pictures in data/ and PyTorch's training
# step in peer/. Writes FOLDER (gpu-results): results.txt, with --stage to its end; pictures; running.log, what the program that runs has said; and cache/,
# where the choice of plans is kept. Ends with "N passed, N failed, N skipped".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
device=cuda out=gpu-results quick='' limit=300 precisions='fp32 tf32 bf16' stages=() scales='' peers=''
while [ $# -gt 0 ]; do
  case $1 in
    --device) device=$2 && shift ;;
    --out) out=$2 && shift ;;
    --quick) quick=1 ;;
    --limit) limit=$2 && shift ;;
    --precisions) precisions=$2 && shift ;;
    --stage) stages+=("$2") && shift ;;
    --scales) scales=$2 && shift ;;
    --peer) peers=$2 && shift ;;
    *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
  esac
  shift
done
devices=()
for p in $precisions; do devices+=("$device:$p"); done
if [ "$device" = cpu ]; then devices=(cpu); fi
if [ ${#devices[@]} = 0 ]; then echo "there are no --precisions" >&2 && exit 2; fi
exact=${devices[0]} fast=${devices[-1]}
all=(operations records training metrics speed faces sanitizer)
for stage in "${stages[@]}"; do
  case " ${all[*]} " in *" $stage "*) ;; *) echo "there is no stage '$stage'" >&2 && exit 2 ;; esac
done
mkdir -p "$out" && out=$(cd "$out" && pwd) || exit 1
results=$out/results.txt
work=$(mktemp -d) || exit 1
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT
if [ ${#stages[@]} = 0 ]; then
  stages=("${all[@]}")
  : >"$results"
fi

# -- where things are: a bundle has bin/ beside this script, the source tree two folders up --

if [ -d "$here/bin" ]; then
  root=$here programs=$here/bin tables=$here/bin/test_backend_tables metrics=$here/bin/test_metric_device bench=$here/bin/bench_step
  mkdir "$work/lib" && tar xzf "$here/lib.tar.gz" -C "$work/lib" || exit 1
  libraries=$work/lib
else
  root=$(cd "$here/../.." && pwd)
  programs=$root/bin tables=$root/build/gcc/tests/test_backend_tables metrics=$root/build/gcc/tests/test_metric_device bench=$root/build/gcc/bench/bench_step libraries=
fi
: "${PGAN_PLUGINS:=$programs}"
export PGAN_PLUGINS OMP_WAIT_POLICY=passive PGAN_CACHE=$out/cache PATH=$PATH:/usr/local/cuda/bin CUDA_DEVICE_ORDER=PCI_BUS_ID # as nvidia-smi counts
if [ "$device" != cpu ]; then
  for package in cudnn nccl; do
    found=$(python3 -c "import nvidia.$package as p; print(list(p.__path__)[0] + '/lib')" 2>/dev/null)
    libraries=$libraries${found:+:$found}
  done
fi

# limited COMMAND…: ended after $limit seconds, with status 124. With launcher=exec in place of the shell.
timeout=(timeout --foreground)
limited() { ${launcher-} "${timeout[@]}" --kill-after 10 "$limit" "$@"; }

# tool NAME ARGUMENT…: one of ours, with the libraries that it needs and no other program should see.
tool() {
  local name=$1
  shift
  case $name in */*) ;; *) name=$programs/$name ;; esac
  limited env LD_LIBRARY_PATH="${libraries#:}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$name" "$@"
}

# -- steps: each is a line in the results, its output behind it --

passed=0 failed=0 skipped=0 failures=()
say() { printf '%s\n' "$*" | tee -a "$results"; }
section() { say ""; say "== $* =="; }

# step NAME COMMAND…
step() {
  local name=$1 start=$SECONDS status=0
  shift
  "$@" >"$out/running.log" 2>&1 </dev/null || status=$?
  if [ "$status" = 0 ]; then
    passed=$((passed + 1))
    say "ok   $name ($((SECONDS - start)) s)"
  else
    failed=$((failed + 1)) failures+=("$name")
    say "FAIL $name ($(if [ "$status" = 124 ]; then echo "took longer than $limit s"; else echo "ended with $status"; fi))"
  fi
  tail -n 40 "$out/running.log" | sed 's/^/     /' | tee -a "$results"
}
skip() { skipped=$((skipped + 1)); say "skip $1: $2"; }

if [ -n "$quick" ]; then
  depths=16,16,16 batch=8 iterations=3 short=12
  grown=(--set "depthScales=16,16,16" --set dimLatentVector=16 --set alphaNJumps=1 --set alphaSizeJumps=2) grown_iterations=(6 6 6) samples=32
  if [ "$device" = cpu ]; then short=300; fi
  : "${scales:=0 1 2}"
else
  depths=512,512,512,512,256,128 batch=16 iterations=20 short=3000
  grown=(--set "depthScales=256,256,256,256,128,64" --set dimLatentVector=256 --set alphaNJumps=250 --set alphaSizeJumps=8) samples=2048
  grown_iterations=(4000 6000 8000 8000 8000 12000)
  : "${scales:=0 1 2 3 4 5}"
fi

section "machine"
say "$(date -u '+%Y-%m-%d %H:%M UTC'), $(uname -srm), $(nproc) processors, device $device${quick:+, quick}"
if [ -f "$root/VERSION" ]; then say "commit $(cat "$root/VERSION")"; else say "commit $(git -C "$root" describe --always --dirty 2>/dev/null)"; fi
step "driver and GPU" bash -c 'command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv || echo "no nvidia-smi"'
step "pgan-grow --version" tool pgan-grow --version
opens() { tool pgan-grow --device "$1" --verify "$root/tests/golden/step_s0_b8_a000.h5"; }
for d in "${devices[@]}"; do step "device $d opens" opens "$d"; done

# -- each operation against the plain loops --

operations() { PGAN_TEST_DEVICE=$1 tool "$tables" the_table_of_a_device_agrees; }
stage_operations() {
  local d
  for d in "${devices[@]}"; do step "operations, $d" operations "$d"; done
}

# -- recorded steps --

stage_records() {
  local d records
  records=("$root"/tests/golden/step_*.h5)
  if [ -d "${PGAN_SHARED-}/golden" ]; then records=("$PGAN_SHARED"/golden/step_*.h5); fi
  for d in "${devices[@]}"; do step "records, $d" tool pgan-grow --device "$d" --verify "${records[@]}"; done
}

# -- training --

make_data() { tool toy-faces -n 512 -o "$work/faces.zip" && tool celeba-crop "$work/faces.zip" | tool pack-h5 -o "$work/data.h5"; }
real_data() { tool celeba-crop "$PGAN_SHARED/data/avatars.zip" | tool pack-h5 -o "$work/data.h5"; }
small=(--set 'depthScales=32,32,32,32,32,16' --set dimLatentVector=32 --set alphaNJumps=10 --set alphaSizeJumps=4)
# grow SCALE OUT DEVICE OPTION…: on the scale below.
grow() {
  local scale=$1 to=$2 on=$3 from=()
  shift 3
  if [ "$scale" != 0 ]; then from=(--from "$work/scale$((scale - 1)).h5"); fi
  tool pgan-grow -q --data "$work/data.h5" --scale "$scale" "${from[@]}" -o "$work/$to" "${small[@]}" --device "$on" "$@"
}
# scale1 OUT DEVICE: the run whose bytes are compared.
scale1() { grow 1 "$1" "$2" -n $short -b 8 --set saveIter=$((short / 3)); }
same() { rm -f "$work/again.h5" && scale1 again.h5 "$2" && cmp "$work/$1" "$work/again.h5"; }
# A run that is stopped after its first checkpoint goes on to the same bytes.
interrupted() {
  local status=0
  launcher="exec" scale1 stopped.h5 "$exact" &
  local run=$!
  for _ in $(seq 6000); do if [ -e "$work/stopped.ckpt" ] || ! kill -0 $run 2>/dev/null; then break; fi; sleep .01; done
  kill -TERM $run 2>/dev/null
  wait $run || status=$?
  echo "the first run ended with $status"
  [ "$status" != 0 ] && scale1 stopped.h5 "$exact" && cmp "$work/scale1.h5" "$work/stopped.h5"
}
# Two processes SHARED OUT ITERATIONS DEVICE OPTION…, each with a GPU; where they share one, NCCL refuses this within a machine, so that each has another name for
# its own, and they talk by sockets.
two() {
  local shared=$1 to=$2 n=$3 on=$4 rank pid status=0 pids=()
  shift 4
  if [ -z "$shared" ]; then
    grow 1 "$to" "$on" -n "$n" -b 8 --ranks 2 "$@"
    return
  fi
  rm -f "$work/meeting"
  for rank in 0 1; do
    NCCL_HOSTID=machine$rank NCCL_SOCKET_IFNAME=lo grow 1 "$to" "$on" -n "$n" -b 8 --ranks 2 --rank $rank --rendezvous "$work/meeting" "$@" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || status=$?; done
  return $status
}
# A step that they recorded holds for one, and a second run of them, and one without CUDA graphs, have the same bytes.
ranks() {
  local n=$((short < 100 ? short : 100)) eager='' shared=''
  if [ "$device" != cpu ]; then eager=:eager shared=1; fi
  if [ "$device" = cuda ] && opens "cuda:1:${exact#cuda:}" >/dev/null 2>&1; then shared=''; fi
  two "$shared" ranks.h5 $n "$exact" --record "5:$work/ranks.rec" && tool pgan-grow --verify "$work/ranks.rec" --device "$exact" &&
    two "$shared" again.h5 $n "$exact" --restart && cmp "$work/ranks.h5" "$work/again.h5" &&
    two "$shared" again.h5 $n "$exact$eager" --restart && cmp "$work/ranks.h5" "$work/again.h5"
}
pictures() {
  if [ -e "$work/data.h5" ]; then return; fi
  if [ -z "$quick" ] && [ -f "${PGAN_SHARED-}/data/avatars.zip" ]; then step "pictures" real_data; else step "drawn pictures" make_data; fi
}
stage_training() {
  local d
  pictures
  step "scale 0, $exact" grow 0 scale0.h5 "$exact" -n $short -b 8
  step "scale 1, $exact" scale1 scale1.h5 "$exact"
  step "the same bytes twice" same scale1.h5 "$exact"
  step "the same bytes after an interruption" interrupted
  if [ "$device" != cpu ]; then
    step "the same bytes without CUDA graphs" same scale1.h5 "$exact:eager"
    for d in "${devices[@]:1}"; do
      step "scale 1, $d" scale1 "scale1-$d.h5" "$d"
      step "the same bytes twice, $d" same "scale1-$d.h5" "$d"
      step "the same bytes without CUDA graphs, $d" same "scale1-$d.h5" "$d:eager"
    done
  fi
  step "two processes, $exact" ranks
}

# -- growing to the last scale, half as wide as published, with samples to look at and their distance from the pictures --

distance() { tool pgan-sample "$work/faces$1.h5" -n $samples --device "$fast" | tool swd --ref "$work/data.h5" --device "$device"; }
stage_faces() {
  local s from
  pictures
  for s in "${!grown_iterations[@]}"; do
    from=()
    if [ "$s" != 0 ]; then from=(--from "$work/faces$((s - 1)).h5"); fi
    step "faces, scale $s, $fast" tool pgan-grow --data "$work/data.h5" --scale "$s" "${from[@]}" -o "$work/faces$s.h5" "${grown[@]}" --device "$fast" \
      -n "${grown_iterations[s]}" -b 16 --set evalIter=1000
    step "samples of scale $s" tool pgan-sample "$work/faces$s.h5" -n 64 -o "$out/faces$s.png" --device "$fast"
  done
  step "distance from the pictures" distance "$s"
}

# -- metrics --

# The same two sets on the processor and on the GPU: the means within 1e-4, and how long each took.
scores() {
  local on
  tool toy-faces -n "$1" --seed 1 -o "$work/one.zip" && tool celeba-crop -q "$work/one.zip" >"$work/one.npy" &&
    tool toy-faces -n "$1" --seed 2 -o "$work/two.zip" && tool celeba-crop -q "$work/two.zip" >"$work/two.npy" || return 1
  for on in cpu "$device"; do
    echo "swd and msssim of $1 pictures, $on"
    (TIMEFORMAT='%R s' && time tool swd --json --device "$on" --ref "$work/one.npy" "$work/two.npy" >"$work/swd.$on") || return 1
    (TIMEFORMAT='%R s' && time tool msssim --json --device "$on" "$work/two.npy" >"$work/msssim.$on") || return 1
  done
  for on in swd msssim; do
    paste <(sed -E 's/.*"(average|msssim)": ([0-9.e-]+).*/\2/' "$work/$on.cpu") <(sed -E 's/.*"(average|msssim)": ([0-9.e-]+).*/\2/' "$work/$on.$device") |
      awk -v name=$on '{ e = $1 / $2 - 1; printf "%s: %s on the processor, %s here, relative difference %.1e\n", name, $1, $2, e; exit !(e * e < 1e-8) }' || return 1
  done
}
operations_of_metrics() { PGAN_TEST_METRICS=$device tool "$metrics"; }
stage_metrics() {
  if [ "$device" = cpu ]; then
    skip "the metrics' operations" "the device is a processor"
  else
    step "the metrics' operations, $device" operations_of_metrics
  fi
  step "swd and msssim" scores "$(if [ -n "$quick" ]; then echo 32; else echo 4096; fi)"
}

# -- compute-sanitizer --

# sanitized TOOL COMMAND…: without a cache of plans, since nothing should be measured so. Failures of CUDA's calls are told by the program itself. cuDNN's
# kernels are left alone: they are known for hazards that are none, take most of the time, and one has looped for ever when it was watched.
sanitized() {
  local timeout=(timeout) # of the group: the child, too
  PGAN_CACHE='' PGAN_TEST_METRICS=$device tool "$(command -v compute-sanitizer)" --tool "$1" --report-api-errors no --error-exitcode 9 --print-limit 5 \
    --kernel-name-exclude 'regex=cudnn|xmma|cutlass|gemm|nchw|nhwc|fprop|dgrad|wgrad' "${@:2}"
}
# watched TOOL DEVICE RECORD
watched() {
  if [ "$1 $2" = "racecheck $device:bf16" ]; then
    skip "$1, $2" "cuDNN's convolutions in bfloat16 read beyond memory under it, even when it watches none of them"
  else
    step "$1, $2" sanitized "$1" "$programs/pgan-grow" --device "$2" --verify "$root/tests/golden/$3"
  fi
}
stage_sanitizer() {
  local t said
  if [ "$device" = cpu ]; then
    skip "compute-sanitizer" "the device is a processor"
    return
  elif ! command -v compute-sanitizer >/dev/null; then
    skip "compute-sanitizer" "it is not on the PATH"
    return
  fi
  said=$(sanitized memcheck "$programs/pgan-grow" --device "$device" --version 2>&1)
  if [[ $said = *'Device not supported'* ]]; then
    skip "compute-sanitizer" "this machine does not let it watch the device"
    return
  fi
  for t in memcheck racecheck synccheck; do
    watched $t "$exact" step_s1_b8_a060.h5
    watched $t "$fast" step_karras_s1_b8_a060.h5
    step "$t, metrics" sanitized $t "$metrics"
  done
  # What cuDNN writes unwatched would look like memory that nothing wrote.
  step "initcheck, metrics" sanitized initcheck "$metrics"
}

# -- speed: a training step, images a second --

# with_memory COMMAND…: the same, and the most memory of the GPU that was in use meanwhile.
with_memory() {
  local most=0 used pid status=0 gpu=0
  if [[ $device = cuda:* ]]; then gpu=${device#cuda:}; fi
  "$@" &
  pid=$!
  while kill -0 $pid 2>/dev/null; do
    used=$(nvidia-smi -i "$gpu" --query-gpu=memory.used --format=csv,noheader,nounits 2>/dev/null)
    if [[ $used =~ ^[0-9]+$ ]] && [ "$used" -gt "$most" ]; then most=$used; fi
    sleep .2
  done
  wait $pid || status=$?
  if [ "$most" != 0 ]; then echo "GPU memory in use: $most MiB"; fi
  return $status
}
# The published schedule's time, from a few steps at each of its scales.
published() {
  local some=()
  if [ -n "$quick" ]; then some=(--set "depthScales=$depths" --set dimLatentVector=16 --set "miniBatchScheduler={}" --batch "$batch"); fi
  tool pgan-grow -p paddle --scale 0 --dry-run --device "$fast" "${some[@]}"
}
stage_speed() {
  local s d alpha some peer visible=()
  peer=${PGAN_SHARED-}/peer/pgan_torch.py
  if [[ $device = cuda:* ]]; then visible=(env "CUDA_VISIBLE_DEVICES=${device#cuda:}"); fi
  for s in $scales; do
    some=$(echo "$depths" | cut -d , -f "1-$((s + 1))")
    for d in "${devices[@]}"; do
      for alpha in 0 0.5; do
        if [ "$peers" = only ] || { [ "$s" = 0 ] && [ "$alpha" != 0 ]; }; then continue; fi
        step "pgan, scale $s, alpha $alpha, $d" with_memory tool "$bench" "depths=$some" "batch=$batch" "alpha=$alpha" "iters=$iterations" "device=$d"
      done
    done
    if [ "$peers" != only ]; then step "generator, scale $s, $fast" tool "$bench" what=sample "depths=$some" batch=64 alpha=0 "iters=$iterations" "device=$fast"; fi
    if [ "$peers" = no ]; then continue; fi
    if [ -f "$peer" ] && python3 -c 'import torch' 2>/dev/null; then
      if [ "$device" = cpu ]; then
        step "PyTorch, scale $s" limited python3 "$peer" bench --depths "$some" --batch "$batch" --iters "$iterations"
      else
        step "PyTorch, scale $s, bf16" with_memory limited "${visible[@]}" python3 "$peer" bench --depths "$some" --batch "$batch" --iters "$iterations" --device cuda \
          --precision bf16 --channels-last --compile
      fi
    else
      skip "PyTorch, scale $s" "no PyTorch, or no peer/pgan_torch.py in PGAN_SHARED"
    fi
  done
  if [ "$peers" != only ]; then step "the published schedule, $fast" published; fi
}

for stage in "${stages[@]}"; do
  section "$stage"
  "stage_$stage"
done

rm -f "$out/running.log"
section "summary"
for name in "${failures[@]}"; do say "FAIL $name"; done
say "$passed passed, $failed failed, $skipped skipped; pictures and this text in $out"
[ "$failed" = 0 ]
