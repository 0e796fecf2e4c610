#!/usr/bin/env bats
# The runner itself: what crashes, ends early or runs nothing is a failure.

load common

# program NAME LINE…: a test program of these shell commands.
program() {
  local name=unit/$1
  shift
  mkdir -p unit
  printf '%s\n' '#!/bin/sh' "$@" >"$name"
  chmod +x "$name"
}

run_tests() {
  mkdir -p alone
  cp "$PGAN_TESTS/run" alone/run
  PGAN_UNIT=$PWD/unit run alone/run
}

@test "tests that pass, fail and are skipped are counted" {
  program test_some 'echo "ok 1 - a"' 'echo "ok 2 - b # skip not here"' 'echo "not ok 3 - c"' 'echo 1..3' 'exit 1'
  run_tests
  [ "$status" = 1 ]
  [ "${lines[-1]}" = "1 passed, 1 failed, 1 skipped" ]
  program test_some 'echo "ok 1 - a"' 'echo 1..1'
  run_tests
  [ "$status" = 0 ]
  [ "${lines[-1]}" = "1 passed, 0 failed" ]
}

@test "a program that crashes, ends early or has no tests has failed" {
  for commands in 'echo "ok 1 - a"; kill -SEGV $$' 'echo "ok 1 - a"; echo 1..1; exit 23' 'echo "ok 1 - a"' 'echo "ok 1 - a"; echo 1..2' 'true'; do
    program test_it "$commands"
    run_tests
    [ "$status" = 1 ]
    [[ ${lines[-1]} == *" 1 failed" ]]
  done
}

@test "what hangs has failed, and is ended with what it started" {
  mkdir -p alone
  program test_it 'echo "ok 1 - a"' 'sleep 1000 & echo $! >alone/sleeper; wait'
  PGAN_TEST_LIMIT=1 run_tests
  [ "$status" = 1 ]
  [[ $output == *"test_it ended with status 124"* ]]
  while kill -0 "$(cat alone/sleeper)"; do sleep .01; done
}

@test "nothing at all is no success" {
  mkdir -p unit
  run_tests
  [ "$status" = 1 ]
}
