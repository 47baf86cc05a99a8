/* Writes the tables of o200k_base for engine/tokenizer/ready.h: ready_tokenizer OUT. */

#include <stdio.h>

#include "common/io.h"
#include "engine/tokenizer/ready.h"

int main(int argc, char **argv)
{
    struct da_tokenizer *t = NULL;
    struct da_err err = {DA_OK, ""};
    struct da_buf out;
    da_buf_init(&out, 0);
    if (argc != 2)
        return 2;
    enum da_rc rc = da_tokenizer_open(&t, "o200k_base", &err);
    if (rc == DA_OK) {
        da_ready_write(t, &out);
        rc = da_io_write_file(argv[1], out.p, out.len, &err);
    }
    if (rc != DA_OK)
        (void)fprintf(stderr, "ready_tokenizer: %s\n", err.msg);
    da_tokenizer_close(t);
    da_buf_release(&out);
    return rc != DA_OK;
}
