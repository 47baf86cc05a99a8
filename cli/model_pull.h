#ifndef CLI_MODEL_PULL_H
#define CLI_MODEL_PULL_H

/* docassist model pull: argv[0] is "pull". */
int da_cmd_model_pull(int argc, char **argv);

/* Names that pull knows. */
struct da_model_name {
    const char *name;
    const char *repo;   /* on the hub */
    const char *file;   /* of the repository, or NULL: what a folder needs */
    const char *sha256; /* pinned, of file or of model.safetensors; NULL: what the hub says */
    /* The same as a package of a Python package index; NULL: there is none. */
    const char *package, *wheel, *wheel_sha256, *inside;
};
extern const struct da_model_name da_model_names[]; /* ends with a NULL name */

#endif
