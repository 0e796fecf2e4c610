# pgan: build, check, demo, install. `make help` lists the targets and what was found on this machine.
#
# Everything built lies under build/<compiler>[-<sanitizers>]; a change of flags rebuilds what it touches. bin/ holds the tools of the plain build.

SHELL = /bin/bash
.SHELLFLAGS = -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules

VERSION := 0.2.0-dev
TOOLS := celeba-crop pack-h5 pgan-grow pgan-sample laplacian-pyr swd msssim toy-faces

PREFIX = /usr/local
DESTDIR =

# What has to be there to build, and what the tests and the CI need besides.
PACKAGES := gcc libc6-dev make pkg-config libdnnl-dev libhdf5-dev libpng-dev libjpeg62-turbo-dev libzip-dev zlib1g-dev libjansson-dev nettle-dev
PACKAGES_CHECK := bats zip unzip python3 python3-numpy python3-h5py python3-pil hdf5-tools

# With `setup` among the goals, it runs first and alone; the rest sees the machine as it is afterwards.
ifneq (,$(and $(filter setup,$(MAKECMDGOALS)),$(filter-out setup,$(MAKECMDGOALS))))
OTHERS := $(filter-out setup,$(MAKECMDGOALS))
.PHONY: setup $(OTHERS)
.NOTPARALLEL:
setup:
	@$(MAKE) --no-print-directory setup
$(OTHERS): setup
	@$(MAKE) --no-print-directory $@
else

# All cores unless -j was given.
ifeq (,$(filter -j% --jobserver%,$(MAKEFLAGS)))
MAKEFLAGS += -j$(shell nproc)
endif

ifeq ($(origin CC),default)
CC := gcc
endif
SANITIZE =
WERROR =
V =

empty :=
space := $(empty) $(empty)
comma := ,
BUILD := build/$(notdir $(CC))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
OUT := $(if $(SANITIZE)$(filter-out gcc,$(notdir $(CC))),$(BUILD)/bin,bin)

# Found when first needed, so that `make setup …` works before pkg-config is there.
PKGS := hdf5 libpng libjpeg libzip zlib jansson nettle
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)

CFLAGS = -O3 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla $(if $(WERROR),-Werror)
INCLUDES := $(patsubst %,-I%,$(wildcard lib/*))
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DPGAN_VERSION='"$(VERSION)"' -fopenmp -fno-math-errno -ffp-contract=off $(WARNINGS) $(INCLUDES) $(PKG_CFLAGS) \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined -fno-omit-frame-pointer) $(CFLAGS)
# What plug-ins use of the program that loads them: they report failures by its error.h, and lists grow by its size.h.
LIBS = -Wl,--export-dynamic-symbol=error_set,--export-dynamic-symbol=error_text,--export-dynamic-symbol=size_grow -ldnnl $(PKG_LIBS) -lm -ldl

# Sources for one instruction set; they are called only where the processor has it.
AVX512 := -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512
AVX2 := -mavx2 -mfma
$(BUILD)/lib/%_avx512.o: ISA := $(AVX512)
$(BUILD)/lib/%_avx2.o: ISA := $(AVX2)
$(BUILD)/lib/metrics/%_avx512.o: ISA := $(AVX512) -ffp-contract=fast
$(BUILD)/lib/metrics/%_avx2.o: ISA := $(AVX2) -ffp-contract=fast

quiet = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)

LIB_SOURCES := $(wildcard lib/*/*.c)
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(BUILD)/%.o)
ARCHIVE := $(BUILD)/libpgan.a
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
UNIT_SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
OBJECTS := $(LIB_OBJECTS) $(BENCHES:$(BUILD)/bench/%=$(BUILD)/tests/bench/%.o) $(UNIT_SUPPORT) $(TOOLS:%=$(BUILD)/src/%.o) $(UNIT_TESTS:$(BUILD)/tests/%=$(BUILD)/tests/unit/%.o)

include kernels/plugin.mk tests/gpu/emulation/emulation.mk

.PHONY: all check fuzz unit-tests demo benches gpu-bundle bench bench-metrics bench-data setup install uninstall help clean man compile_commands.json FORCE
all: $(TOOLS:%=$(OUT)/%) $(PLUGIN)

