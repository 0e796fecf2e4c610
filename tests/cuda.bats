# The plug-in for NVIDIA GPUs on a machine that has none; what needs one is in tests/gpu.
bats_require_minimum_version 1.5.0
load common

need_plugin() {
  [ -e "$PGAN_BIN/pgan-cuda.so" ] || skip "the plug-in was not built: no nvcc or no cuDNN, USE_CUDA=0, or not the plain build"
}

no_gpu() {
  need_plugin
  if command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; then skip "this machine has a GPU"; fi
}

verify_on() {
  pgan-grow --device "$1" --verify "$golden/step_s0_b8_a000.h5"
}

@test "the plug-in exports its one symbol and nothing else" {
  need_plugin
  command -v nm >/dev/null || skip "nm is not there"
  nm -D --defined-only "$PGAN_BIN/pgan-cuda.so" | awk '{ print $3 }' >symbols.txt
  [ "$(cat symbols.txt)" = pgan_plugin ]
}

@test "the plug-in loads, and says that there is no driver" {
  no_gpu
  fails 1 "device 'cuda' cannot be used: there is no NVIDIA driver" verify_on cuda
  fails 1 "device 'cuda' cannot be used: there is no NVIDIA driver" verify_on cuda:1:bf16
  pgan-grow --version >version.txt
  grep -q "^backend: cuda: not usable: device 'cuda' cannot be used: there is no NVIDIA driver$" version.txt
}

@test "a device that cannot be understood is a usage error" {
  need_plugin
  for device in cuda:x cuda:0:fp16 cuda:bf16:0 cuda:-1 cuda:eager:1 cuda:bf16x; do
    fails 2 "unknown device '$device': give cuda[:N][:fp32|tf32|bf16][:eager]" verify_on "$device"
  done
}

# -- the same sources over an emulation of CUDA on the processor --

@test "the emulation finds races and what is not aligned, and nothing else" {
  need_emulation
  for kernel in barrier atomic neighbours; do "$PGAN_UNIT/emulated/kernel_cases" $kernel; done
  while read -r kernel said; do
    fails 134 "emulated kernel '$kernel': $said" "$PGAN_UNIT/emulated/kernel_cases" "$kernel"
  done <<'END'
no_barrier thread 1 of block 0 writes what is written by thread 0 of block 0, no barrier between
no_second_barrier thread 6 of block 0 reads what is written by thread 7 of block 0, no barrier between
other_block thread 0 of block 1 writes what is written by thread 0 of block 0, no barrier between
read_of_many thread 7 of block 1 writes what is read by threads of several blocks, no barrier between
beside_atomic thread 1 of block 0 reads what is written by thread 0 of block 0, no barrier between
unwritten reads from shared memory what its block has not written
END
  run "$PGAN_UNIT/emulated/kernel_cases" misaligned
  [ "$status" = 132 ]
}

@test "emulated: every operation agrees with the plain table" {
  need_emulation
  for precision in fp32 bf16; do
    PGAN_QUICK=1 PGAN_TEST_DEVICE=cuda:$precision "$PGAN_UNIT/test_backend_tables" the_table_of_a_device_agrees
  done
}

@test "emulated: the metrics' operations agree with the processor's" {
  need_emulation
  PGAN_TEST_METRICS=cuda "$PGAN_UNIT/test_metric_device"
}

@test "emulated: swd and msssim give the processor's values" {
  need_emulation
  npy 40,3,16,16 u1 >a.npy
  npy 32,3,16,16 u1 '255 * rng.beta(2, 3, shape)' >b.npy
  for device in cpu cuda:0; do
    swd --json --ref a.npy -n 16 b.npy --device $device >$device.json
    swd --ref a.npy -n 16 --save-ref $device.swd --device $device
    swd --json --ref $device.swd b.npy -n 16 --device $device >$device.saved.json
    msssim --json --per-pair b.npy --floor a.npy --device $device >$device.pairs.json
  done
  "$PYTHON" - <<'PY'
import json
for kind, key in ('', 'average'), ('.saved', 'average'), ('.pairs', 'msssim'):
    a, b = (json.load(open(f'{device}{kind}.json')) for device in ('cpu', 'cuda:0'))
    assert a[key] > 0 and abs(a[key] / b[key] - 1) < 1e-4, (a, b)
    if kind == '.pairs':
        assert len(a['values']) == 16 and max(abs(x - y) for x, y in zip(a['values'], b['values'])) < 1e-9
        assert abs(a['floor']['msssim'] - b['floor']['msssim']) < 1e-9
PY
  fails 2 "unknown device 'cuda:0:fp32': give cuda[:N]" swd --ref a.npy b.npy --device cuda:0:fp32
  fails 1 "there is no GPU 3: this machine has 1" msssim a.npy --device cuda:3
}

