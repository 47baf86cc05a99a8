"""llama.cpp's own HTTP server, as the package `xllamacpp` (PyPI) brings it ready-made:

    python llama_server.py MODEL.gguf PORTFILE

Every reply is held to our schema by a grammar: what response_format asks for is not enforced by this
build for a model without a chat template. One thread: more of them wait for each other on a busy
machine. Replies are handed out as they were generated, also those that were cut off.
"""
import sys
import time

import xllamacpp

GRAMMAR = r'''
root ::= "{\"summary\":" s ",\"questions\":[" s "," s "," s "],\"question\":" s ",\"answer\":" s "}"
s ::= "\"" [a-zA-Z0-9 ,.?]{1,200} "\""
'''
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_parallel = 4
params.n_ctx = params.n_parallel * 8192
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.warmup = False
params.sampling.grammar = xllamacpp.CommonGrammar(
    xllamacpp.common_grammar_type.COMMON_GRAMMAR_TYPE_USER, GRAMMAR)
params.force_pure_content_parser = True
params.port = 0
server = xllamacpp.Server(params)
print("xllamacpp", xllamacpp.__version__, flush=True)
with open(sys.argv[2], "w") as f:
    print(server.listening_address.rsplit(":", 1)[1], file=f)
while True:
    time.sleep(3600)
