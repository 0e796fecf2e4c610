/* What the program that started this process (mpirun, srun) says of the others that it started. */
#ifndef PGAN_LAUNCHER_H
#define PGAN_LAUNCHER_H

#include "ranks.h"

/* Sets n, rank and local from the environment of Open MPI, of MPICH and its kin, or of a job step of Slurm, whichever is first there; n = 1 when there is none.
 * Numbers that cannot be are ERR_USAGE. */
int launcher_place(struct ranks_place *) MUST_CHECK;

#endif
