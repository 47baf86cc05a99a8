/* Counters and sensors of energy, in a folder that looks like sysfs, with a clock of the test's. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/io.h"
#include "engine/energy.h"
#include "tests/tap.h"

static _Atomic uint64_t now;

static uint64_t clock_now(void *ctx)
{
    (void)ctx;
    return atomic_load(&now);
}

/* A moment, whatever was asked for: what sleeps is the thread that reads the sensor. */
static void clock_sleep(void *ctx, uint64_t ns)
{
    const struct timespec moment = {0, 1000000};
    (void)ctx;
    (void)ns;
    (void)nanosleep(&moment, NULL);
}

static const struct da_clock clock_own = {.now_ns = clock_now, .sleep_ns = clock_sleep};

static const char *in_sysfs(const char *name)
{
    static char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", tap_tmpdir(), name);
    return path;
}

static void put(const char *name, const char *text)
{
    struct da_err err;
    char dir[512];
    (void)snprintf(dir, sizeof dir, "%s", in_sysfs(name));
    *strrchr(dir, '/') = 0;
    tap_rc(da_io_make_dirs(dir, &err) ? err.code
                                      : da_io_write_file(in_sysfs(name), text, strlen(text), &err),
           &err, "%s holds %s", name, text);
}

static struct da_energy *opened(const char *path)
{
    struct da_energy *e = NULL;
    struct da_err err;
    tap_rc(da_energy_open(&e, path, tap_tmpdir(), &clock_own, &err), &err, "%s opens",
           path ? "a file" : "what sysfs has");
    return e;
}

static void refused(const char *name, const char *why)
{
    struct da_energy *e;
    struct da_err err = {.msg = ""};
    tap_ok(da_energy_open(&e, in_sysfs(name), "", &clock_own, &err) != DA_OK && !e &&
               strstr(err.msg, why),
           "%s is refused: %s", name, err.msg);
}

static void test_named(void)
{
    put("count", "1000000\n");
    struct da_energy *e = opened(in_sysfs("count"));
    tap_is_double(da_energy_joules(e), 0, 0, "nothing used yet");
    put("count", "3500000\n");
    tap_is_double(da_energy_joules(e), 2.5, 1e-12, "2.5 J");
    put("count", "7\n");
    tap_is_double(da_energy_joules(e), 2.5, 1e-12, "what fell, of unknown range, adds nothing");
    put("count", "1000007\n");
    tap_is_double(da_energy_joules(e), 3.5, 1e-12, "and goes on");
    da_energy_close(e);
    tap_is_double(da_energy_joules(NULL), 0, 0, "no meter, no joules");
    put("words", "many\n");
    refused("words", "words: not a number");
    put("void", "");
    refused("void", "void: not a number");
    refused("absent", "absent");
    refused("power_absent", "power_absent");
}

static void test_sensor(void)
{
    put("power1_input", "2000000\n"); /* 2 W */
    struct da_energy *e = opened(in_sysfs("power1_input"));
    atomic_fetch_add(&now, 3000000000u);
    tap_is_double(da_energy_joules(e), 6, 1e-12, "2 W for 3 s");
    tap_is_double(da_energy_joules(e), 6, 1e-12, "no time, no energy");
    da_energy_close(e);
}

static void test_found(void)
{
    tap_ok(!opened(NULL), "nothing there, nothing found");
    put("class/hwmon/hwmon2/name", "amdgpu\n");
    put("class/hwmon/hwmon2/power1_average", "9000000\n");
    tap_ok(!opened(NULL), "a graphics card's sensor is not the machine's");
    put("class/hwmon/hwmon3/name", "power_meter\n");
    put("class/hwmon/hwmon3/power1_average", "5000000\n");
    struct da_energy *e = opened(NULL);
    atomic_fetch_add(&now, 2000000000u);
    tap_is_double(da_energy_joules(e), 10, 1e-12, "the power meter's 5 W for 2 s");
    da_energy_close(e);

    put("class/powercap/intel-rapl:0/name", "package-0\n");
    put("class/powercap/intel-rapl:0/energy_uj", "500\n");
    put("class/powercap/intel-rapl:0/max_energy_range_uj", "1000000\n");
    put("class/powercap/intel-rapl:0:0/name", "core\n");
    put("class/powercap/intel-rapl:0:0/energy_uj", "0\n");
    put("class/powercap/intel-rapl:1/name", "package-1\n");
    put("class/powercap/intel-rapl:1/energy_uj", "0\n");
    put("class/powercap/intel-rapl:2/name", "psys\n");
    put("class/powercap/intel-rapl:2/energy_uj", "0\n");
    e = opened(NULL);
    put("class/powercap/intel-rapl:0/energy_uj", "400\n"); /* came around */
    put("class/powercap/intel-rapl:0:0/energy_uj", "9000000\n");
    put("class/powercap/intel-rapl:1/energy_uj", "2000000\n");
    put("class/powercap/intel-rapl:2/energy_uj", "9000000\n");
    tap_is_double(da_energy_joules(e), 2.9999, 1e-12,
                  "both packages, one of them past its range; not their parts, not the platform");
    da_energy_close(e);
}

int main(void)
{
    test_named();
    test_sensor();
    test_found();
    return tap_done();
}
