"""Somebody to call: servers on loopback that answer as a test wants."""

import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serving(answer):
    """A server on loopback; `answer(handler)` writes what it likes, `handler.sent` is what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with suppress(OSError):  # the caller hung up
                answer(self)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook"
    finally:
        server.shutdown()
        server.server_close()


def plain(handler, status=200, body=b"fine", **headers):
    """Answer in one piece."""
    handler.send_response(status)
    for name, value in ({"Content-Length": str(len(body))} | headers).items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)
