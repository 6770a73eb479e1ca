/* How fast this machine reads memory. */
#ifndef TREESEEK_PROBE_H
#define TREESEEK_PROBE_H

#include <stdint.h>

/* The sum of the floats from `from`, in whole pieces of 65,536 of `count`; read once, in order. */
float probe_read(const float *from, int64_t count, int threads);

#endif
