/* What manual pages say of the environment. */
#ifndef PGAN_ENVIRONMENT_H
#define PGAN_ENVIRONMENT_H

#define ENVIRONMENT_PLUGINS "PGAN_PLUGINS: the folder of the plug-in for GPUs, pgan-cuda.so. By default that of the program, then ../lib/pgan from there.\n\n"
#define ENVIRONMENT_CACHE                                                                                                                            \
	"PGAN_CACHE: the folder in which the choice of convolutions on a GPU is kept; empty: nothing is kept. By default $XDG_CACHE_HOME/pgan or ~/.cache/pgan.\n\n"
#define ENVIRONMENT_WAITING                                                                                                                          \
	"OMP_WAIT_POLICY, GOMP_SPINCOUNT: how threads wait for each other, as OpenMP has it: where neither is set, for some microseconds awake, then asleep " \
	"(GOMP_SPINCOUNT=1000). passive, asleep at once, helps where other programs need every processor.\n\n"

#endif
