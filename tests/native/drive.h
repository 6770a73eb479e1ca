/* What the drivers of the kernels share. */
#ifndef DRIVE_H
#define DRIVE_H

#ifndef SHORT
#define SHORT 0
#endif
#ifndef SLIM
#define SLIM 0
#endif

/* The next of some numbers from -0.25 to 0.25. */
double drawn(void);

/* Note that `what` is wrong unless it is the truth. */
void same(double found, double truth, const char *what);

/* Texts that end alike, and trees. */
void try_drafts(void);

#endif
