# From pictures to a grown network and its scores.
#
#   make -f pipeline.mk scale5 IMAGES=img_align_celeba.zip RUN=runs/celeba
#   make -f pipeline.mk report PRESET=demo RUN=demo
#   make -f pipeline.mk scale5 IMAGES=img_align_celeba.zip CONFIG=config_celeba_cropped.json
#   make -f pipeline.mk swd SCALE=5 ITER=64000
#   make -f pipeline.mk help        targets, and every variable with its value
#
# Each file is made by one tool from the files before it, and only if it is missing or older than they are. A command that was interrupted is given again:
# the trainer goes on from its checkpoint, which lies beside its target. A changed variable makes anew what depends on it and nothing else:
# $(RUN)/.settings holds the command lines that the files were made by; what is there and has none was not made here, and is neither made anew nor removed.
# Whether a checkpoint or network is of other settings, the trainer itself knows best: it says what differs, and begins anew.
#
# What only judges (sample, growth, swd, msssim, report) takes data and networks that are there as they are. No variable but RUN (and DATA, for a data set of one's
# own) has to be repeated for it: with nothing said of what to train, the highest scale that is there is the last. What is missing is trained, but a checkpoint of
# other settings is left alone, which the trainer then says.

SHELL = /bin/bash
.SHELLFLAGS = -eu -o pipefail -c
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help

# -- what to make --

PRESET = celeba
RUN = runs/$(PRESET)
SEED = 1
DEVICE = auto
SCALE = $(LAST)
CONFIG =
DATA = $(RUN)/data.h5
ITER =
SWD_EVERY =
RANKS = 1

# Make takes names apart at spaces, and a shell at others: with such a RUN `clean` would remove what is not ours.
hash := \#
open := (
close := )
comma := ,
space := $(subst x,,x x)
ifneq ($(words x$(RUN)x),1)
$(error RUN is '$(RUN)': give the name of a folder without spaces)
else ifeq ($(RUN),)
$(error RUN is empty: give the name of a folder)
endif
# $(call without,CHARACTERS,VARIABLE,WHAT IT IS)
without = $(foreach c,$(1),$(if $(findstring $c,$($(2))),$(error $(2) is '$($(2))': give $(3) without $c)))
apart := ' " ` $$ ; : = % & | < > \ $(open) $(close) $(hash)
$(if $(filter -%,$(RUN)),$(error RUN is '$(RUN)': give the name of a folder that does not begin with -))
$(call without,$(apart) * ? [ ] { } ~ $(comma),RUN,the name of a folder)

# -- the stages: any program with the same input and output --

# Those of the tree that this file lies in, or of the installation, as share/pgan/pipeline.mk; otherwise what PATH has.
place := $(dir $(lastword $(MAKEFILE_LIST)))
BIN := $(dir $(firstword $(wildcard $(place)bin/pgan-grow $(place)../../bin/pgan-grow)))
FACES = $(BIN)toy-faces
# A picture that cannot be used is told and left out; without --keep-going it would be a failure, for which make deletes the data set.
CROP = $(BIN)celeba-crop --keep-going
PACK = $(BIN)pack-h5 --keep-going
GROW = $(BIN)pgan-grow
SAMPLE = $(BIN)pgan-sample
SWD = $(BIN)swd
MSSSIM = $(BIN)msssim

# -- presets: what happens at each scale k: ITERS_k, BATCH_k, LR_k (learning rate), JUMPS_k (of alpha while the scale is faded in), DEPTH_k (channels) --

FACES_COUNT = 4096
CROP_FLAGS =
PACK_FLAGS =
PROFILE = zoo

every_scale := 0 1 2 3 4 5 6 7 8
# $(call each_scale,NAME,VALUES): NAME_0, NAME_1 … are these.
each_scale = $(foreach v,$(join $(patsubst %,$(1)_%:=,$(wordlist 1,$(words $(2)),$(every_scale))),$(2)),$(eval $(v)))

