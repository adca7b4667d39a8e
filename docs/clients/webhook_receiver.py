"""A webhook receiver: verify, take each event once, keep the latest of each object, answer at once.

`pip install standardwebhooks`. Run it with `python webhook_receiver.py 9000 events.sqlite3 whsec_…`; behind your TLS
it is the `url` of an endpoint. While you rotate the secret give it both: `whsec_new whsec_old`.
"""

import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from standardwebhooks.webhooks import Webhook

MOST = 64 * 1024


class Inbox:
    """What has arrived, by `webhook-id`, and what each object is by now: both in one transaction, before the answer."""

    def __init__(self, path):
        self.lock = Lock()
        self.rows = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.rows.execute("PRAGMA journal_mode = WAL")
        self.rows.execute("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY)")
        self.rows.execute("CREATE TABLE IF NOT EXISTS object (id TEXT PRIMARY KEY, sequence INT, state TEXT)")

    def take(self, event):
        """Take one event; False when it was here before. An older one of an object never undoes a newer."""
        thing = event["object"]
        with self.lock:
            self.rows.execute("BEGIN IMMEDIATE")
            try:
                is_new = self.rows.execute("INSERT OR IGNORE INTO seen VALUES (?)", (event["id"],)).rowcount == 1
                self.rows.execute(
                    "INSERT INTO object VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, "
                    "state = excluded.state WHERE excluded.sequence > object.sequence",
                    (thing["id"], event["sequence"], thing["state"]),
                )
                self.rows.execute("COMMIT")
            except BaseException:
                self.rows.execute("ROLLBACK")
                raise
        return is_new


def verified(secrets, body, headers):
    """Return the event if one of the secrets signed it. The library raises more than it says: all of it is a no."""
    for secret in secrets:
        try:
            event = Webhook(secret).verify(body, headers)
            if event["id"] == headers["webhook-id"]:
                return event
        except Exception:  # noqa: S112  (a malformed signature, bad base64, bytes that are no text)
            continue
    return None


def receiver(port, inbox, secrets):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers.get("Content-Length") or 0)
            if not 0 < length <= MOST:
                return self.answer(413)
            headers = {name.lower(): value for name, value in self.headers.items()}
            event = verified(secrets, self.rfile.read(length), headers)
            if event is None:
                return self.answer(400)
            inbox.take(event)  # work that takes longer is for a worker of yours, which reads these tables
            return self.answer(204)

        def answer(self, status):
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            """Nothing: an address may be a secret."""

    ThreadingHTTPServer.request_queue_size = 128
    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    receiver(int(sys.argv[1]), Inbox(sys.argv[2]), sys.argv[3:]).serve_forever()
