# The sources of kernels/ over an emulation of CUDA on the processor, so that they are tested where there is no GPU; included by the Makefile, after kernels/plugin.mk.
# Products are added as nvcc does: not rounded before.
EMULATED_SOURCES := $(filter-out kernels/cudnn_plan.c kernels/nccl_library.c,$(PLUGIN_SOURCES)) $(wildcard tests/gpu/emulation/*.c tests/gpu/emulation/*.cc)
EMULATED_OBJECTS := $(EMULATED_SOURCES:%=$(BUILD)/emulated/%.o)
EMULATED := $(if $(and $(filter bin,$(OUT)),$(shell command -v g++)),$(BUILD)/tests/emulated/pgan-cuda.so $(BUILD)/tests/emulated/kernel_cases)
CASES_OBJECTS := $(addprefix $(BUILD)/emulated/tests/gpu/,kernel_cases.cu.o emulation/emulate.cc.o emulation/races.cc.o)
EMULATED_FLAGS = -g -O2 -D_GNU_SOURCE -fPIC -fvisibility=hidden -mfma -ffp-contract=fast -Wall -Wextra $(if $(WERROR),-Werror) -Itests/gpu/emulation $(CUDA_INCLUDES)

$(BUILD)/emulated-flags: FORCE
	$(call stamp,$(EMULATED_FLAGS))

$(filter %.c.o,$(EMULATED_OBJECTS)): $(BUILD)/emulated/%.c.o: %.c $(BUILD)/emulated-flags
	@mkdir -p $(@D)
	$(call quiet,CC,emulated/$<)$(CC) -std=c11 $(EMULATED_FLAGS) -MMD -MP -c -o $@ $<

$(filter-out %.c.o,$(sort $(EMULATED_OBJECTS) $(CASES_OBJECTS))): $(BUILD)/emulated/%.o: % $(BUILD)/emulated-flags
	@mkdir -p $(@D)
	$(call quiet,CXX,emulated/$<)g++ -std=c++17 $(EMULATED_FLAGS) $(CONTRACT) $(WATCHED) -MMD -MP -c -o $@ -x c++ $<

$(BUILD)/tests/emulated/pgan-cuda.so: $(EMULATED_OBJECTS)
	@mkdir -p $(@D)
	$(call quiet,LD,$@)g++ -shared -o $@ $^

$(BUILD)/tests/emulated/kernel_cases: $(CASES_OBJECTS)
	@mkdir -p $(@D)
	$(call quiet,LD,$@)g++ -o $@ $^

$(BUILD)/emulated/kernels/input.cu.o: CONTRACT := -ffp-contract=off
# The emulation itself answers the calls that are for the library of a sanitizer; what is undefined in C++, as a pack that is not aligned, traps.
$(BUILD)/emulated/%.cu.o: WATCHED := -fsanitize=thread --param=tsan-distinguish-volatile=1 --param=tsan-instrument-func-entry-exit=0 \
	-fsanitize=undefined -fsanitize-undefined-trap-on-error

-include $(sort $(EMULATED_OBJECTS:.o=.d) $(CASES_OBJECTS:.o=.d))