# -- compiling --

# $(call stamp,FLAGS): the target holds them, and is written only when they have changed.
stamp = @mkdir -p $(@D); echo '$(subst ','\'',$(1))' | cmp -s - $@ || echo '$(subst ','\'',$(1))' > $@

$(BUILD)/flags: FORCE
	$(call stamp,$(CC) $(ALL_CFLAGS) $(AVX512) $(AVX2) $(LIBS))

$(OBJECTS): $(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(ALL_CFLAGS) $(ISA) -MMD -MP -c -o $@ $<

$(ARCHIVE): $(LIB_OBJECTS)
	$(call quiet,AR,$@)rm -f $@; ar rcs $@ $^

define link
@mkdir -p $(@D)
$(call quiet,LD,$@)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LIBS)
endef

$(BUILD)/bin/%: $(BUILD)/src/%.o $(ARCHIVE)
	$(link)

ifeq ($(OUT),bin)
bin/%: $(BUILD)/bin/%
	@mkdir -p bin; cp -f $< $@.new; mv -f $@.new $@
endif

$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(UNIT_SUPPORT) $(ARCHIVE)
	$(link)

unit-tests: $(UNIT_TESTS) $(PLAN_TEST) $(EMULATED)

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(ARCHIVE)
	$(link)

.SECONDARY: $(OBJECTS) $(TOOLS:%=$(BUILD)/bin/%)
-include $(OBJECTS:.o=.d)