@test "metrics on a GPU that is not there say so, and auto takes the processor" {
  no_gpu
  npy 8,3,16,16 u1 >a.npy
  fails 1 "device 'cuda' cannot be used: there is no NVIDIA driver" swd --ref a.npy a.npy --device cuda
  fails 2 "unknown device 'gpu': give cpu, cuda[:N], or auto" msssim a.npy --device gpu
  msssim --json a.npy >cpu.json
  msssim --json a.npy --device auto >auto.json
  cmp cpu.json auto.json
}

@test "emulated: the recorded steps of all profiles are reproduced in float32" {
  need_emulation
  pgan-grow --device cuda:fp32 --verify "$golden"/step_*.h5 >results.txt
  [ "$(grep -c ': pass$' results.txt)" = "$(wc -l <results.txt)" ]
  [ "$(wc -l <results.txt)" -ge 9 ]
}

@test "emulated: the recorded steps pass in TF32 and bfloat16, every gradient within 2e-2 and 5e-2" {
  need_emulation
  for precision in tf32 bf16; do
    pgan-grow --device "cuda:$precision" --json --verify "$golden"/step_*.h5 >results.json
    "$PYTHON" - results.json $precision <<'PY'
import json, sys
low, high = {'tf32': (1e-4, 2e-2), 'bf16': (1e-3, 5e-2)}[sys.argv[2]]
results = json.load(open(sys.argv[1]))
assert len(results) >= 9
for r in results:
    assert r['pass'] and r['grad_median'] > low and r['grad_worst'] < high, r
PY
    # a record whose gradients are wrong, and what follows from them: the first step of Adam
    "$PYTHON" - "$golden" <<'PY'
import sys, h5py, shutil
shutil.copy(sys.argv[1] + '/step_s1_b8_a060.h5', 'half.h5')
with h5py.File('half.h5', 'r+') as f:
    del f['iter1']
    step, a = f['iter0'], f.attrs
    for network in ('G', 'D'):
        for name, g in step['grad/' + network].items():
            g[...] = g[()] / 2
            w = step[f'before/{network}/{name}'][()] - a['lr'] * g[()] / (abs(g[()]) + a['adam_eps'])
            step[f'after/{network}/{name}'][...] = w
            if network == 'G':
                step['after/avgG/' + name][...] = a['ema'] * step['before/avgG/' + name][()] + (1 - a['ema']) * w
PY
    run -1 --separate-stderr pgan-grow --device "cuda:$precision" --json --verify half.h5
    "$PYTHON" - "$output" <<'PY'
import json, sys
r, = json.loads(sys.argv[1])
assert not r['pass'] and r['grad_all'] > .9 and r['grad_worst'] < .05 and r['adam'] < 1e-6 and r['ema'] < 1e-6, r
PY
  done
}

tiny=(--set alphaNJumps=2 --set alphaSizeJumps=2 --set 'depthScales=8,8,8' --set dimLatentVector=8 --set previewImages=0)

# train NAME: two iterations of scale 0.
train() {
  pgan-grow -q --data data.h5 --scale 0 -o "$1.h5" "${tiny[@]}" -n 2 -b 4 --device cuda:fp32
}

