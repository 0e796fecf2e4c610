#include "launcher.h"

#include <stdbool.h>
#include <stdlib.h>

/* The names of three numbers; `local` may not be set. */
struct launcher {
	const char *n, *rank, *local;
};

static const struct launcher launchers[] = {
	{ "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK" },
	{ "PMI_SIZE", "PMI_RANK", "MPI_LOCALRANKID" },
	{ "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_LOCALID" },
	{ "SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID" },
};

/* A script given to sbatch has the job's number of tasks in its environment, but is itself none of them: those are started by srun, as a step. */
static bool in_batch_script(const struct launcher *l)
{
	return l->n[0] == 'S' && getenv("SLURM_JOB_ID") && !getenv("SLURM_STEP_ID");
}

static int number(const char *name, int low, int high, int *out)
{
	const char *text = getenv(name);
	char *end;
	const long value = strtol(text, &end, 10);
	if (end == text || *end || value < low || value > high)
		return error_set(ERR_USAGE, "the environment has %s=%s, which is not a number from %d to %d: --ranks 1 trains alone", name, text, low, high);
	*out = (int)value;
	return 0;
}

int launcher_place(struct ranks_place *p)
{
	p->n = 1;
	p->rank = 0;
	p->local = -1;
	for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
		const struct launcher *l = &launchers[i];
		int rc;
		if (!getenv(l->n) || !getenv(l->rank) || in_batch_script(l))
			continue;
		if ((rc = number(l->n, 1, RANKS_MAX, &p->n)) || (rc = number(l->rank, 0, p->n - 1, &p->rank)))
			return rc;
		return getenv(l->local) ? number(l->local, 0, p->n - 1, &p->local) : 0;
	}
	return 0;
}
