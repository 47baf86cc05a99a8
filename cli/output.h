#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

/* How the process talks to people: set once by the option parser. */

#include <stdbool.h>

void da_cli_setup_output(bool quiet, bool verbose, bool progress, bool no_progress,
                         bool no_color);

#endif
