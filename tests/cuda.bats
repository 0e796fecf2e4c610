# The plug-in for NVIDIA GPUs on a machine that has none; what needs one is in tests/gpu.
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

@test "cuDNN makes a plan for every convolution of six scales (test_cudnn_plans)" {
  need_plugin
  [ -n "${PGAN_UNIT-}" ] || skip "PGAN_UNIT is not set"
  [ -x "$PGAN_UNIT/test_cudnn_plans" ] # run with the C tests
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
  for device in cuda:x cuda:0:fp16 cuda:bf16:0 cuda:-1; do
    fails 2 "unknown device '$device': give cuda[:N][:fp32|tf32|bf16]" verify_on "$device"
  done
}
