/* docassist prompts export DIR: the built-in prompts as files, to be read or changed. */

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/opt.h"
#include "prompts/prompts.h"

int da_cmd_prompts(int argc, char **argv)
{
    static const struct da_cmd_help help = {
        "prompts", "[options] export DIR",
        "Writes the built-in prompts and the price table below DIR, for --prompts and --prices.\n"
        "Files that are there already are left alone, and then nothing is written.",
        NULL};
    const struct da_opt opts[] = {DA_OPT_END};
    struct da_args args;
    struct da_err err;
    size_t n = 0;
    int code = da_opt_parse(&help, opts, argc, argv, &args);
    if (code >= 0)
        return code;
    if (args.n != 2 || strcmp(args.argv[0], "export") != 0)
        return da_opt_usage(&help, "'export' and a folder are needed");
    if (da_prompts_export(args.argv[1], &n, &err))
        return da_cli_fail(&err);
    da_log_msg(da_cli_log(), DA_LOG_INFO, "wrote %zu files below '%s'", n, args.argv[1]);
    return DA_EXIT_OK;
}
