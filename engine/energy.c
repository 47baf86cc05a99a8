#include "engine/energy.h"

#include <glob.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/io.h"
#include "common/mem.h"

enum { MAX_COUNTERS = 64, LONGEST = 64, SAMPLE_MS = 100 };

struct counter {
    char *path;
    double last, range; /* microjoules; range 0: not known */
};

struct da_energy {
    const struct da_clock *clock;
    struct counter counters[MAX_COUNTERS];
    unsigned n_counters;
    double joules;
    char *sensor; /* NULL: counters */
    /* of a sensor */
    pthread_t thread;
    pthread_mutex_t lock; /* of everything below, and of joules */
    double watts;
    uint64_t last_ns;
    bool stop;
};

/* The number that a file holds. */
static enum da_rc read_number(const char *path, double *ret, struct da_err *err)
{
    struct da_buf text;
    char *end;
    da_buf_init(&text, 0);
    enum da_rc rc = da_io_read_file(path, LONGEST, &text, err);
    if (!rc) {
        *ret = strtod(text.len ? text.p : "", &end);
        if (!text.len || end == text.p || (*end && *end != '\n') || !(*ret >= 0))
            rc = da_fail(err, DA_EFORMAT, "%s: not a number of microjoules or microwatts", path);
    }
    da_buf_release(&text);
    return rc;
}

/* dir/name beside path. */
static char *sibling(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    struct da_buf b;
    da_buf_init(&b, 0);
    if (slash)
        da_buf_add(&b, path, (size_t)(slash + 1 - path));
    da_buf_add_str(&b, name);
    return da_buf_take(&b, NULL);
}

static enum da_rc add_counter(struct da_energy *e, const char *path, struct da_err *err)
{
    struct counter c = {.path = NULL};
    struct da_err ignored;
    if (e->n_counters == MAX_COUNTERS)
        return DA_OK;
    enum da_rc rc = read_number(path, &c.last, err);
    if (rc)
        return rc;
    char *range = sibling(path, "max_energy_range_uj");
    if (!da_io_exists(range) || read_number(range, &c.range, &ignored))
        c.range = 0;
    free(range);
    c.path = da_strdup(path);
    e->counters[e->n_counters++] = c;
    return DA_OK;
}

/* What was used since the last look. */
static double counter_joules(struct counter *c)
{
    struct da_err ignored;
    double now;
    if (read_number(c->path, &now, &ignored))
        return 0;
    double used = now - c->last;
    if (used < 0) /* came around */
        used = c->range > 0 ? used + c->range : 0;
    c->last = now;
    return used * 1e-6;
}

/* --- a sensor --------------------------------------------------------------------- */

/* Between two looks power changes evenly. */
static void sample(struct da_energy *e)
{
    struct da_err ignored;
    double microwatts;
    if (read_number(e->sensor, &microwatts, &ignored))
        microwatts = e->watts * 1e6;
    const uint64_t now = da_now_ns(e->clock);
    e->joules += (e->watts + microwatts * 1e-6) / 2 * (double)(now - e->last_ns) * 1e-9;
    e->watts = microwatts * 1e-6;
    e->last_ns = now;
}

static void *keep_sampling(void *ctx)
{
    struct da_energy *e = ctx;
    bool stop = false;
    while (!stop) {
        e->clock->sleep_ns(e->clock->ctx, (uint64_t)SAMPLE_MS * 1000000);
        pthread_mutex_lock(&e->lock);
        sample(e);
        stop = e->stop;
        pthread_mutex_unlock(&e->lock);
    }
    return NULL;
}

static enum da_rc start_sensor(struct da_energy *e, const char *path, struct da_err *err)
{
    double microwatts;
    enum da_rc rc = read_number(path, &microwatts, err);
    if (rc)
        return rc;
    e->sensor = da_strdup(path);
    e->watts = microwatts * 1e-6;
    e->last_ns = da_now_ns(e->clock);
    pthread_mutex_init(&e->lock, NULL);
    if (pthread_create(&e->thread, NULL, keep_sampling, e) == 0)
        return DA_OK;
    pthread_mutex_destroy(&e->lock);
    free(e->sensor);
    e->sensor = NULL;
    return da_fail(err, DA_ENOMEM, "%s: no thread to read it", path);
}

