# pipeline.mk: what it makes, in which order, and what it makes again.
bats_require_minimum_version 1.5.0
load common

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  toy-faces -n 12 --seed 3 -o pictures.zip
}

# A run small enough for a test: two scales of narrow networks.
pipeline() {
  make -f "$PGAN_TESTS/../pipeline.mk" BIN= PRESET=demo RUN=run IMAGES=pictures.zip LAST=1 DEPTH_0=8 DEPTH_1=8 LATENT=8 BATCH_0=4 BATCH_1=4 \
    ITERS_0=6 ITERS_1=6 JUMPS_1=2 JUMP=1 SAMPLES=16 CROP_FLAGS='--size 16' "$@"
}

# made COMMAND…: which of the run's files the command made.
made() {
  touch -d '1 second ago' reference
  "$@" >/dev/null 2>&1
  find run -newer reference -type f ! -path '*/.settings/*' ! -name '.*' | grep -E '\.h5$' | sort | tr '\n' ' '
}

age() {
  find run pictures.zip -exec touch -d '1 minute ago' {} +
}

@test "a scale and all before it, and nothing again" {
  run pipeline scale1
  [ "$status" = 0 ] || { echo "$output"; return 1; }
  [ -s run/data.h5 ]
  [ -s run/scale0.h5 ]
  [ -s run/scale1.h5 ]
  [ ! -e run/scale1.ckpt ]
  [ ! -e run/scale0.ckpt ]
  age
  [ "$(made pipeline scale1)" = "" ]
}

@test "a stage that fails behind its last picture makes no data set; one whose reader has enough does" {
  printf '#!/bin/sh\nceleba-crop "$@"\nexit 3\n' >failing
  chmod +x failing
  run pipeline pack CROP=./failing
  [ "$status" != 0 ]
  [ ! -e run/data.h5 ]
  pipeline pack PACK='pack-h5 --limit 2' >/dev/null 2>&1
  [ "$("$PYTHON" -c 'import h5py; print(len(h5py.File("run/data.h5")["data16x16"]))')" = 2 ]
}

@test "a changed variable makes anew what depends on it and nothing else" {
  pipeline scale1 >/dev/null 2>&1
  age
  [ "$(made pipeline scale1 ITERS_1=7)" = "run/scale1.h5 " ]
  age
  [ "$(made pipeline scale1 ITERS_1=7 SAMPLES=20)" = "" ]
  [ "$(made pipeline scale1 ITERS_1=7 LR_0=0.003)" = "run/scale0.h5 run/scale1.h5 " ]
  age
  [ "$(made pipeline scale1 ITERS_1=7 LR_0=0.003 PACK_FLAGS='--filter box')" = "run/data.h5 run/scale0.h5 run/scale1.h5 " ]
}

@test "an interrupted scale is gone on with, and ends in the same bytes" {
  pipeline scale1 ITERS_1=300 >/dev/null 2>&1
  mv run/scale1.h5 whole.h5
  # How often it is saved changes nothing; stopped as soon as there is a checkpoint, it goes on from there.
  pipeline scale1 ITERS_1=300 SETTINGS="$(demo_settings) saveIter=5" >/dev/null 2>&1
  cmp run/scale1.h5 whole.h5
  rm run/scale1.h5
  killed_at_checkpoint scale1 ITERS_1=300 SETTINGS="$(demo_settings) saveIter=5"
  [ ! -e run/scale1.h5 ]
  run pipeline scale1 ITERS_1=300 SETTINGS="$(demo_settings) saveIter=5"
  [ "$status" = 0 ] || { echo "$output"; return 1; }
  cmp run/scale1.h5 whole.h5
}

# killed_at_checkpoint ARGUMENT…: the pipeline in a process group of its own, all of which is killed when there is a checkpoint of scale 1.
killed_at_checkpoint() {
  setsid bash -c "$(declare -f pipeline); pipeline \"\$@\"" - "$@" >log 2>&1 3>&- &
  local group=$!
  for _ in $(seq 1000); do
    if [ -e run/scale1.ckpt ]; then break; fi
    sleep .02
  done
  kill -KILL -- "-$group"
  wait "$group" || true
  [ -e run/scale1.ckpt ]
}

demo_settings() {
  make -s -f "$PGAN_TESTS/../pipeline.mk" PRESET=demo print-SETTINGS | sed 's/^SETTINGS = //; s/ ([a-z ]*)$//'
}

