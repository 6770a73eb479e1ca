#include "team.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define MOST 64
#define STACK (1 << 20) /* bytes; some systems give a thread too few for widened weights */
#define LEAST 16 /* outputs worth taking */
#define PATIENCE 4000 /* looks at a flag before giving the processor away */
#define BETWEEN 40000 /* the same between two calls: a thread that sleeps is woken late */

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t bell = PTHREAD_COND_INITIALIZER;
static atomic_uint round_number; /* odd and even rounds alike: it only counts */
static atomic_int left;          /* hired threads still at work in this round */
static int hired, asleep, wanted;
static unsigned born[MOST]; /* the round before each thread's first */
static work job_now;
static void *what_now;
static team crew_now;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static inline void breathe(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void *labour(void *argument) {
    int id = (int)(intptr_t)argument;
    unsigned seen = born[id];
    for (;;) {
        unsigned now = atomic_load_explicit(&round_number, memory_order_acquire);
        for (int look = 0; now == seen && look < BETWEEN; look++) {
            breathe();
            now = atomic_load_explicit(&round_number, memory_order_acquire);
        }
        if (now == seen) {
            pthread_mutex_lock(&door);
            asleep++;
            while ((now = atomic_load(&round_number)) == seen) pthread_cond_wait(&bell, &door);
            asleep--;
            pthread_mutex_unlock(&door);
        }
        seen = now;
        if (id < wanted) job_now(what_now, &crew_now, id);
        atomic_fetch_sub_explicit(&left, 1, memory_order_release);
    }
    return NULL;
}

/* A forked child has none of the threads: it begins with an empty team. */
static void reborn(void) {
    pthread_mutex_init(&turn, NULL);
    pthread_mutex_init(&door, NULL);
    pthread_cond_init(&bell, NULL);
    atomic_store(&round_number, 0);
    atomic_store(&left, 0);
    hired = asleep = wanted = 0;
}

static void prepare(void) { pthread_atfork(NULL, NULL, reborn); }

static void hire(int count) {
    pthread_attr_t how;
    pthread_attr_init(&how);
    pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&how, STACK);
    while (hired < count) {
        pthread_t thread;
        born[hired + 1] = atomic_load(&round_number);
        if (pthread_create(&thread, &how, labour, (void *)(intptr_t)(hired + 1))) break;
        hired++;
    }
    pthread_attr_destroy(&how);
}

int team_known(void) { return hired + 1; }

void team_run(work job, void *what, int threads) {
    team alone = {.size = 1};
    pthread_once(&once, prepare);
    if (threads > MOST) threads = MOST;
    if (threads < 2 || pthread_mutex_trylock(&turn)) {
        job(what, &alone, 0);
        return;
    }
    hire(threads - 1);
    job_now = job, what_now = what;
    wanted = hired + 1 < threads ? hired + 1 : threads;
    crew_now.size = wanted;
    atomic_store(&crew_now.arrived, 0);
    atomic_store(&crew_now.phase, 0);
    atomic_store(&left, hired);
    pthread_mutex_lock(&door);
    atomic_fetch_add_explicit(&round_number, 1, memory_order_release);
    if (asleep) pthread_cond_broadcast(&bell);
    pthread_mutex_unlock(&door);
    job(what, &crew_now, 0);
    for (int look = 0; atomic_load_explicit(&left, memory_order_acquire); look++)
        if (look < PATIENCE) breathe();
        else sched_yield();
    pthread_mutex_unlock(&turn);
}

void team_meet(team *crew) {
    if (crew->size == 1) return;
    int phase = atomic_load_explicit(&crew->phase, memory_order_acquire);
    if (atomic_fetch_add_explicit(&crew->arrived, 1, memory_order_acq_rel) == crew->size - 1) {
        atomic_store_explicit(&crew->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&crew->phase, phase + 1, memory_order_release);
        return;
    }
    for (int look = 0; atomic_load_explicit(&crew->phase, memory_order_acquire) == phase; look++)
        if (look < PATIENCE) breathe();
        else sched_yield();
}

int team_claim(const team *crew, atomic_long *next, int64_t total, int64_t *begin, int64_t *end) {
    long at = atomic_load_explicit(next, memory_order_relaxed);
    int64_t step;
    do {
        if (at >= total) return 0;
        step = total - at;
        if (crew->size > 1) step = (step / (2 * crew->size) + 7) / 8 * 8;
        if (step < LEAST) step = LEAST;
    } while (!atomic_compare_exchange_weak_explicit(next, &at, at + step, memory_order_relaxed,
                                                    memory_order_relaxed));
    *begin = at;
    *end = at + step < total ? at + step : total;
    return 1;
}