/* --- finding one -------------------------------------------------------------------- */

/* Whether the file called name beside path begins with word. */
static bool is_called(const char *path, const char *word)
{
    struct da_buf text;
    struct da_err ignored;
    char *name = sibling(path, "name");
    da_buf_init(&text, 0);
    bool is = !da_io_read_file(name, LONGEST, &text, &ignored) && text.len >= strlen(word) &&
              memcmp(text.p, word, strlen(word)) == 0;
    da_buf_release(&text);
    free(name);
    return is;
}

/* Files of sysfs that match, whose device is called word...; take says whether to go on. */
static void find(struct da_energy *e, const char *sysfs, const char *pattern, const char *word,
                 bool (*take)(struct da_energy *e, const char *path))
{
    struct da_buf whole;
    glob_t g;
    da_buf_init(&whole, 0);
    da_io_join(&whole, sysfs, pattern);
    bool go_on = glob(whole.p, 0, NULL, &g) == 0;
    for (size_t i = 0; go_on && i < g.gl_pathc; i++)
        if (is_called(g.gl_pathv[i], word))
            go_on = take(e, g.gl_pathv[i]);
    globfree(&g);
    da_buf_release(&whole);
}

static bool take_counter(struct da_energy *e, const char *path)
{
    struct da_err ignored;
    (void)add_counter(e, path, &ignored); /* often for the administrator alone */
    return true;
}

static bool take_sensor(struct da_energy *e, const char *path)
{
    struct da_err ignored;
    return start_sensor(e, path, &ignored) != DA_OK;
}

static void find_any(struct da_energy *e, const char *sysfs)
{
    /* a package's parts are called intel-rapl:0:0 and lie within it; AMD's have the same names */
    find(e, sysfs, "class/powercap/intel-rapl:[0-9]/energy_uj", "package", take_counter);
    find(e, sysfs, "class/powercap/intel-rapl:[0-9][0-9]/energy_uj", "package", take_counter);
    if (!e->n_counters)
        find(e, sysfs, "class/hwmon/hwmon*/power1_average", "power_meter", take_sensor);
}

enum da_rc da_energy_open(struct da_energy **ret, const char *path, const char *sysfs,
                          const struct da_clock *clock, struct da_err *err)
{
    struct da_energy *e = da_calloc(1, sizeof *e);
    enum da_rc rc = DA_OK;
    e->clock = clock;
    if (!path) {
        find_any(e, sysfs);
    } else {
        const char *slash = strrchr(path, '/');
        const bool is_power = strncmp(slash ? slash + 1 : path, "power", strlen("power")) == 0;
        rc = is_power ? start_sensor(e, path, err) : add_counter(e, path, err);
    }
    if (rc || (!e->n_counters && !e->sensor)) {
        free(e);
        e = NULL;
    }
    *ret = e;
    return rc;
}

double da_energy_joules(struct da_energy *e)
{
    if (!e)
        return 0;
    for (unsigned i = 0; i < e->n_counters; i++)
        e->joules += counter_joules(&e->counters[i]);
    if (!e->sensor)
        return e->joules;
    pthread_mutex_lock(&e->lock);
    sample(e);
    const double joules = e->joules;
    pthread_mutex_unlock(&e->lock);
    return joules;
}

void da_energy_close(struct da_energy *e)
{
    if (!e)
        return;
    if (e->sensor) {
        pthread_mutex_lock(&e->lock);
        e->stop = true;
        pthread_mutex_unlock(&e->lock);
        pthread_join(e->thread, NULL);
        pthread_mutex_destroy(&e->lock);
        free(e->sensor);
    }
    for (unsigned i = 0; i < e->n_counters; i++)
        free(e->counters[i].path);
    free(e);
}
