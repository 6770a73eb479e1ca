/* Threads that work on one call together and sleep between calls. */
#ifndef TREESEEK_TEAM_H
#define TREESEEK_TEAM_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct team team;
typedef void (*work)(void *what, team *crew, int id);

struct team {
    int size;
    atomic_int arrived;
    atomic_int phase;
};

/* Run `job` on at most `threads` threads, the caller among them; fewer where others are at work. */
void team_run(work job, void *what, int threads);

/* Threads that ever worked together, one at least. */
int team_known(void);

/* Wait until every thread of the team is here. */
void team_meet(team *crew);

/* Take the next piece of `total`, in multiples of 8: half of a fair share of what is left, so that
 * all threads end together. False where nothing is left. */
int team_claim(const team *crew, atomic_long *next, int64_t total, int64_t *begin, int64_t *end);

#endif
