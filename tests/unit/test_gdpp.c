/* The GDPP loss against its definition on a case with known eigenvectors, and its derivative against differences. */
#include <math.h>

#include "check.h"
#include "gdpp.h"
#include "philox.h"

enum { N = 6, C = 9 };

/* Rows that are orthogonal but for two pairs: products of blocks [1 r; r 1], with eigenvalues 1 - r, 1 + r and known vectors. */
TEST(blocks)
{
	const float r = .5f, q = .25f;
	const float real[] = { 1, 0, 0, 0, r, sqrtf(1 - r * r), 0, 0, 0, 0, 2, 0, 0, 0, 2 * q, 2 * sqrtf(1 - q * q) };
	double loss;
	float d[16];
	REQUIRE(!gdpp_loss(real, real, 4, 4, &loss, d));
	/* equal sets: values 0.5 0.75 1.25 1.5, weights 0 1/4 3/4 1, every product 1 */
	CHECK_MSG(fabs(loss + 2) < 1e-6, "%.9g", loss);
	for (int i = 0; i < 16; i++)
		CHECK(isfinite(d[i]));
	const float fake[] = { 0, 0, 1, 0, 0, 0, .5f, sqrtf(.75f), 1, 0, 0, 0, .25f, sqrtf(1 - .0625f), 0, 0 };
	REQUIRE(!gdpp_loss(real, fake, 4, 4, &loss, d)); /* the same blocks in the same places, on other axes */
	CHECK_MSG(fabs(loss + 2) < 1e-6, "%.9g", loss);
}

TEST(derivative)
{
	float real[N * C], fake[N * C], d[N * C], unused[N * C];
	double loss;
	philox_normal(1, STREAM_ORDER, 0, 0, N * C, real);
	philox_normal(2, STREAM_ORDER, 0, 0, N * C, fake);
	REQUIRE(!gdpp_loss(real, fake, N, C, &loss, d));
	for (int i = 0; i < N * C; i++) {
		const float kept = fake[i], high = kept + 1e-3f, low = kept - 1e-3f;
		double up, down;
		fake[i] = high;
		REQUIRE(!gdpp_loss(real, fake, N, C, &up, unused));
		fake[i] = low;
		REQUIRE(!gdpp_loss(real, fake, N, C, &down, unused));
		fake[i] = kept;
		const double want = (up - down) / ((double)high - low);
		CHECK_MSG(fabs(d[i] - want) < 1e-4, "value %d: %g, by differences %g", i, d[i], want);
	}
}

/* More images than features: eigenvalues of 0, several of them. */
TEST(few_features)
{
	float x[N * 2], y[N * 2], d[N * 2];
	double loss;
	philox_normal(1, STREAM_ORDER, 0, 0, N * 2, x);
	philox_normal(2, STREAM_ORDER, 0, 0, N * 2, y);
	REQUIRE(!gdpp_loss(x, y, N, 2, &loss, d));
	CHECK(isfinite(loss));
	for (int i = 0; i < N * 2; i++)
		CHECK(isfinite(d[i]));
}
