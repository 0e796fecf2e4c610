#!/usr/bin/env bats
# make install, and what else the Makefile writes for others.
bats_require_minimum_version 1.5.0
load common

# The same flags as `make check` had come in MAKEFLAGS, so that nothing is built anew.
of_pgan() {
  make -s -C "$PGAN_TESTS/.." "$@"
}

@test "install puts tools, pages and the pipeline where it is told, and uninstall takes them away" {
  of_pgan install DESTDIR="$PWD/the root" PREFIX=/opt/pgan >/dev/null
  [ -x "the root/opt/pgan/bin/swd" ]
  of_pgan uninstall DESTDIR="$PWD/the root" PREFIX=/opt/pgan
  [ "$(find "the root" -type f)" = "" ]
  [ ! -e "the root/opt/pgan/share/pgan" ]
  of_pgan install DESTDIR="$PWD/root" PREFIX=/opt/pgan >/dev/null
  root/opt/pgan/bin/pgan-grow --version >/dev/null
  [ "$(find root/opt/pgan/bin -type f | wc -l)" = 8 ]
  for tool in root/opt/pgan/bin/*; do grep -q '^\.TH' "root/opt/pgan/share/man/man1/${tool##*/}.1"; done
  (cd root && env -i PATH=/usr/bin:/bin make -n -f opt/pgan/share/pgan/pipeline.mk PRESET=demo report) >plan
  grep -q '^opt/pgan/share/pgan/../../bin/toy-faces' plan # its own tools, wherever PATH leads
  of_pgan uninstall DESTDIR="$PWD/root" PREFIX=/opt/pgan
  [ "$(find root -type f)" = "" ]
}

@test "compile_commands.json names a command for each source, with its instruction set" {
  of_pgan compile_commands.json
  "$PYTHON" - "$PGAN_TESTS/../compile_commands.json" <<'PY'
import json, shlex, sys
commands = {c['file']: shlex.split(c['command']) for c in json.load(open(sys.argv[1]))}
assert '-DPGAN_VERSION="' in ' '.join(commands['src/swd.c'])
assert '-mavx512f' in commands['lib/backend/cpu_avx512.c'] and '-mavx2' in commands['lib/metrics/metric_loops_avx2.c']
PY
}
