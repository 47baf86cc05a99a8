"""A chat-completions server that speaks HTTP/2 only, over TLS, with the `h2` package (PyPI):

    python h2_server.py PORTFILE CERT KEY STATSFILE [RESET_EVERY]

Answers every request after 50 ms. With RESET_EVERY, the connection on which the n-th request
arrives is cut without warning, whatever is open on it. STATSFILE gets, at SIGTERM, how many
requests and connections there were, the most streams open at a time on one connection, the cuts
and the requests each cut lost.
"""
import asyncio
import json
import signal
import ssl
import sys

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset

DELAY_S = 0.05
port_file, cert, key, stats_file = sys.argv[1:5]
reset_every = int(sys.argv[5]) if len(sys.argv) > 5 else 0
stats = {"requests": 0, "replies": 0, "connections": 0, "most_streams": 0, "cuts": 0, "lost": []}


def answer(body):
    user = body["messages"][1]["content"]
    text = " ".join(user.split("<document>\n")[1].split("\n</document>")[0].split()[:20])
    content = {"summary": text, "question": "How does it begin?", "answer": text, "questions": [
        "What is described in the first part?", "Why was any of it written?", "Who reads it?"]}
    return {"model": body["model"], "choices": [{"finish_reason": "stop", "message": {
        "role": "assistant", "content": json.dumps(content)}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100}}


class Server(asyncio.Protocol):
    def connection_made(self, transport):
        assert transport.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        stats["connections"] += 1
        self.transport = transport
        self.h2 = H2Connection(H2Configuration(client_side=False))
        self.h2.initiate_connection()
        self.bodies = {}
        transport.write(self.h2.data_to_send())

    def data_received(self, data):
        for e in self.h2.receive_data(data):
            if isinstance(e, RequestReceived):
                self.bodies[e.stream_id] = b""
                stats["most_streams"] = max(stats["most_streams"], len(self.bodies))
            elif isinstance(e, DataReceived):
                self.bodies[e.stream_id] += e.data
                self.h2.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
            elif isinstance(e, StreamReset):
                self.bodies.pop(e.stream_id, None)
            elif isinstance(e, StreamEnded):
                stats["requests"] += 1
                if reset_every and stats["requests"] % reset_every == 0:
                    stats["cuts"] += 1
                    stats["lost"].append(len(self.bodies))
                    self.transport.abort()
                    return
                asyncio.get_running_loop().call_later(DELAY_S, self.reply, e.stream_id)
        self.transport.write(self.h2.data_to_send())

    def reply(self, stream):
        if self.transport.is_closing() or stream not in self.bodies:
            return
        body = json.dumps(answer(json.loads(self.bodies.pop(stream)))).encode()
        self.h2.send_headers(stream, [(":status", "200"), ("content-type", "application/json")])
        self.h2.send_data(stream, body, end_stream=True)
        stats["replies"] += 1
        self.transport.write(self.h2.data_to_send())


async def main():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    tls.set_alpn_protocols(["h2"])
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, ssl=tls)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with open(port_file, "w") as f:
        print(server.sockets[0].getsockname()[1], file=f)
    await stop.wait()
    with open(stats_file, "w") as f:
        json.dump(stats, f)


asyncio.run(main())
