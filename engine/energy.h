#ifndef ENGINE_ENERGY_H
#define ENGINE_ENERGY_H

/*
 * Energy that the machine uses, where its kernel tells: rising counters of
 * microjoules (RAPL in /sys/class/powercap, which starts again at 0 behind
 * max_energy_range_uj), or a sensor of microwatts (hwmon), which is read ten times
 * a second by a thread of its own and summed. Names and units are those of Linux's
 * Documentation/power/powercap and Documentation/hwmon/sysfs-interface.
 */

#include "common/clock.h"
#include "common/err.h"

struct da_energy;

/*
 * path: a counter, or a sensor where the file's name begins with "power"; an error
 * when it cannot be read. NULL: what sysfs (the folder, such as "/sys") has: RAPL's
 * packages, all of them, or else the power meter of the whole machine. *ret is NULL when there is
 * none that this user may read. The clock must outlive *ret.
 */
enum da_rc da_energy_open(struct da_energy **ret, const char *path, const char *sysfs,
                          const struct da_clock *clock, struct da_err *err);
/* Joules since it was opened: never falls; 0 for NULL. Ask at least once before a counter comes
 * around (a minute at 1 kW). */
double da_energy_joules(struct da_energy *e);
void da_energy_close(struct da_energy *e); /* NULL allowed */

#endif
