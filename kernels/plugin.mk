# The plug-in for NVIDIA GPUs, included by the Makefile. It is built where its compiler and cuDNN 9 are. CUDA_ARCHS: machine code for these, and code that later ones translate.
NVCC := $(firstword $(wildcard /usr/local/cuda/bin/nvcc) $(shell command -v nvcc))
CUDA_HOME := $(patsubst %/bin/nvcc,%,$(realpath $(NVCC)))
CUDNN_HEADER := $(firstword $(wildcard $(CUDA_HOME)/include/cudnn_graph.h /usr/include/cudnn_graph.h /usr/include/$(shell uname -m)-linux-gnu/cudnn_graph.h))
USE_CUDA = $(if $(and $(NVCC),$(CUDNN_HEADER)),1,0)
CUDA_ARCHS = 80 90

# The plug-in goes with the plain build alone: sanitizers and other compilers have nothing to check in it that the plain build has not.
PLUGIN_SOURCES := $(wildcard kernels/*.c kernels/*.cu)
PLUGIN_OBJECTS := $(PLUGIN_SOURCES:%=$(BUILD)/%.o)
PLUGIN := $(if $(and $(filter 1,$(USE_CUDA)),$(filter bin,$(OUT)),$(PLUGIN_SOURCES)),bin/pgan-cuda.so)
PLAN_TEST := $(PLUGIN:bin/pgan-cuda.so=$(BUILD)/tests/test_cudnn_plans)
CUDA_LIBDIR := $(firstword $(wildcard $(CUDA_HOME)/lib64/libcudart_static.a $(CUDA_HOME)/lib/libcudart_static.a))
CUDA_LIBDIR := $(patsubst %/libcudart_static.a,%,$(CUDA_LIBDIR))
CUDA_INCLUDES := -Ilib/base -Ilib/ranks -Ilib/backend -Ikernels
CUDA_CFLAGS = -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden $(WARNINGS) $(CUDA_INCLUDES) -isystem $(CUDA_HOME)/include $(CFLAGS)
NVCC_FLAGS = -std=c++17 -O3 -Xcompiler -fPIC,-fvisibility=hidden$(if $(WERROR),$(comma)-Werror) $(if $(WERROR),-Werror all-warnings) $(CUDA_INCLUDES) \
	$(foreach a,$(CUDA_ARCHS),-gencode arch=compute_$a$(comma)code=sm_$a) \
	-gencode arch=compute_$(lastword $(CUDA_ARCHS))$(comma)code=compute_$(lastword $(CUDA_ARCHS))
CUDA_LIBS = -L$(CUDA_LIBDIR) -Wl,-rpath,$(CUDA_LIBDIR) -lcudnn

# Random numbers are the same bits everywhere, on a GPU, too: no a * b + c in one rounding (the processor's: ALL_CFLAGS).
EXACT := -fmad=false
$(BUILD)/kernels/input.cu.o: MAD := $(EXACT)

$(BUILD)/cuda-flags: FORCE
	$(call stamp,$(CC) $(CUDA_CFLAGS) $(NVCC) $(NVCC_FLAGS) $(EXACT) $(CUDA_LIBS))

$(filter %.c.o,$(PLUGIN_OBJECTS)): $(BUILD)/kernels/%.c.o: kernels/%.c $(BUILD)/cuda-flags
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(CUDA_CFLAGS) -MMD -MP -c -o $@ $<

$(filter %.cu.o,$(PLUGIN_OBJECTS)): $(BUILD)/kernels/%.cu.o: kernels/%.cu $(BUILD)/cuda-flags
	@mkdir -p $(@D)
	$(call quiet,NVCC,$<)$(NVCC) $(NVCC_FLAGS) $(MAD) -MMD -MP -c -o $@ $<

bin/pgan-cuda.so: $(PLUGIN_OBJECTS)
	@mkdir -p bin
	$(call quiet,LD,$@)g++ -shared -o $@.new $^ -Wl,--exclude-libs,ALL $(CUDA_LIBS) -lcudart_static -lpthread -lrt -ldl; mv -f $@.new $@

$(BUILD)/tests/test_cudnn_plans: tests/gpu/test_cudnn_plans.c $(BUILD)/kernels/cudnn_plan.c.o $(UNIT_SUPPORT) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call quiet,LD,$@)$(CC) $(ALL_CFLAGS) -Ikernels -Itests/unit -isystem $(CUDA_HOME)/include -o $@ $^ $(CUDA_LIBS) $(LIBS)

-include $(PLUGIN_OBJECTS:.o=.d)
