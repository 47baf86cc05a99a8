/* Which format a folder's weights are in. */
#include "engine/model/weights.h"

#include "common/io.h"
#include "engine/model/mlc.h"
#include "engine/model/torch.h"

static bool has(const char *folder, const char *name)
{
    struct da_buf path;
    da_buf_init(&path, 0);
    da_io_join(&path, folder, name);
    bool yes = da_io_exists(path.p);
    da_buf_release(&path);
    return yes;
}

enum da_rc da_weights_open(struct da_safetensors **ret, const char *folder,
                           enum da_weights_kind *kind, struct da_err *err)
{
    bool st = has(folder, "model.safetensors") || has(folder, "model.safetensors.index.json");
    if (!st && has(folder, DA_MLC_MANIFEST)) {
        *kind = DA_WEIGHTS_MLC;
        return da_mlc_open(ret, folder, err);
    }
    if (!st && (has(folder, "pytorch_model.bin") || has(folder, "pytorch_model.bin.index.json"))) {
        *kind = DA_WEIGHTS_TORCH;
        return da_torch_open(ret, folder, err);
    }
    *kind = DA_WEIGHTS_SAFETENSORS;
    return da_safetensors_open(ret, folder, err);
}
