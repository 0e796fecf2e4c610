/* Which machine this is, for what several of them share. */
#ifndef PGAN_MACHINE_H
#define PGAN_MACHINE_H

#include <stdint.h>

/* What all processes of a machine have in common until it is started again, and no other machine has. */
void machine_name(char name[40]);

/* A number for the processes that this one knows by their PIDs: those of the machine, or of the container where it numbers its own. */
uint32_t machine_processes(void);

#endif