ifeq ($(PRESET),celeba)
# The reference's schedule and widths: 28 million images.
IMAGES =
LAST = 5
LATENT = 512
JUMP = 32
SETTINGS =
SAMPLES = 16384
$(call each_scale,ITERS,48000 96000 96000 96000 96000 160000)
$(call each_scale,BATCH,64 64 64 64 32 22)
$(call each_scale,LR,0.001 0.001 0.001 0.001 0.001 0.001)
$(call each_scale,JUMPS,0 600 600 600 600 600)
$(call each_scale,DEPTH,512 512 512 512 256 128)
else ifeq ($(PRESET),demo)
# Faces at 32x32 in a few minutes on two cores; docs/demo.md says how these numbers were found.
IMAGES = $(RUN)/faces.zip
LAST = 3
LATENT = 64
JUMP = 8
SETTINGS = lossMode=Logistic lambdaGP=0 logisticGradReal=0.5 penaltyEvery=8 epsilonD=0 mirrorAugment=true emaHalfLife=10000 emaRampup=0.05
SAMPLES = 2048
$(call each_scale,ITERS,1200 1000 1000 1800)
$(call each_scale,BATCH,16 16 16 16)
$(call each_scale,LR,0.002 0.002 0.002 0.002)
$(call each_scale,JUMPS,0 37 37 67)
$(call each_scale,DEPTH,128 128 64 32)
else
$(error PRESET is '$(PRESET)': give celeba or demo)
endif

ifneq ($(CONFIG),)
SETTINGS =
PROFILE =
endif

# -- derived --

$(call without,$(apart),IMAGES,names of archives$(comma) folders or pictures)
$(call without,$(apart),DATA,the name of a file)

# $(call given,VARIABLE…): those that are not as this file has them.
given = $(strip $(foreach v,$(1),$(if $(filter file undefined,$(origin $(v))),,$(v))))

# What is only judged is not made anew.
JUDGING := $(and $(MAKECMDGOALS),$(if $(filter-out sample growth swd msssim report help print-%,$(MAKECMDGOALS)),,yes))
networks := $(sort $(wildcard $(RUN)/scale[0-8].h5))
ifneq ($(and $(JUDGING),$(networks),$(if $(call given,PRESET CONFIG IMAGES LAST SCALE),,yes)),)
LAST := $(patsubst $(RUN)/scale%.h5,%,$(lastword $(networks)))
endif

ifeq ($(filter $(LAST),$(every_scale)),)
$(error LAST is '$(LAST)': give the number of the last scale, 0 to 8)
endif
SCALES := $(wordlist 1,$(words x $(wordlist 1,$(LAST),a b c d e f g h)),$(every_scale))

ifeq ($(filter $(SCALE),$(SCALES)),)
$(error SCALE is '$(SCALE)': give a scale from 0 to $(LAST))
endif

# Names that can be compared, whatever is a link, and whatever their folder is called.
real = $(subst $(space),|,$(or $(realpath $(1)),$(abspath $(1))))
here := $(call real,$(RUN))
there := $(foreach i,$(IMAGES),$(call real,$(i)) $(subst $(space),|,$(abspath $(i))))
ifneq ($(filter $(addprefix $(here)/,crop crop/% crop.part crop.part/% $(if $(call given,IMAGES),faces.zip)),$(there)),)
$(error IMAGES is '$(IMAGES)': in $(RUN) that is a name of what is made there and removed; put the pictures elsewhere)
else ifneq ($(filter $(addsuffix /%,$(there)),$(here)/),)
$(error RUN lies within IMAGES, '$(IMAGES)': what is made there would become training pictures)
endif

# A configuration file has values of its own for every scale.
OF_SCALES = ITERS BATCH LR JUMPS DEPTH
RECIPE = LATENT JUMP $(foreach k,$(SCALES),$(OF_SCALES:%=%_$(k)))
ifneq ($(CONFIG),)
ifneq ($(call given,$(RECIPE)),)
$(error $(call given,$(RECIPE)) and CONFIG do not go together: change the file, or give SETTINGS)
endif
else
$(foreach k,$(SCALES),$(foreach v,$(OF_SCALES),$(if $($(v)_$(k)),,$(error $(v)_$(k) is not set: the preset $(PRESET) does not say what is done at scale $(k)))))
endif