@test "a checkpoint of other settings is dropped, not resumed" {
  pipeline scale0 >/dev/null 2>&1
  pgan-grow -q --data run/data.h5 --scale 1 --from run/scale0.h5 -o run/scale1.h5 --batch 4 --iters 3 --set depthScales=[8,8] --set dimLatentVector=8
  mv run/scale1.h5 run/scale1.ckpt
  touch -d '1 hour ago' run/scale1.ckpt
  run pipeline scale1
  [ "$status" = 0 ] || { echo "$output"; return 1; }
  [[ $output == *"'run/scale1.ckpt', after iteration 3, is dropped: "*"iterations is 6 and was 3"* ]]
  [ ! -e run/scale1.ckpt ]
}

@test "what does not change the training keeps a checkpoint, and makes nothing anew" {
  pipeline scale0 DEVICE=plain SETTINGS="$(demo_settings) saveIter=5" >/dev/null 2>&1
  killed_at_checkpoint scale1 DEVICE=plain ITERS_1=3000 SETTINGS="$(demo_settings) saveIter=5"
  touch -d '1 hour ago' run/scale1.ckpt
  run pipeline scale1 DEVICE=cpu SWD_EVERY=9999 ITERS_1=3000 SETTINGS="$(demo_settings) saveIter=5"
  [ "$status" = 0 ] || { echo "$output"; return 1; }
  [[ $output == *"going on at iteration "*" of 3000 from 'run/scale1.ckpt'"* ]]
  [[ $output != *dropped* && $output != *'--scale 0'* ]]
}

@test "-n shows the plan and does nothing" {
  run pipeline -n scale1
  [ "$status" = 0 ]
  [[ $output == *"pack-h5"*"--scale 0"*"--scale 1 "* ]]
  [ ! -e run/data.h5 ]
}

@test "a stage can be swapped" {
  pipeline pack >/dev/null 2>&1
  cat >mycrop <<'SH'
#!/bin/sh
echo "$@" >cropped.txt
exec celeba-crop "$@"
SH
  chmod +x mycrop
  age
  [ "$(made pipeline pack CROP=./mycrop)" = "run/data.h5 " ]
  grep -q pictures.zip cropped.txt
}

@test "a network stays when what started the trainer fails after it" {
  pipeline scale0 >/dev/null 2>&1
  cp run/scale0.h5 before.h5
  printf '#!/bin/sh\npgan-grow "$@"\nexit 1\n' >launcher
  chmod +x launcher
  # Nothing to do: the command has changed, and what it makes has not.
  run pipeline scale0 GROW=./launcher
  [ "$status" = 2 ]
  cmp run/scale0.h5 before.h5
  run pipeline scale1 GROW=./launcher
  [ "$status" = 2 ]
  [ -e run/scale1.h5 ]
  age
  [ "$(made pipeline scale1 GROW=./launcher)" = "" ]
  # What replaces it only at the end leaves it until then.
  run pipeline scale0 ITERS_0=7 GROW=false
  [ "$status" = 2 ]
  cmp run/scale0.h5 before.h5
}

@test "samples, growth and scores" {
  run pipeline report LAST=2 DEPTH_2=8 ITERS_2=3 BATCH_2=4 JUMPS_2=1
  [ "$status" = 0 ] || { echo "$output"; return 1; }
  [[ $output == *"run/scale2.samples.png"* && $output == *"run/growth.png"* && $output == *karras* ]]
  "$PYTHON" -c 'from PIL import Image; assert Image.open("run/growth.png").size[0] > 100; Image.open("run/scale2.samples.png").load()'
  grep -q average run/scale2.swd.txt
  pipeline clean >/dev/null 2>&1
  [ ! -e run ]
  [ -e pictures.zip ]
}

# The reproduced system's config_celeba_cropped.json: facts, not code.
published() {
  cat <<'JSON'
{"pathDB": "img_dataset/cropped_celeba",
 "config": {
   "miniBatchScheduler": {"0": 64, "1": 64, "2": 64, "3": 64, "4": 32, "5": 22},
   "configScheduler": {
     "0": {"baseLearningRate": 0.003}, "1": {"baseLearningRate": 0.003}, "2": {"baseLearningRate": 0.003},
     "3": {"baseLearningRate": 0.003}, "4": {"baseLearningRate": 0.001}, "5": {"baseLearningRate": 0.001}},
   "maxIterAtScale": [48000, 96000, 96000, 96000, 96000, 160000]}}
JSON
}