@test "emulated: steps run ahead of their sums, and the log, the guard and a run that goes on are as if they did not" {
  need_emulation
  random_data 20 8 data.h5
  run_on() { pgan-grow -q --data data.h5 --scale 0 "${tiny[@]}" -b 4 --device cuda:fp32 "$@"; }
  run_on -o each.h5 -n 10 --set evalIter=1 --set saveIter=5
  run_on -o some.h5 -n 10 --set evalIter=10 --set saveIter=100
  h5diff each.h5 some.h5 /avgG /avgG
  "$PYTHON" - <<'PY'
import csv
each, some = (list(csv.DictReader(open(f), delimiter='\t')) for f in ('each.log', 'some.log'))
assert len(each) == 10 and len(some) == 1
for i, row in enumerate(some):
    for key, value in row.items():
        if key in ('iteration', 'scale', 'images', 'alpha', 'lr', 'seconds', 'images_per_second'):
            continue
        values = [float(r[key]) for r in each[10 * i:10 * i + 10]]
        mean = sum(values) / (1 if 'nonfinite' in key else 10)
        assert abs(float(value) - mean) <= 2e-6 * max(map(abs, values)), (key, value, mean)
PY
  local status=0
  stopped some2.h5 -q --data data.h5 --scale 0 "${tiny[@]}" -b 4 --device cuda:fp32 -n 100000 || status=$?
  [ "$status" = 143 ]
  local steps
  steps=$("$PYTHON" -c 'import h5py; print(int(h5py.File("some2.ckpt").attrs["iterations"]))')
  run_on -o some2.h5 -n $((steps + 3)) --force
  run_on -o whole.h5 -n $((steps + 3))
  h5diff some2.h5 whole.h5 /avgG /avgG
  run_on -o flat.h5 -n 1 --set perChannelNormalization=false
  "$PYTHON" -c 'import h5py; h5py.File("flat.h5", "r+")["G/formatLayer.module.weight"][...] = 1e38'
  fails 1 "the losses have not been finite for 3 iterations, up to 3; no state before that was saved" pgan-grow -q --data data.h5 --scale 1 --from flat.h5 -o x.h5 \
    "${tiny[@]}" -b 4 -n 400 --device cuda:fp32 --set perChannelNormalization=false --set evalIter=1 --set saveIter=100
}

@test "emulated: the fastest plans are measured once, kept, and taken again whatever is the fastest then" {
  need_emulation
  random_data 20 8 data.h5
  export PGAN_CACHE=$PWD/cache/of/plans
  PGAN_EMULATED_FASTEST=1 train first
  local kept=$PGAN_CACHE/cuda-plans
  [ "$(head -n 1 "$kept")" = "pgan-plans 3" ]
  cut -f 1-4,12 "$kept" | grep -qP "^emulated GPU \(sm_00, 1 multiprocessors\)\t0\tfp32\tweights\t1$"
  [ "$(cut -f 2-10 "$kept" | sort | uniq -d)" = "" ]
  cp "$kept" before
  PGAN_EMULATED_FASTEST=2 train again
  cmp before "$kept"
  cmp first.h5 again.h5
  # another choice would have shown
  PGAN_EMULATED_FASTEST=2 PGAN_CACHE=$PWD/elsewhere train other
  if cmp -s first.h5 other.h5; then return 1; fi
  # the folder by default; and without one the heuristic's first, unmeasured
  (unset PGAN_CACHE && XDG_CACHE_HOME=$PWD/xdg PGAN_EMULATED_FASTEST=1 train xdg && HOME=$PWD/home PGAN_EMULATED_FASTEST=1 train home)
  cmp "$kept" xdg/pgan/cuda-plans
  cmp "$kept" home/.cache/pgan/cuda-plans
  PGAN_EMULATED_FASTEST=0 PGAN_CACHE=$PWD/none train slowest
  PGAN_EMULATED_FASTEST=2 PGAN_CACHE='' train unmeasured
  cmp slowest.h5 unmeasured.h5
}