# $(call kept,FILE): FILE if it is there and only judged.
kept = $(and $(JUDGING),$(wildcard $(1)))

NET = $(RUN)/scale$(SCALE)$(if $(ITER),_i$(ITER)).h5

# The newest settings of a file: a file of its own, older than what it describes unless they changed. $(call settings,NAME,COMMAND)
changed = $(shell printf '%s' '$(subst ','\'',$(2))' | cmp -s - $(RUN)/.settings/$(1) || echo changed)
define settings
$(if $(call changed,$(1),$(2)),.PHONY: $(RUN)/.settings/$(1))
$(RUN)/.settings/$(1): | $(RUN)/.settings
	@printf '%s' '$(subst ','\'',$(2))' > $$@
endef

$(RUN) $(RUN)/.settings:
	mkdir -p $@

# $(call made,NAME,FILE): FILE if it was made here, which its settings tell. $(call foreign,NAME,FILE,ADVICE): it cannot have any in the place of one that was not.
made = $(if $(wildcard $(RUN)/.settings/$(1)),$(2))
define foreign
ifneq ($(if $(call made,$(1),$(2)),,$(wildcard $(2))),)
.PHONY: foreign-$(1)
$(RUN)/.settings/$(1): | foreign-$(1)
foreign-$(1):
	@echo "pipeline: '$(2)' is there and was not made here: $(3)put it elsewhere" >&2; exit 2
endif
endef

# A program into a pipe. A reader that has enough closes it, of which the writer dies (SIGPIPE: 128 + 13): no failure.
feed = { $(1) || [ $$? = 141 ]; }

# -- pictures -> data set --

FACES_COMMAND = $(FACES) -n $(FACES_COUNT) --seed $(SEED)
$(eval $(call settings,faces,$(FACES_COMMAND)))
$(eval $(call foreign,faces,$(RUN)/faces.zip,))
$(RUN)/faces.zip: $(RUN)/.settings/faces
	$(FACES_COMMAND) -o $@

CROP_COMMAND = $(CROP) $(CROP_FLAGS) $(IMAGES)
DATA_COMMAND = $(CROP_COMMAND) | $(PACK) $(PACK_FLAGS)
# What needs the names of pictures reads them from a folder: an image stream has none.
BY_NAME = $(or $(findstring --labels,$(PACK_FLAGS)),$(findstring --shuffle,$(PACK_FLAGS)))
LABELS = $(wildcard $(patsubst --labels=%,%,$(filter --labels=%,$(subst --labels ,--labels=,$(PACK_FLAGS)))))

ask = @echo 'pipeline: IMAGES is not set: download img_align_celeba.zip (CelebA, "Align&Cropped Images"), put it anywhere, and give IMAGES=path/to/img_align_celeba.zip' >&2; exit 2

# $(call added,NAME,FILE): a picture that comes or goes below a folder of IMAGES is a change of no folder but its own.
added = $(if $(and $(wildcard $(2)),$(shell find -L $(IMAGES) -mindepth 1 -type d -newer $(2) -print -quit 2>/dev/null)),.PHONY: $(RUN)/.settings/$(1))

# The pictures as the data set has them, by name.
ifeq ($(IMAGES),)
$(RUN)/crop:
	$(ask)
else
$(filter-out $(RUN)/faces.zip,$(IMAGES)):
	@echo "pipeline: there is no '$@' (IMAGES: names of archives, folders or pictures, without spaces)" >&2; exit 2