@test "CONFIG: the published file says what is done at every scale, and nothing of a preset does" {
  published >config_celeba_cropped.json
  run make -n -f "$PGAN_TESTS/../pipeline.mk" BIN= RUN=run IMAGES=pictures.zip CONFIG=config_celeba_cropped.json scale5
  [ "$status" = 0 ]
  for scale in 0 1 2 3 4 5; do grep -q "pgan-grow --scale $scale --config config_celeba_cropped.json --seed" <<<"$output"; done
  run ! grep -q -- '--iters\|--batch\|--lr\|--set' <<<"$output"
  # What the same options come to at scale 5.
  pgan-grow --scale 5 --profile zoo --config config_celeba_cropped.json --print-config >table
  for want in 'miniBatchSize +file +22' 'baseLearningRate +file +0.001' 'maxIterAtScale +file +160000' 'depthScales +default'; do grep -qE "^$want" table; done
}

@test "CONFIG drives a run of two scales; changed, it trains what it changes; SETTINGS come on top" {
  small='{"config": {"depthScales": [8, 8], "dimLatentVector": 8, "maxIterAtScale": [4, 5], "miniBatchScheduler": {"0": 4, "1": 2}, "alphaNJumps": [0, 2], "alphaSizeJumps": [0, 1],
    "configScheduler": {"0": {"baseLearningRate": 0.003}, "1": {"baseLearningRate": 0.002}}}}'
  echo "$small" >small.json
  with() { make -f "$PGAN_TESTS/../pipeline.mk" BIN= RUN=run IMAGES=pictures.zip CROP_FLAGS='--size 16' LAST=1 CONFIG=small.json scale1 "$@"; }
  run with
  [ "$status" = 0 ] || { echo "$output"; return 1; }
  [ "$(tail -n 1 run/scale0.log | cut -f 1,3,5)" = $'4\t16\t0.003' ]
  [ "$(tail -n 1 run/scale1.log | cut -f 1,3,5)" = $'5\t10\t0.002' ]
  touch -d '2 minutes ago' small.json
  age
  [ "$(made with)" = "" ]
  echo "${small/0.002/0.001}" >small.json
  cp run/scale0.h5 before.h5
  run with
  [ "$status" = 0 ] || { echo "$output"; return 1; }
  cmp before.h5 run/scale0.h5
  [ "$(tail -n 1 run/scale1.log | cut -f 5)" = 0.001 ]
  run with SETTINGS=maxIterAtScale=7
  [ "$(tail -n 1 run/scale1.log | cut -f 1)" = 7 ]
  # What the file says is said nowhere else.
  fails 2 "LATENT ITERS_1 and CONFIG do not go together: change the file, or give SETTINGS" bash -c 'make "$@"' - --no-print-directory -n -f "$PGAN_TESTS/../pipeline.mk" RUN=run IMAGES=pictures.zip LAST=1 CONFIG=small.json scale1 ITERS_1=7 LATENT=9
}

@test "ITER judges what was kept of a scale; SWD_EVERY judges on the way" {
  three=(LAST=2 DEPTH_2=8 ITERS_2=25 BATCH_2=4 JUMPS_2=1 SWD_EVERY=1 "SETTINGS=$(demo_settings) saveIter=10 swdImages=12")
  run pipeline scale2 "${three[@]}"
  [ "$status" = 0 ] || { echo "$output"; return 1; }
  [ "$(awk -F '\t' 'NR > 1 && $23 > 0 { printf "%s ", $1 }' run/scale2.log)" = "10 20 25 " ]
  pipeline swd SCALE=2 ITER=20 "${three[@]}" | grep -q average
  pipeline sample SCALE=2 ITER=10 "${three[@]}" >/dev/null
  [ -s run/scale2_i20.swd.txt ]
  [ -s run/scale2_i10.samples.png ]
  [ ! -e run/scale2.swd.txt ]
  run pipeline swd SCALE=2 ITER=15 "${three[@]}"
  [ "$status" != 0 ]
  [[ $output == *"run/scale2_i15.h5 is not there: networks are kept every saveIter iterations"* ]]
  pipeline clean "${three[@]}" >/dev/null 2>&1
  [ ! -e run ]
}