@test "emulated: plans of other GPUs and versions stay in the file; a damaged one, or one of another version, is refused" {
  need_emulation
  random_data 20 8 data.h5
  export PGAN_CACHE=$PWD/cache
  train first
  cp cache/cuda-plans good
  # lines of another GPU, with a checksum of their own
  "$PYTHON" - <<'PY'
lines = open('good').read().splitlines()
def sealed(text):
    total = 0xcbf29ce484222325
    for byte in text.encode():
        total = (total ^ byte) * 0x100000001b3 % 2**64
    return f'{text}{total:016x}'
assert sealed(lines[1][:-16]) == lines[1]
other = [sealed(l[:-16].replace('emulated', 'another')) for l in lines[1:]]
open('cache/cuda-plans', 'w').write('\n'.join(lines[:1] + other) + '\n')
PY
  train again
  cmp first.h5 again.h5
  [ "$(grep -c ^emulated cache/cuda-plans)" = "$(grep -c ^another cache/cuda-plans)" ]
  for damage in '3s/fp32/tf32/' '$s/.$//' '2s/\t.*//' '4s/^/x/'; do
    sed "$damage" good >cache/cuda-plans
    fails 3 "'$PWD/cache/cuda-plans' is damaged in line " train bad
  done
  head -c -1 good >cache/cuda-plans
  fails 3 "'$PWD/cache/cuda-plans' is damaged in line $(wc -l <good)" train bad
  sed '1s/3/2/' good >cache/cuda-plans
  fails 3 "'$PWD/cache/cuda-plans' is not a list of plans of this version" train bad
  : >cache/cuda-plans
  train empty
  cmp good cache/cuda-plans
  : >file
  PGAN_CACHE=$PWD/file fails 1 "cannot open '$PWD/file/cuda-plans': Not a directory" train bad
}

@test "emulated: recorded steps train to the bytes of others, and the network is sampled like on the processor" {
  need_emulation
  random_data 20 8 data.h5
  pgan-grow -q --data data.h5 --scale 0 -o scale0.h5 "${tiny[@]}" -n 3 -b 4 --device cuda:fp32
  for how in '' :eager; do
    pgan-grow -q --data data.h5 --scale 1 --from scale0.h5 -o one$how.h5 "${tiny[@]}" -n 9 -b 4 --set penaltyEvery=2 --device cuda:fp32$how
  done
  cmp one.h5 one:eager.h5
  for how in '' :eager; do
    pgan-grow -q --data data.h5 --scale 1 --from scale0.h5 -o half$how.h5 "${tiny[@]}" -n 5 -b 4 --device cuda:bf16$how
  done
  cmp half.h5 half:eager.h5
  pgan-sample -n 4 --device cuda:bf16 half.h5 >half.npy
  pgan-sample -n 4 --device cpu half.h5 >whole.npy
  "$PYTHON" -c "
import numpy as np
a, b = np.load('half.npy').astype(float), np.load('whole.npy').astype(float)
assert 0 < abs(a - b).max() < .1 * b.std() + 8, abs(a - b).max()"
  # A loss that the host computes keeps a step from being recorded.
  pgan-grow -q --data data.h5 --scale 0 -o gdpp.h5 "${tiny[@]}" -n 4 -b 4 --set GDPP=true --device cuda:fp32
  pgan-sample -n 4 --device cuda:fp32 one.h5 >cuda.npy
  pgan-sample -n 4 --device cpu one.h5 >cpu.npy
  "$PYTHON" -c "
import numpy as np
a, b = np.load('cuda.npy').astype(float), np.load('cpu.npy').astype(float)
assert a.shape == (4, 3, 8, 8) and a.std() > 0 and abs(a - b).max() <= 1, abs(a - b).max()"
}

# Pictures for runs that only have to go on: data.h5.
noise() {
  "$PYTHON" - <<'PY'
import h5py, numpy as np
with h5py.File('data.h5', 'w') as f:
    f['data4x4'] = np.random.default_rng(5).integers(0, 256, (20, 3, 4, 4)).astype('u1')
PY
}

