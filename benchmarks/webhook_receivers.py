"""Receivers of the webhook run: `python -m benchmarks.webhook_receivers LOG PORT:KIND...`, one log line per call.

Kinds: `ordinary`, `slow=SECONDS`, `flaky` (500 to half of the calls, never five times in a row to one event), `gone`
(410). A line is written before the answer is sent: `[when, port, status, event, object, sequence]`.
"""

import json
import random
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TextIO


def receiver(port: int, kind: str, log: TextIO, lock: threading.Lock) -> ThreadingHTTPServer:
    refused: Counter[str] = Counter()
    chance = random.Random(port)
    pause = float(kind.partition("=")[2] or 0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(pause)
            event = told["id"]
            status = 410 if kind == "gone" else 200
            if kind == "flaky" and refused[event] < 4 and chance.random() < 0.5:
                refused[event] += 1
                status = 500
            line = [time.time(), port, status, event, told["object"]["id"], told["sequence"]]
            with lock:
                log.write(json.dumps(line) + "\n")
                log.flush()
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Nothing but the lines above."""

    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer.daemon_threads = True
    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    with open(sys.argv[1], "a", encoding="utf-8") as lines:
        one_at_a_time = threading.Lock()
        for asked in sys.argv[2:]:
            number, _, what = asked.partition(":")
            server = receiver(int(number), what, lines, one_at_a_time)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        threading.Event().wait()