@test "without pictures it says which file to get" {
  run make -s -f "$PGAN_TESTS/../pipeline.mk" BIN= RUN=run scale0
  [ "$status" != 0 ]
  [[ $output == *"IMAGES is not set"*"img_align_celeba.zip"* ]]
}

@test "an unknown preset is refused" {
  run make -s -f "$PGAN_TESTS/../pipeline.mk" PRESET=other help
  [ "$status" != 0 ]
  [[ $output == *"PRESET is 'other'"* ]]
}

@test "a scale that the preset knows nothing of is refused, unless it is told or a configuration file says it" {
  plan() { make -s -n -f "$PGAN_TESTS/../pipeline.mk" BIN= RUN=run IMAGES=pictures.zip PRESET=celeba "$@"; }
  run plan scale0 LAST=6
  [ "$status" = 2 ]
  [ "${#lines[@]}" = 1 ]
  [[ $output == *"ITERS_6 is not set: the preset celeba does not say what is done at scale 6.  Stop." ]]
  run plan scale6 LAST=6 ITERS_6=9 BATCH_6=8 LR_6=0.001 JUMPS_6=600
  [[ $output == *"DEPTH_6 is not set"* ]]
  run plan scale6 LAST=6 ITERS_6=9 BATCH_6=8 LR_6=0.001 JUMPS_6=600 DEPTH_6=64
  [ "$status" = 0 ]
  [[ $output == *"--scale 6 "*"--iters 9 --batch 8 --lr 0.001"* ]]
  run plan scale6 LAST=6 CONFIG=c.json
  [[ $output != *"is not set"* ]]
  for scale in 6 abc ''; do
    run plan scale0 SCALE=$scale
    [ "$status" = 2 ]
    [[ $output == *"SCALE is '$scale': give a scale from 0 to 5"* ]]
  done
  for last in 9 six; do
    run plan scale0 LAST=$last
    [ "$status" = 2 ]
    [[ $output == *"LAST is '$last': give the number of the last scale, 0 to 8"* ]]
  done
}

@test "help says what every target and variable is; print- shows one of them" {
  run make -s -f "$PGAN_TESTS/../pipeline.mk" PRESET=demo SEED=5 help
  [ "$status" = 0 ]
  grep -q '^  SEED  *= 5  *of everything random \[command line\]$' <<<"$output"
  grep -q '^  DEPTH_k  *=  *128  *128  *64  *32  channels$' <<<"$output"
  for v in $(sed -n 's/^\([A-Z_]*\) = .*/\1/p' "$PGAN_TESTS/../pipeline.mk"); do
    case $v in NET|RECIPE|OF_SCALES|BY_NAME|LABELS|HOW|JUDGED|SCORES|SCORED|TARGETS|VARIABLES|SHELL|*_COMMAND) continue ;; esac
    grep -q "^  $v  *= " <<<"$output"
  done
  run make -s -f "$PGAN_TESTS/../pipeline.mk" print-ITERS_5
  [ "$output" = "ITERS_5 = 160000 (file)" ]
}

