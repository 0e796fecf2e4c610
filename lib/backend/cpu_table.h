/* The cpu table's operations over channel blocks of BLOCK floats, one vector each. A template: cpu_avx512.c and cpu_avx2.c include it with BLOCK and CPU_TABLE
 * defined, each compiled for its instruction set.
 *
 * A blocked sample is [blocks][pixels][BLOCK]. Sums over the batch are made in chunks whose number depends on the shape alone, and the chunks are added in
 * order: the same bytes for any number of threads. */
#include "cpu_vector.h"
#include "cpu_point.h"
#include "cpu_resize.h"
#include "cpu_rgb.h"
#include "cpu_stddev.h"
#include "cpu_product.h"
#include "cpu_dense.h"
#include "cpu_winograd.h"

void CPU_TABLE(struct cpu *cpu)
{
	struct backend *b = &cpu->host.table;
	cpu->winograd = (struct cpu_linear_maps){ cpu_winograd, cpu_winograd_backward_data, cpu_winograd_backward_weights };
	cpu->dense = (struct cpu_linear_maps){ dense_forward, dense_backward_data, dense_backward_weights };
	b->activate = cpu_activate;
	b->activate_backward = cpu_activate_backward;
	b->activate_pool = cpu_activate_pool;
	b->activate_pool_backward = cpu_activate_pool_backward;
	b->pixel_norm = cpu_pixel_norm;
	b->from_rgb = cpu_from_rgb;
	b->from_rgb_tangent = cpu_from_rgb_tangent;
	b->from_rgb_backward_data = cpu_from_rgb_backward_data;
	b->from_rgb_backward_weights = cpu_from_rgb_backward_weights;
	b->to_rgb = cpu_to_rgb;
	b->to_rgb_backward = cpu_to_rgb_backward;
	b->pool = cpu_pool;
	b->pool_backward = cpu_pool_backward;
	b->upsample = cpu_upsample;
	b->upsample_backward = cpu_upsample_backward;
	b->stddev = cpu_stddev;
	b->stddev_backward = cpu_stddev_backward;
	b->stddev_tangent = cpu_stddev_tangent;
	b->stddev_hessian = cpu_stddev_hessian;
}
