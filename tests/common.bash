# Helpers of the Bats files: `load common` in each. tests/run sets PGAN_BIN, PGAN_UNIT and PGAN_TESTS; a file run by hand finds them here.
: "${PGAN_TESTS:=$(cd "$BATS_TEST_DIRNAME" && pwd)}"
: "${PGAN_BIN:=$PGAN_TESTS/../bin}" "${PGAN_UNIT:=$PGAN_TESTS/../build/gcc/tests}"
export OMP_WAIT_POLICY=passive # a spinning thread is in the way of every other test
export PGAN_BIN PGAN_UNIT PGAN_TESTS PATH=$PGAN_BIN:$PATH
PYTHON=/usr/bin/python3
export PYTHONUNBUFFERED=1 # NumPy before 2.0 saves into a pipe only so
golden=$PGAN_TESTS/golden

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
}

# pipe 'a | b': a pipeline of which any part may fail. Use: run pipe '…'
pipe() {
  bash -o pipefail -c "$1"
}

# fails CODE TEXT COMMAND…: the command ends with that code and says TEXT in exactly one line on stderr, and nothing on stdout.
fails() {
  local code=$1 text=$2 status=0
  shift 2
  "$@" >stdout.txt 2>stderr.txt </dev/null || status=$?
  if [ "$status" != "$code" ] || [ -s stdout.txt ] || [ "$(wc -l <stderr.txt)" != 1 ] || ! grep -qF -- "$text" stderr.txt; then
    echo "'$*' ended with $status instead of $code, wrote $(wc -c <stdout.txt) bytes, and said:"
    cat stderr.txt
    echo "where one line with \"$text\" was expected"
    return 1
  fi
}

# on_terminal 'COMMAND': runs it with a terminal for its stdout, like `run`; skips the test where there is none to be had.
on_terminal() {
  script -qec true /dev/null >/dev/null 2>&1 || skip "there is no terminal to be had"
  run script -qec "$1" /dev/null
}

# no_leftovers DIR [NAME…]: the folder holds these names and nothing else, hidden ones included.
no_leftovers() {
  local dir=$1
  shift
  diff <(ls -A "$dir") <(printf '%s\n' "$@" | sed '/^$/d' | LC_ALL=C sort)
}

# npy SHAPE TYPE [EXPRESSION]: a NumPy array on stdout, the values of EXPRESSION (seeded random numbers by default).
npy() {
  "$PYTHON" - "$@" <<'PY'
import sys, numpy as np
shape = tuple(int(x) for x in sys.argv[1].split(','))
rng = np.random.default_rng(1)
kind = np.dtype(sys.argv[2])
values = eval(sys.argv[3]) if len(sys.argv) > 3 else (rng.integers(0, 256, shape) if kind == np.uint8 else rng.uniform(-1, 1, shape))
np.save(sys.stdout.buffer, np.ascontiguousarray(np.broadcast_to(values, shape).astype(kind)))
PY
}

# need_emulation: lets the device cuda be the same sources over an emulation of CUDA on the processor (tests/gpu/emulation), or skips the test.
need_emulation() {
  [ -e "$PGAN_UNIT/emulated/pgan-cuda.so" ] || skip "the emulation was not built: no g++, or not the plain build"
  export PGAN_PLUGINS=$PGAN_UNIT/emulated PGAN_CACHE=
}

# stopped OUT.h5 ARGUMENT…: pgan-grow -o OUT.h5 …, ended by a signal (SIGNAL, SIGTERM) as soon as it trains, with that status. Leaves a checkpoint.
stopped() {
  local out=$1 log=${1%.h5}.log
  shift
  rm -f "$log"
  env --default-signal=INT pgan-grow -o "$out" "$@" 3>&- & # what a shell starts in the background ignores SIGINT
  until [ -s "$log" ]; do kill -0 $!; sleep .005; done
  sleep .05
  kill -s "${SIGNAL-TERM}" $!
  wait $!
}

# full_disk: mounts a file system of 64 KiB on ./full, or skips the test where that is not allowed; full_disk_end unmounts it.
full_disk() {
  mkdir -p full
  mount -t tmpfs -o size=64k pgan-test full 2>/dev/null || skip "a small file system cannot be mounted here"
}
full_disk_end() {
  umount full 2>/dev/null || true
}

# leftover NAME: the name of the temporary file of NAME that a killed process of this machine would have left.
leftover() {
  sleep 0 &
  wait $!
  "$PYTHON" - "$1" $! <<'PY'
import os, sys
digest = 0xcbf29ce484222325
for byte in open("/proc/sys/kernel/random/boot_id").read().strip().encode() + os.readlink("/proc/self/ns/pid").encode():
    digest = (digest ^ byte) * 0x100000001b3 % 2**64
print(".%s.%08x-%s.tmp" % (sys.argv[1], digest % 2**32, sys.argv[2]))
PY
}

# child_of PID: the newest process that PID has started. (A bare system has no pgrep.)
child_of() {
  { cat /proc/[0-9]*/stat 2>/dev/null || true; } | awk -v parent="$1" '$4 == parent { print $1 }' | sort -n | tail -n 1
}

# A network of some thousand parameters; one thread, so that the bytes are those of any machine's one thread. Some files have others.
tiny=(--set "depthScales=8,8,8,8,8,8,8" --set dimLatentVector=8 --set previewImages=0 --threads 1)

# grow SCALE OUT OPTION…: a quiet run on data.h5, from scale(SCALE-1).h5, with the options ${tiny[@]}. Some files have a grow of their own.
grow() {
  local scale=$1 out=$2 from=()
  shift 2
  if [ "$scale" != 0 ]; then from=(--from "scale$((scale - 1)).h5"); fi
  pgan-grow -q --data data.h5 --scale "$scale" "${from[@]}" -o "$out" "${tiny[@]}" "$@"
}

# random_data N SIDE FILE: N seeded random pictures at 4x4 … SIDE.
random_data() {
  "$PYTHON" - "$@" <<'PY'
import sys, h5py, numpy as np
n, side, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
x = np.random.default_rng(5).integers(0, 256, (n, 3, side, side)).astype('u1')
with h5py.File(path, 'w') as f:
    r = side
    while r >= 4:
        f[f'data{r}x{r}'] = x.reshape(n, 3, r, side // r, r, side // r).mean((3, 5)).astype('u1')
        r //= 2
PY
}
