/* The types that the plug-in names; plans are made and run by cudnn_plan.c beside this file. */
#ifndef PGAN_EMULATED_CUDNN_H
#define PGAN_EMULATED_CUDNN_H

#include "cuda_runtime.h"

typedef struct emulated_cudnn *cudnnHandle_t;
typedef struct emulated_plan *cudnnBackendDescriptor_t;
typedef enum { CUDNN_STATUS_SUCCESS } cudnnStatus_t;

#ifdef __cplusplus
extern "C" {
#endif

size_t cudnnGetVersion(void);
const char *cudnnGetErrorString(cudnnStatus_t);
cudnnStatus_t cudnnCreate(cudnnHandle_t *);
cudnnStatus_t cudnnSetStream(cudnnHandle_t, cudaStream_t);
cudnnStatus_t cudnnDestroy(cudnnHandle_t);

#ifdef __cplusplus
}
#endif

#endif