@test "emulated: two processes on two GPUs train like one, with recorded steps and without to the same bytes" {
  need_emulation
  local tiny=(--set 'depthScales=8,8' --set dimLatentVector=8 --set evalIter=4 --scale 0 -n 11 -b 8)
  noise
  pgan-grow -q --data data.h5 -o one.h5 "${tiny[@]}" --device cuda:fp32
  for how in '' :eager; do
    pgan-grow -q --data data.h5 -o two$how.h5 "${tiny[@]}" --device cuda:fp32$how --ranks 2
  done
  cmp two.h5 two:eager.h5
  "$PYTHON" - <<'PY'
import h5py, numpy as np
a, b = h5py.File('one.h5'), h5py.File('two.h5')
errors = sorted(np.linalg.norm(x[()] - b[net][name][()]) / np.linalg.norm(x[()]) for net in ('G', 'D', 'avgG') for name, x in a[net].items())
assert errors[len(errors) // 2] < 1e-5 and 0 < errors[-1] < 1e-2, errors # as tests/ranks.bats
PY
}

@test "emulated: processes whose plans are kept in folders of their own train together; --version says which" {
  need_emulation
  noise
  local rank few=(--set "depthScales=8,8" --set dimLatentVector=8 --set previewImages=0 --scale 0 -n 3 -b 8)
  for rank in 1 0; do
    PGAN_CACHE=$PWD/cache$rank pgan-grow -v --data data.h5 -o two.h5 "${few[@]}" --device cuda:fp32 --ranks 2 --rank $rank --rendezvous meet 2>said$rank.txt &
  done
  wait %1
  wait %2
  [ -e two.h5 ]
  grep -q "device cuda: .*, plans kept in '$PWD/cache1/cuda-plans'" said1.txt
  PGAN_CACHE=$PWD/cache0 pgan-grow --version | grep "^backend: cuda: .* TF32 convolutions, plans kept in '$PWD/cache0/cuda-plans'$"
}

@test "emulated: a GPU that waits for a process which is gone is given up" {
  need_emulation
  noise
  export PGAN_EMULATED_BUSY=$PWD/busy
  pgan-grow -q --data data.h5 -o two.h5 --set 'depthScales=8,8' --set dimLatentVector=8 --set previewImages=0 --scale 0 -n 100000 -b 8 --set saveIter=1 --keep 0 \
    --device cuda:fp32 --ranks 2 2>said.txt &
  local run=$! status=0
  until [ -e two.ckpt ]; do
    kill -0 $run
    sleep .01
  done
  local other
  other=$(child_of $run)
  touch busy
  until [ -e "busy.$other" ]; do
    kill -0 $run
    sleep .01
  done
  kill -9 "$other"
  wait $run || status=$?
  [ "$status" = 1 ]
  [ "$(cat said.txt)" = "pgan-grow: rank 1 is gone: its process ended, or the connection to it did" ]
}

@test "emulated: a process that is gone before the GPUs are connected is not waited for" {
  need_emulation
  noise
  fails 1 "rank 1 is gone: its process ended, or the connection to it did" env PGAN_EMULATED_GONE=1 pgan-grow -q --data data.h5 -o two.h5 \
    --set 'depthScales=8,8' --set dimLatentVector=8 --set previewImages=0 --scale 0 -n 3 -b 8 --device cuda:fp32 --ranks 2
  [ ! -e two.h5 ]
}

@test "what the plug-in knows of NCCL is what its header says" {
  header=$(dirname "$(dirname "$(readlink -f "$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)")")")/include
  [ -e "$header/nccl.h" ] || skip "NCCL's header is not there"
  cat >nccl.c <<'C'
#include <nccl.h>
#include "nccl_library.h"
_Static_assert(sizeof(ncclUniqueId) == sizeof(struct nccl_id), "id");
_Static_assert((int)ncclSuccess == NCCL_SUCCESS && (int)ncclInProgress == NCCL_IN_PROGRESS, "results");
_Static_assert((int)ncclFloat32 == NCCL_FLOAT32 && (int)ncclSum == NCCL_SUM, "types and operations");
_Static_assert(__builtin_types_compatible_p(ncclComm_t, nccl_comm), "communicator");
C
  cc -fsyntax-only -I"$PGAN_TESTS/../kernels" -I"$PGAN_TESTS/../lib/base" -isystem "$header" nccl.c
}

@test "the script for a machine with a GPU runs through on the processor" {
  need_emulation # the plain build, which the script looks for
  unset PGAN_PLUGINS
  "$PGAN_TESTS/gpu/run.sh" --device cpu --quick --out results --stage operations --stage records --stage training --stage metrics --stage faces --stage sanitizer \
    --stage speed --peer no --scales 1 >log
  tail -n 1 log | grep -qE "^[0-9]+ passed, 0 failed, 2 skipped"
  [ -e results/faces2.png ]
  grep -q "^ok   the same bytes after an interruption" results/results.txt
}

@test "the script for a machine with a GPU ends what takes too long, and goes on" {
  need_emulation # the plain build, which the script looks for
  ! "$PGAN_TESTS/gpu/run.sh" --device cpu --quick --limit .001 --out results --stage records --stage sanitizer >log || false
  grep -q "^FAIL records, cpu (took longer than .001 s)" log
  tail -n 1 log | grep -qE "^1 passed, 3 failed, 1 skipped"
}
