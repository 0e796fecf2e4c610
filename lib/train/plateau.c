#include "plateau.h"

#include <math.h>

static const double THRESHOLD = 1e-4, LEAST = 1e-8;

void plateau_step(struct plateau *p, double loss)
{
	if (isfinite(loss) && !(loss >= p->best - p->best * THRESHOLD)) { /* the first loss is better than NaN */
		p->best = loss;
		p->bad = 0;
		return;
	}
	if (++p->bad <= (double)p->patience)
		return;
	p->bad = 0;
	const double next = fmax(p->rate * p->factor, p->floor);
	if (p->rate - next > LEAST)
		p->rate = next;
}