@test "crop and faces begin a run of their own, and are made anew with other flags" {
  pipeline crop >/dev/null
  [ "$(find run/crop -name '*.png' | wc -l)" = 12 ]
  age
  run pipeline -q crop
  [ "$status" = 0 ]
  pipeline crop CROP_FLAGS='--size 8' >/dev/null
  [ "$("$PYTHON" -c 'import glob, PIL.Image as i; print({i.open(f).size for f in glob.glob("run/crop/*.png")})')" = "{(8, 8)}" ]
  run make -f "$PGAN_TESTS/../pipeline.mk" BIN= RUN=other crop
  [ "$status" = 2 ]
  [[ "$output" == *"pipeline: IMAGES is not set: "* ]]
  pipeline faces FACES_COUNT=3 >/dev/null
  [ "$(unzip -Z1 run/faces.zip | wc -l)" = 3 ]
}

@test "a RUN that make or a shell would take apart is refused, and clean touches nothing" {
  mkdir run
  echo mine >run/mine.txt
  for name in "run x" "run " "" "run;x" "r*n" "run'" 'run$$x' "run:x" "run=x" -x; do
    for target in clean pack help; do
      run make -f "$PGAN_TESTS/../pipeline.mk" BIN= RUN="$name" IMAGES=pictures.zip $target
      [ "$status" = 2 ]
      [[ "$output" == *"RUN is "* ]]
    done
  done
  for name in 'a&touch gone' "it's.zip" 'a(b).zip' 'a:b.zip' 'a=b.zip' 'a%.zip'; do
    for variable in IMAGES DATA; do
      run make -f "$PGAN_TESTS/../pipeline.mk" BIN= RUN=run IMAGES=pictures.zip $variable="$name" pack
      [ "$status" = 2 ]
      [[ "$output" == *"$variable is '$name': give "* ]]
    done
  done
  [ ! -e gone ]
  [ "$(cat run/mine.txt)" = mine ]
  run make -f "$PGAN_TESTS/../pipeline.mk" BIN= RUN=run IMAGES="no such.zip" pack
  [[ "$output" == *"pipeline: there is no 'no' (IMAGES: "* ]]
}

@test "a data set of one's own is taken as it is" {
  celeba-crop --size 16 pictures.zip 2>/dev/null | pack-h5 -q -o mine.h5
  md5sum mine.h5 >before
  touch -d '1 hour ago' mine.h5
  run pipeline scale0 DATA=mine.h5 PACK_FLAGS='--filter box'
  [ "$status" = 0 ] || { echo "$output"; return 1; }
  [ -s run/scale0.h5 ]
  [ ! -e run/data.h5 ]
  pipeline clean DATA=mine.h5 >/dev/null 2>&1
  md5sum -c --quiet before
  run pipeline scale0 DATA=none.h5
  [ "$status" = 2 ]
  [[ "$output" == *"pipeline: there is no 'none.h5' (DATA: a data set as pack-h5 makes it)"* ]]
  run pipeline crop DATA=mine.h5
  [ "$status" = 0 ]
}

@test "what was not made here is neither made anew nor removed" {
  celeba-crop --size 16 pictures.zip 2>/dev/null | pack-h5 -q -o mine.h5
  mkdir -p run/crop
  cp mine.h5 run/data.h5
  cp pictures.zip run/faces.zip
  unzip -q pictures.zip -d run/crop
  cp mine.h5 run/scale0.h5 # whatever it is
  cp mine.h5 run/scale0_i5.h5
  echo mine | tee run/growth.png run/scale0.samples.png >run/scale0.swd.txt
  md5sum run/data.h5 run/faces.zip run/crop/* run/scale0* run/growth.png >before
  refused() {
    local said=$1
    shift
    run make -f "$PGAN_TESTS/../pipeline.mk" BIN= PRESET=demo RUN=run "$@"
    [ "$status" = 2 ]
    [[ "$output" == *"$said"* ]]
    md5sum -c --quiet before
  }
  refused "'run/data.h5' is there and was not made here: give DATA=run/data.h5 to take it as it is, or put it elsewhere" IMAGES=pictures.zip pack
  refused "'run/crop' is there and was not made here: put it elsewhere" IMAGES=pictures.zip crop
  refused "'run/faces.zip' is there and was not made here: put it elsewhere" faces
  refused "'run/scale0.h5' is there and was not made here: put it elsewhere" DATA=mine.h5 scale0
  refused "'run/scale0.samples.png' is there and was not made here: put it elsewhere" sample LAST=0
  refused "'run/growth.png' is there and was not made here: put it elsewhere" growth LAST=0
  for images in run/crop "$PWD/run/crop" ./run/crop/000001.png run/faces.zip "$PWD/run/faces.zip" "pictures.zip run/faces.zip"; do
    refused "IMAGES is '$images': in run that is a name of what is made there and removed" IMAGES="$images" pack PACK_FLAGS='--shuffle 1'
  done
  refused "RUN lies within IMAGES, '.': what is made there would become training pictures" IMAGES=. pack
  refused "RUN lies within IMAGES, 'run'" IMAGES=run pack
  pipeline clean >/dev/null 2>&1
  md5sum -c --quiet before
  rm run/scale0* run/growth.png
  md5sum run/data.h5 run/faces.zip run/crop/* >before
  for data in run/data.h5 ./run/data.h5 "$PWD/run/data.h5"; do
    pipeline scale0 DATA="$data" >/dev/null 2>&1
    [ -s run/scale0.h5 ]
    pipeline clean DATA="$data" >/dev/null 2>&1
    [ ! -e run/scale0.h5 ]
    md5sum -c --quiet before
  done
}

@test "what judges leaves a checkpoint of other settings alone, and another data set is noticed" {
  pipeline scale0 >/dev/null 2>&1
  pgan-grow -q --data run/data.h5 --scale 1 --from run/scale0.h5 -o run/scale1.h5 --batch 4 --iters 3 --set depthScales=[8,8] --set dimLatentVector=8
  mv run/scale1.h5 run/scale1.ckpt
  cp run/scale1.ckpt before.ckpt
  run pipeline report
  [ "$status" = 2 ]
  [[ "$output" == *"'run/scale1.ckpt' is a run with other settings: "* ]]
  cmp run/scale1.ckpt before.ckpt
  pipeline scale1 >/dev/null 2>&1 # what trains replaces it
  [ -s run/scale1.h5 ]
  [ ! -e run/scale1.ckpt ]
  cp run/data.h5 same.h5
  toy-faces -q -n 12 --seed 9 -o others.zip
  celeba-crop --size 16 others.zip 2>/dev/null | pack-h5 -q -o others.h5
  touch -d '1 hour ago' same.h5 others.h5
  age
  md5sum run/scale?.h5 >before
  pipeline scale1 DATA=same.h5 >/dev/null 2>&1 # whose images are the same
  md5sum -c --quiet before
  pipeline scale1 DATA=others.h5 >/dev/null 2>&1
  [ "$(md5sum -c --quiet before 2>/dev/null | grep -c FAILED)" = 2 ]
  age
  [ "$(made pipeline scale1 DATA=others.h5)" = "" ]
  # Of the networks the scales that are there are judged; the data set that they were trained on has to be named, if it is not the run's.
  rm run/data.h5
  run make -s -f "$PGAN_TESTS/../pipeline.mk" BIN= RUN=run report
  [ "$status" = 0 ] || { echo "$output"; return 1; }
  [[ "$output" == *"run/scale1.h5, judged against"* ]]
  pipeline scale2 DATA=others.h5 LAST=2 DEPTH_2=8 BATCH_2=4 ITERS_2=3 JUMPS_2=1 >/dev/null 2>&1
  run make -s -f "$PGAN_TESTS/../pipeline.mk" BIN= RUN=run SAMPLES=12 swd
  [ "$status" = 2 ]
  [[ "$output" == *"there is no 'run/data.h5' to judge against: give the DATA that the networks were trained on"* ]]
  make -s -f "$PGAN_TESTS/../pipeline.mk" BIN= RUN=run SAMPLES=12 DATA=others.h5 swd | grep -q average
  cp run/growth.png before.png
  make -s -f "$PGAN_TESTS/../pipeline.mk" BIN= RUN=run SEED=2 growth
  ! cmp -s run/growth.png before.png || false
}

@test "labels by name: the cropped pictures are packed with the table of the original ones" {
  mkdir jpg
  unzip -q pictures.zip -d png
  for picture in png/*; do "$PYTHON" -c 'import sys, PIL.Image as i; i.open(sys.argv[1]).save(sys.argv[2])' "$picture" "jpg/$(basename "$picture" .png).jpg"; done
  { echo 12; echo Odd; for i in $(seq 12); do printf '%06d.jpg %s\n' "$i" $((i % 2)); done; } >table.txt
  run pipeline pack IMAGES=jpg PACK_FLAGS='--labels table.txt'
  [ "$status" = 0 ] || { echo "$output"; return 1; }
  "$PYTHON" -c 'import h5py; assert h5py.File("run/data.h5")["labels"][:, 0].tolist() == [1, 0] * 6'
  [ "$(find run/crop -name '*.png' | wc -l)" = 12 ]
  age
  touch -d '2 minutes ago' jpg table.txt
  [ "$(made pipeline pack IMAGES=jpg PACK_FLAGS='--labels table.txt')" = "" ]
  sed -i 's/^000003.jpg 1/000003.jpg 0/' table.txt
  [ "$(made pipeline pack IMAGES=jpg PACK_FLAGS='--labels table.txt')" = "run/data.h5 " ]
  "$PYTHON" -c 'import h5py; assert h5py.File("run/data.h5")["labels"][:, 0].tolist() == [1, 0, 0, 0] + [1, 0] * 4'
  # A picture without a row is told and left out.
  sed -i '/^000005/d; 1s/12/11/' table.txt
  run pipeline pack IMAGES=jpg PACK_FLAGS='--labels table.txt'
  [ "$status" = 0 ]
  [[ "$output" == *"'run/crop/000005.png' has no labels"* ]]
  "$PYTHON" -c 'import h5py; assert h5py.File("run/data.h5")["labels"].shape == (11, 1)'
  # A crop that was killed leaves no folder that looks like all of it.
  rm -r run/crop
  run pipeline crop IMAGES=jpg CROP='sh -c "mkdir run/crop.part; echo > run/crop.part/000001.png; kill -KILL \$\$\$\$" --'
  [ "$status" = 2 ]
  [ ! -e run/crop ]
  pipeline clean >/dev/null 2>&1
  [ ! -e run ]
}

@test "a reader that has enough is no failure, whatever becomes of what writes to it; one that fails is" {
  toy-faces -n 400 --seed 4 -o many.zip
  run pipeline pack IMAGES=many.zip PACK_FLAGS='--limit 4'
  [ "$status" = 0 ] || { echo "$output"; return 1; }
  "$PYTHON" -c 'import h5py; assert h5py.File("run/data.h5")["data16x16"].shape[0] == 4'
  rm run/data.h5
  run pipeline pack IMAGES=many.zip PACK='false'
  [ "$status" = 2 ]
  run pipeline pack IMAGES=many.zip CROP='sh -c "exit 3" --'
  [ "$status" = 2 ]
  [ ! -e run/data.h5 ]
  run pipeline msssim LAST=2 DEPTH_2=8 BATCH_2=4 ITERS_2=2 JUMPS_2=1 SAMPLES=3000 MSSSIM="msssim --pairs 4"
  [ "$status" = 0 ] || { echo "$output"; return 1; }
  grep -q '^ *4  ' run/scale2.msssim.txt
}

@test "a broken picture is told and left out, and the data set stays" {
  unzip -q pictures.zip -d pictures
  echo junk >pictures/bad.png
  run pipeline pack IMAGES=pictures CROP_FLAGS='--size 16'
  [ "$status" = 0 ]
  [[ "$output" == *"bad.png"* ]]
  [ -s run/data.h5 ]
}

@test "a picture that comes or goes in a folder below IMAGES is noticed" {
  mkdir -p "pictures/one more/folder"
  unzip -q pictures.zip -d "pictures/one more/folder"
  for goal in pack crop; do
    pipeline $goal IMAGES=pictures >/dev/null 2>&1
    find run pictures -exec touch -d '1 minute ago' {} +
    run pipeline -n $goal IMAGES=pictures
    [[ "$output" != *celeba-crop* ]]
    mv "pictures/one more/folder/000001.png" .
    run pipeline -n $goal IMAGES=pictures
    [[ "$output" == *celeba-crop* ]]
    mv 000001.png "pictures/one more/folder"
  done
}

@test "a report of 8x8 has no scores, and says so" {
  run pipeline report
  [ "$status" = 0 ]
  [[ "$output" == *"no scores: they are defined from 16x16 pixels on"* ]]
  [ -s run/scale1.samples.png ]
  run pipeline swd
  [ "$status" = 2 ]
  no_leftovers run .settings data.h5 growth.png scale0.h5 scale0.log scale0.previews scale1.h5 scale1.log scale1.previews scale1.samples.png
}

@test "what only judges takes a run as it is, whatever the variables are now" {
  pipeline scale2 LAST=2 DEPTH_2=8 BATCH_2=4 ITERS_2=4 JUMPS_2=1 >/dev/null 2>&1
  md5sum run/*.h5 run/*.log >before
  for goal in sample growth msssim report; do
    make -s -f "$PGAN_TESTS/../pipeline.mk" BIN= RUN=run LAST=2 SAMPLES=16 $goal >/dev/null
  done
  [ -s run/scale2.samples.png ]
  [ -s run/growth.png ]
  [ -s run/scale2.msssim.txt ]
  md5sum -c --quiet before
  make -s -f "$PGAN_TESTS/../pipeline.mk" BIN= RUN=run LAST=2 SAMPLES=16 print-NET msssim help >/dev/null
  md5sum -c --quiet before
  rm run/scale2.h5 run/scale2.samples.png
  age
  [ "$(made pipeline sample LAST=2 DEPTH_2=8 BATCH_2=4 ITERS_2=4 JUMPS_2=1)" = "run/scale2.h5 " ]
}