compile_commands.json:
	@{ echo '['; sep=; for f in $(LIB_SOURCES) $(wildcard src/*.c tests/unit/*.c); do \
	case $$f in *_avx512.c) isa='$(AVX512) ' ;; *_avx2.c) isa='$(AVX2) ' ;; *) isa= ;; esac; \
	printf '%s{"directory":"%s","file":"%s","command":"%s"}' "$$sep" "$(CURDIR)" "$$f" '$(subst ','\'',$(subst ",\",$(CC) $(ALL_CFLAGS))) '"$$isa-c $$f"; sep=$$',\n'; \
	done; echo ']'; } > $@

# -- checking, trying, measuring --

check: all unit-tests $(BUILD)/bench/bench_step
	@PGAN_BIN="$$PWD/$(OUT)" PGAN_UNIT="$$PWD/$(BUILD)/tests" tests/run $(CHECK_ARGS)

demo: all
	@$(MAKE) --no-print-directory -f pipeline.mk report PRESET=demo RUN=demo

benches: $(BENCHES)

bench bench-metrics bench-data: all $(BENCHES)
	@PGAN_BIN="$$PWD/$(OUT)" PGAN_BENCH="$$PWD/$(BUILD)/bench" tests/bench/$@

# -- fuzzing --

FUZZ_SECONDS = 60
FUZZED := npy tar
SOURCES_npy := lib/base/npy.c
SOURCES_tar := lib/media/tar.c lib/base/bytes.c
fuzz: $(FUZZED:%=build/fuzz/fuzz_%)
	cd build/fuzz && for what in $(FUZZED); do mkdir -p found/$$what && \
		./fuzz_$$what -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -print_final_stats=1 found/$$what '$(CURDIR)'/tests/fuzz/$$what || exit; done

build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(wildcard lib/base/*.[ch] lib/media/*.[ch])
	@mkdir -p $(@D)
	clang -std=c11 -D_GNU_SOURCE -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined $(WARNINGS) $(INCLUDES) -o $@ $< \
		$(SOURCES_$*) lib/base/error.c lib/base/size.c

# -- for a machine with a GPU --

# A folder that runs tests/gpu/run.sh on a machine with nothing but a GPU, its driver and cuDNN: the programs, and the libraries that they need, packed, as they
# are large; those of C and C++ themselves are the machine's.
BUNDLE := build/gpu-bundle
BUNDLED = $(TOOLS:%=bin/%) $(BUILD)/tests/test_backend_tables $(BUILD)/tests/test_metric_device $(BUILD)/bench/bench_step
gpu-bundle: all benches $(BUILD)/tests/test_backend_tables $(BUILD)/tests/test_metric_device
	@rm -rf $(BUNDLE); mkdir -p $(BUNDLE)/bin $(BUNDLE)/lib $(BUNDLE)/tests/golden
	@install -s -m 755 $(BUNDLED) $(BUNDLE)/bin; $(if $(PLUGIN),install -m 755 $(PLUGIN) $(BUNDLE)/bin)
	@install -m 755 tests/gpu/run.sh $(BUNDLE); install -m 644 tests/golden/step_*.h5 $(BUNDLE)/tests/golden
	@ldd $(BUNDLED) | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | sort -u | grep -Ev '/(ld-linux[^/]*|lib(c|m|dl|rt|pthread|resolv|stdc\+\+|gcc_s))\.so' | \
		xargs -I{} cp -L {} $(BUNDLE)/lib
	@tar czf $(BUNDLE)/lib.tar.gz -C $(BUNDLE)/lib . && rm -rf $(BUNDLE)/lib; git describe --always --dirty 2>/dev/null > $(BUNDLE)/VERSION || true
	@du -sh $(BUNDLE)

# -- installing --

man: $(TOOLS:%=$(BUILD)/man/%.1)
$(BUILD)/man/%.1: $(OUT)/%
	@mkdir -p $(@D); $< --man > $@

install: all man
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man1' '$(DESTDIR)$(PREFIX)/share/pgan'
	install -m 755 $(TOOLS:%=$(OUT)/%) '$(DESTDIR)$(PREFIX)/bin'
	install -m 644 $(TOOLS:%=$(BUILD)/man/%.1) '$(DESTDIR)$(PREFIX)/share/man/man1'
	$(if $(PLUGIN),install -d '$(DESTDIR)$(PREFIX)/lib/pgan'; install -m 755 $(PLUGIN) '$(DESTDIR)$(PREFIX)/lib/pgan')
	install -m 644 pipeline.mk '$(DESTDIR)$(PREFIX)/share/pgan'

uninstall:
	cd '$(DESTDIR)$(PREFIX)'; rm -f $(TOOLS:%=bin/%) $(TOOLS:%=share/man/man1/%.1) share/pgan/pipeline.mk lib/pgan/pgan-cuda.so; \
	for d in share/pgan lib/pgan; do if [ -d $$d ]; then rmdir --ignore-fail-on-non-empty $$d; fi; done

setup:
	@missing=; \
	if ! command -v dpkg-query >/dev/null; then \
		echo 'setup: this is not a Debian system; install what it calls: $(PACKAGES) $(PACKAGES_CHECK)' >&2; exit 1; \
	fi; \
	for p in $(PACKAGES) $(PACKAGES_CHECK) $(SETUP_EXTRA); do \
		dpkg-query -W -f='$${Status}' "$$p" 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; \
	done; \
	if [ -n "$$missing" ]; then \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		echo "setup: installing$$missing"; \
		$$sudo apt-get update -qq; \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi

clean:
	rm -rf build bin compile_commands.json

help:
	@echo 'pgan $(VERSION)'
	@echo
	@echo '  make setup              install what is missing (Debian packages)'
	@echo '  make                    build the tools into bin/'
	@echo '  make check              run all tests'
	@echo '  make demo               from drawn faces to a grown network, its pictures and scores, in ./demo'
	@echo '  make bench              training and sampling against PyTorch, when it is there; bench-metrics, bench-data likewise'
	@echo '  make gpu-bundle         a folder with all that tests/gpu/run.sh needs on a machine with a GPU'
	@echo '  make install            into $$DESTDIR$$PREFIX ($(DESTDIR)$(PREFIX)); uninstall'
	@echo '  make unit-tests | benches | man | fuzz | compile_commands.json | clean'
	@echo
	@echo '  CC=gcc|clang  SANITIZE=address,undefined  WERROR=1  V=1  USE_CUDA=0|1  CHECK_ARGS=--quick'
	@echo
	@echo 'compiler: $(CC); CUDA: $(if $(filter 1,$(USE_CUDA)),$(NVCC) for sm_$(subst $(space),$(comma) sm_,$(CUDA_ARCHS)),not used)'
	@echo 'to run the pipeline: make -f pipeline.mk help'

endif