$(eval $(call settings,crop,$(CROP_COMMAND)))
$(eval $(call added,crop,$(RUN)/crop))
$(eval $(call foreign,crop,$(RUN)/crop,))
$(RUN)/crop: $(IMAGES) $(RUN)/.settings/crop
	rm -rf $@ $@.part
	$(CROP_COMMAND) -o $@.part
	mv $@.part $@
endif

ifneq ($(call given,DATA)$(call kept,$(RUN)/data.h5),)
else ifneq ($(and $(JUDGING),$(networks)),)
$(RUN)/data.h5:
	@echo "pipeline: there is no '$@' to judge against: give the DATA that the networks were trained on" >&2; exit 2
else ifeq ($(IMAGES),)
$(RUN)/data.h5:
	$(ask)
else
$(eval $(call settings,data,$(DATA_COMMAND)))
$(eval $(call added,data,$(RUN)/data.h5))
$(eval $(call foreign,data,$(RUN)/data.h5,give DATA=$(RUN)/data.h5 to take it as it is$(comma) or ))
$(RUN)/data.h5: $(if $(BY_NAME),$(RUN)/crop,$(IMAGES)) $(LABELS) $(RUN)/.settings/data
	$(if $(BY_NAME),$(PACK) $(PACK_FLAGS) $(RUN)/crop,$(call feed,$(CROP_COMMAND)) | $(PACK) $(PACK_FLAGS)) -o $@
endif

ifneq ($(call given,DATA),)
$(DATA):
	@echo "pipeline: there is no '$@' (DATA: a data set as pack-h5 makes it)" >&2; exit 2
endif

# -- scale by scale --

# Where and by how many the training is done, and whether it is judged on the way: no reason to do it again.
HOW = --device $(DEVICE) $(if $(SWD_EVERY),--swd-every $(SWD_EVERY)) $(if $(filter-out 1,$(RANKS)),--ranks $(RANKS))

# Another data set of one's own is a reason to train and to judge again.
OWN_DATA := $(if $(call given,DATA), --data $(DATA))

# $(call scale_command,k,k-1), and the rule
define scale_command
DEPTHS_$(1) = $(if $(2),$$(DEPTHS_$(2))$$(comma))$$(DEPTH_$(1))
RECIPE_$(1) = $$(if $$(CONFIG),--config $$(CONFIG),--iters $$(ITERS_$(1)) --batch $$(BATCH_$(1)) --lr $$(LR_$(1)) \
	$$(addprefix --set ,depthScales=[$$(DEPTHS_$(1))] dimLatentVector=$$(LATENT) alphaNJumps=$$(JUMPS_$(1)) alphaSizeJumps=$$(JUMP)))
GROW_$(1) = $$(GROW) --scale $(1)$$(if $$(PROFILE), --profile $$(PROFILE)) $$(RECIPE_$(1)) --seed $$(SEED) $$(addprefix --set ,$$(SETTINGS))
endef
define scale_rule
$$(eval $$(call settings,scale$(1),$$(GROW_$(1))$(OWN_DATA)))
$$(eval $$(call foreign,scale$(1),$(RUN)/scale$(1).h5,))
$(RUN)/scale$(1).h5: $(if $(2),$(RUN)/scale$(2).h5) $$(DATA) $$(CONFIG) $(RUN)/.settings/scale$(1)
	$$(GROW_$(1)) $$(HOW) --data $$(DATA) $(if $(2),--from $(RUN)/scale$(2).h5) $(if $(JUDGING),,--replace) -o $$@
endef
# $(call previous,k): k-1, nothing for 0
previous = $(lastword $(wordlist 1,$(1),$(SCALES)))
$(foreach k,$(SCALES),$(eval $(call scale_command,$(k),$(call previous,$(k)))))

# The trainer writes a network whole or not at all: a failure after that (a rank that dies, a launcher) is none of the network's, and an earlier one stays till then.
.PRECIOUS: $(SCALES:%=$(RUN)/scale%.h5)
$(foreach k,$(SCALES),$(if $(call kept,$(RUN)/scale$(k).h5),,$(eval $(call scale_rule,$(k),$(call previous,$(k))))))

