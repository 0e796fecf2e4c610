#!/usr/bin/env bats
# What every tool says of itself: --help, --man and --version.
load common

tools=(celeba-crop laplacian-pyr msssim pack-h5 pgan-grow pgan-sample swd toy-faces)

@test "manual pages have their sections in the usual order" {
  for tool in "${tools[@]}"; do
    "$tool" --man | sed -n 's/^\.SH //p' >sections
    head -n 4 sections | diff - <(printf '%s\n' NAME SYNOPSIS DESCRIPTION OPTIONS)
    [ "$(grep -c -x -e 'EXIT STATUS' -e EXAMPLES sections)" = 2 ]
    [ -z "$(sort sections | uniq -d)" ]
  done
}

@test "what tools read from the environment stands in their pages" {
  for tool in pgan-grow pgan-sample swd msssim; do
    "$tool" --help | sed -n '/^ENVIRONMENT$/,/^EXAMPLES$/p' >environment
    grep -q '^PGAN_PLUGINS: ' environment
  done
  for tool in pgan-grow pgan-sample; do
    "$tool" --help | grep '^PGAN_CACHE: '
    "$tool" --help | grep '^OMP_WAIT_POLICY, GOMP_SPINCOUNT: '
  done
}

@test "threads that wait spin for a short time, unless the environment says how long" {
  for tool in pgan-grow pgan-sample; do
    env -u OMP_WAIT_POLICY OMP_DISPLAY_ENV=verbose "$tool" --version 2>openmp
    [ "$(grep -c "GOMP_SPINCOUNT = '1000'" openmp)" = 1 ]
    [ "$(grep -c "OPENMP DISPLAY ENVIRONMENT BEGIN" openmp)" = 2 ]
    OMP_WAIT_POLICY=active OMP_DISPLAY_ENV=verbose "$tool" --version 2>openmp
    [ "$(grep -c "OPENMP DISPLAY ENVIRONMENT BEGIN" openmp)" = 1 ]
    env -u OMP_WAIT_POLICY GOMP_SPINCOUNT=7 OMP_DISPLAY_ENV=verbose "$tool" --version 2>openmp
    grep -q "GOMP_SPINCOUNT = '7'" openmp
  done
}

@test "no line of --help but tables and examples is longer than 100 letters" {
  export LC_ALL=C.UTF-8
  for tool in "${tools[@]}"; do
    ! "$tool" --help | grep -v '^  ' | grep -E '.{101}' || false
  done
}

@test "--version names the compiler, the libraries that a tool uses, and its devices" {
  for tool in "${tools[@]}"; do
    "$tool" --version >version
    grep -q "^$tool (pgan) [0-9.]*\(-dev\)\?$" version
    grep -q -E '^compiler: (gcc|clang) ' version
    grep -q -E '^libraries: .*libpng [0-9.]+, libjpeg' version
    [ "$tool" = toy-faces ] || grep -q -E '^libraries: HDF5 [0-9.]+, ' version
  done
  for tool in celeba-crop laplacian-pyr msssim pack-h5 swd; do
    "$tool" --version | grep -E '^libraries: .*libzip [0-9]'
  done
  pack-h5 --version | grep -E 'zlib [0-9.]+, jansson [0-9.]+, nettle [0-9]'
  for tool in swd msssim; do
    "$tool" --version | grep -x 'backend: cpu: usable'
    "$tool" --version | grep '^backend: cuda: '
  done
  for tool in pgan-grow pgan-sample; do
    "$tool" --version | grep '^backend: cpu: oneDNN'
  done
}
