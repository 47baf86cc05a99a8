/* Any bytes as a chat template: parsed, and rendered with a small conversation within tight
 * limits. */

#include <stdint.h>
#include <string.h>

#include "engine/chat/chat_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char VARS[] =
    "{\"messages\":[{\"role\":\"user\",\"content\":\"a \\u00e9 b\",\"n\":1},"
    "{\"role\":\"assistant\",\"content\":\"\"}],\"bos_token\":\"<s>\",\"x\":[3,1,2],"
    "\"add_generation_prompt\":true,\"tools\":null,\"d\":{\"k\":1.5,\"l\":[true,null]}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct da_chat_template *t;
    struct da_json *vars = NULL;
    struct da_err err;
    struct da_buf out;
    const struct da_chat_template_limits limits = {
        .max_steps = 20000, .max_memory = 1 << 20, .max_output = 1 << 16};
    if (da_chat_template_parse(&t, da_span((const char *)data, size), &err) != DA_OK)
        return 0;
    da_buf_init(&out, 0);
    if (da_json_parse(VARS, strlen(VARS), &vars, &err) == DA_OK)
        (void)da_chat_template_render(t, vars, 1753957800, &limits, &out, &err);
    da_json_free(vars);
    da_buf_release(&out);
    da_chat_template_free(t);
    return 0;
}