# -- samples and scores of scale $(SCALE), or of what it was after ITER iterations --

JUDGED = $(NET:.h5=)
SCORES = scores-$(notdir $(JUDGED))
SAMPLE_COMMAND = $(SAMPLE) $(NET) --seed $(SEED) --device $(DEVICE)
$(eval $(call settings,$(SCORES),$(SAMPLE_COMMAND) -n $(SAMPLES) $(SWD) $(MSSSIM)$(OWN_DATA)))

ifneq ($(ITER),)
$(NET):
	@echo 'pipeline: $@ is not there: networks are kept every saveIter iterations (pgan-grow --help)' >&2; exit 2
endif

$(eval $(call foreign,$(SCORES),$(firstword $(wildcard $(JUDGED).samples.png $(JUDGED).swd.txt $(JUDGED).msssim.txt)),))
$(JUDGED).samples.png: $(NET) $(RUN)/.settings/$(SCORES)
	$(SAMPLE_COMMAND) --grid 8x8 -o $@

GROWTH_COMMAND = $(SAMPLE) $(SCALES:%=$(RUN)/scale%.h5) --seed $(SEED) --device $(DEVICE)
$(eval $(call settings,growth,$(GROWTH_COMMAND)))
$(eval $(call foreign,growth,$(RUN)/growth.png,))
$(RUN)/growth.png: $(SCALES:%=$(RUN)/scale%.h5) $(RUN)/.settings/growth
	$(GROWTH_COMMAND) -o $@

# A command's output under its final name only when the command has ended well.
into = > $@.part && mv $@.part $@ || { status=$$?; rm -f $@.part; exit $$status; }

$(JUDGED).swd.txt: $(NET) $(DATA) $(RUN)/.settings/$(SCORES)
	$(call feed,$(SAMPLE_COMMAND) -n $(SAMPLES)) | $(SWD) --ref $(DATA) --seed $(SEED) --floor $(into)

$(JUDGED).msssim.txt: $(NET) $(DATA) $(RUN)/.settings/$(SCORES)
	$(call feed,$(SAMPLE_COMMAND) -n $(SAMPLES)) | $(MSSSIM) --floor $(DATA) $(into)

# -- what can be asked for --

.PHONY: faces crop pack $(SCALES:%=scale%) sample growth swd msssim report clean help
faces: $(RUN)/faces.zip
crop: $(RUN)/crop
pack: $(DATA)
$(foreach k,$(SCALES),$(eval scale$(k): $(RUN)/scale$(k).h5))
sample: $(JUDGED).samples.png
growth: $(RUN)/growth.png
swd: $(JUDGED).swd.txt
	@cat $<
msssim: $(JUDGED).msssim.txt
	@cat $<

# Below 16x16 pixels neither score is defined.
SCORED = $(if $(filter 0 1,$(SCALE)),,$(JUDGED).swd.txt $(JUDGED).msssim.txt)
report: $(SCORED) $(JUDGED).samples.png $(RUN)/growth.png
	@printf '\n%s\n\n' '$(NET), judged against $(DATA)'; \
	$(if $(SCORED),$(foreach s,$(SCORED),cat $(s); echo;),printf '%s\n\n' 'no scores: they are defined from 16x16 pixels on';) \
	printf '%-28s %s\n' $(JUDGED).samples.png '64 samples' $(RUN)/growth.png 'the same latents at each scale' \
		'$(RUN)/scale*.previews/' 'how each scale went' '$(RUN)/scale*.log' 'losses, gradients, images per second'

