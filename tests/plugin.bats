# Tables in shared objects: found, loaded, refused with one clear line.
load common

need_compiler() {
  command -v cc >/dev/null || skip "cc is not there"
  mkdir -p plugins
}

# plugin ABI SIZE BODY: compiles plugins/pgan-cuda.so, whose open() is BODY.
plugin() {
  need_compiler
  cat >plugin.c <<C
#include <stddef.h>
#include "plugin.h"
static int open_it(struct backend **out, const char *options, int threads, int local) { (void)out, (void)options, (void)threads, (void)local; $3; }
const struct plugin pgan_plugin = { $1, $2, open_it };
C
  cc -shared -fPIC -I"$PGAN_TESTS/../lib/backend" -I"$PGAN_TESTS/../lib/base" -o plugins/pgan-cuda.so plugin.c
}

verify_on() {
  PGAN_PLUGINS=$PWD/plugins pgan-grow --device "$1" --verify "$golden/step_s0_b8_a000.h5"
}

@test "a missing plug-in is named, with the folder it was looked for in" {
  mkdir plugins
  fails 1 "device 'cuda' needs the plug-in 'pgan-cuda.so', which is not in '$PWD/plugins'" verify_on cuda
}

@test "without PGAN_PLUGINS it is looked for beside the tool and in ../lib/pgan" {
  mkdir -p prefix/bin prefix/lib/pgan
  cp "$PGAN_BIN/pgan-grow" prefix/bin/
  fails 1 "is not in '$PWD/prefix/bin' or '$PWD/prefix/bin/../lib/pgan'" prefix/bin/pgan-grow --device cuda --verify "$golden/step_s0_b8_a000.h5"
  : >prefix/lib/pgan/pgan-cuda.so
  fails 1 "prefix/bin/../lib/pgan/pgan-cuda.so: file too short" prefix/bin/pgan-grow --device cuda --verify "$golden/step_s0_b8_a000.h5"
}

@test "a file that is no shared object, and one that is no plug-in" {
  mkdir plugins
  echo nothing >plugins/pgan-cuda.so
  fails 1 "device 'cuda' cannot be used: $PWD/plugins/pgan-cuda.so" verify_on cuda
  need_compiler
  echo 'int other;' >other.c
  cc -shared -o plugins/pgan-cuda.so other.c
  fails 1 "'$PWD/plugins/pgan-cuda.so' is not a plug-in of pgan" verify_on cuda
}

@test "a plug-in of another version is refused" {
  plugin 'BACKEND_ABI + 1' 'sizeof(struct backend)' 'return 0'
  fails 1 "was built for another version of pgan" verify_on cuda
  plugin BACKEND_ABI 'sizeof(struct backend) - 8' 'return 0'
  fails 1 "was built for another version of pgan" verify_on cuda
}

@test "a plug-in gets what follows its name, and its message reaches the user" {
  plugin BACKEND_ABI 'sizeof(struct backend)' 'return error_set(ERR_FAILED, "no such device in test: (%s)", options)'
  fails 1 "no such device in test: ()" verify_on cuda
  fails 1 "no such device in test: (1:bf16)" verify_on cuda:1:bf16
  fails 2 "unknown device 'cudas'" verify_on cudas
}

@test "a plug-in without metrics is refused by swd" {
  plugin BACKEND_ABI 'sizeof(struct backend)' 'return 0'
  npy 4,3,16,16 u1 >a.npy
  PGAN_PLUGINS=$PWD/plugins fails 1 "'$PWD/plugins/pgan-cuda.so' has no metrics for this version of pgan" swd --ref a.npy a.npy --device cuda
}

@test "auto takes the processor when the plug-in fails, and --version says why" {
  plugin BACKEND_ABI 'sizeof(struct backend)' 'return error_set(ERR_FAILED, "no such device in test")'
  verify_on cpu >cpu.txt
  verify_on auto >auto.txt 2>messages.txt
  cmp cpu.txt auto.txt
  [ ! -s messages.txt ]
  local tiny=(--set "depthScales=8,8" --set dimLatentVector=8 --set previewImages=0)
  npy 8,3,4,4 u1 | pack-h5 -o data.h5 -q
  PGAN_PLUGINS=$PWD/plugins pgan-grow -v --data data.h5 --scale 0 -o scale0.h5 -n 1 -b 4 "${tiny[@]}" 2>messages.txt
  grep -q '^pgan-grow: device cpu: oneDNN.*; no GPU: no such device in test$' messages.txt
  PGAN_PLUGINS=$PWD/plugins pgan-grow --version >version.txt
  grep -q '^backend: cpu: oneDNN' version.txt
  grep -q '^backend: cuda: not usable: no such device in test$' version.txt
}