# $(call of_scales,ENDING…): the names with these that the scales made here have.
of_scales = $(foreach k,$(every_scale),$(call made,scale$(k),$(addprefix $(RUN)/scale$(k),$(1))))
scored = $(patsubst $(RUN)/.settings/scores-%,$(RUN)/%,$(wildcard $(RUN)/.settings/scores-*))
clean:
	rm -rf $(call made,crop,$(RUN)/crop) $(RUN)/crop.part $(call of_scales,.previews)
	rm -f $(call made,faces,$(RUN)/faces.zip) $(call made,data,$(RUN)/data.h5) $(call of_scales,.h5 .ckpt .log .ranks _i*.h5) $(call made,growth,$(RUN)/growth.png) \
		$(foreach end,samples.png swd.txt msssim.txt swd.txt.part msssim.txt.part,$(scored:=.$(end)))
	rm -rf $(RUN)/.settings
	-[ $(RUN) -ef . ] || rmdir $(RUN)

# -- help --

about_faces = toy-faces draws the pictures of the preset demo
about_crop = the cropped pictures by themselves, in RUN/crop
about_pack = the data set
about_scaleK = trains up to this scale, 0 to LAST
about_sample = 64 samples of SCALE as one picture
about_growth = the same latents at each scale as one picture
about_swd = sliced Wasserstein distance of samples from the pictures
about_msssim = MS-SSIM of pairs of samples, and of pictures
about_report = all of sample, growth, swd and msssim
about_clean = removes what was made in RUN
TARGETS = faces crop pack scaleK sample growth swd msssim report clean

about_PRESET = what is not said otherwise: celeba or demo
about_RUN = the folder that all is made in
about_IMAGES = archives, folders or pictures
about_DATA = the data set; one that is given is taken as it is
about_CONFIG = a file of pytorch_GAN_zoo's or PGAN-Paddle's keys, instead of what the preset says of the training
about_PROFILE = zoo, paddle or karras: whose networks
about_SETTINGS = further KEY=VALUE of pgan-grow --set
about_SEED = of everything random
about_DEVICE = auto, cpu, cuda[:N]
about_RANKS = processes that train together here; elsewhere GROW="mpirun -n 4 pgan-grow"
about_LAST = the last scale; 4 x 2^LAST pixels
about_SWD_EVERY = judge every N-th save while training
about_SCALE = the scale that is sampled and judged
about_ITER = its networks after so many iterations (those that were kept), not the last
about_SAMPLES = images that are judged
about_FACES_COUNT = pictures that the demo draws
about_CROP_FLAGS = options of CROP
about_PACK_FLAGS = options of PACK
about_LATENT = values of a latent
about_JUMP = steps between two changes of alpha while a scale is faded in
about_ITERS = steps
about_BATCH = images in a step
about_LR = learning rate
about_JUMPS = changes of alpha
about_DEPTH = channels
VARIABLES = PRESET RUN IMAGES DATA CONFIG PROFILE SETTINGS SEED DEVICE RANKS LAST SWD_EVERY SCALE ITER SAMPLES FACES_COUNT CROP_FLAGS PACK_FLAGS FACES CROP PACK GROW SAMPLE SWD MSSSIM \
	$(if $(CONFIG),,LATENT JUMP)

# $(call shown,VALUE): as one word of the shell.
shown = '$(subst ','\'',$(1))'
about = $(call shown,$(or $(about_$(1)),the program$(comma) and its first options)$(if $(call given,$(1)), [$(origin $(1))]))
help:
	@echo 'make -f pipeline.mk TARGET VARIABLE=VALUE …   (-n shows the commands)'
	@echo; printf '  %-12s %s\n' $(foreach t,$(TARGETS),$(t) $(call shown,$(about_$(t))))
	@echo; printf '  %-12s = %-26s %s\n' $(foreach v,$(VARIABLES),$(v) $(call shown,$($(v))) $(call about,$(v)))
	@$(if $(CONFIG),,echo; printf '  %-12s  ' 'scale k'; printf ' %7s' $(SCALES); echo; \
	$(foreach v,$(OF_SCALES),printf '  %-12s =' $(v)_k; printf ' %7s' $(foreach k,$(SCALES),$(call shown,$($(v)_$(k)))); echo '  '$(call shown,$(about_$(v)));))

print-%:
	@echo '$* = $(subst ','\'',$($*)) ($(origin $*))'
