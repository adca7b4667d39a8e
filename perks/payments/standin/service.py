"""The stand-in as a service on 127.0.0.1: the API, hosted pages, a memory in a file, and webhooks to the product."""

import threading
import urllib.parse
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path

from perks.payments.standin import state
from perks.payments.standin.deliveries import Deliveries, Target
from perks.payments.standin.fake import Call
from perks.payments.standin.pages import Page, Pages
from perks.payments.standin.transport import ApiHandler

OWN_PAGES = ("same-origin", "none", None)  # what a browser says of a form that was sent from one of our own pages


class Service:
    """One stand-in, served until it is closed."""

    def __init__(self, *, file: Path, port: int, target: Target) -> None:
        self.file = file
        self.fake = state.load(file)
        self.deliveries = Deliveries(self.fake, target, on_change=self.save)
        self.fake.after = self._keep
        facts = {"fake": self.fake, "pages": Pages(self.fake), "on_change": lambda _handler: self.save()}
        handler = type("Handler", (HostingHandler,), facts)
        self.server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.server.daemon_threads = True
        self.fake.base_url = f"http://127.0.0.1:{self.server.server_port}"
        self._threads: list[threading.Thread] = []

    @property
    def base(self) -> str:
        return self.fake.base_url

    def start(self) -> None:
        """Answer from now on."""
        self._begin(self.server.serve_forever, 0.05)

    def deliver(self) -> None:
        """Tell the product from now on what happens."""
        self._begin(self.deliveries.run)

    def _begin(self, work: Callable[..., None], *words: float) -> None:
        thread = threading.Thread(target=work, args=words, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _keep(self, call: Call) -> None:
        """Before the answer goes out: what somebody was told is there after a crash."""
        self.fake.calls.clear()
        if call.method != "GET":
            self.save()

    def save(self) -> None:
        state.save(self.fake, self.file)

    def close(self) -> None:
        """End what was begun, and keep what it knows."""
        self.deliveries.stop()
        self.server.shutdown()
        self.server.server_close()
        for thread in self._threads:
            thread.join(timeout=10)
        self.save()


class HostingHandler(ApiHandler):
    """Answers the API and the pages, both only to who asks for this machine by its own number."""

    pages: Pages
    on_change: Callable[[], None]

    def answer(self) -> None:
        if self.headers.get("Host") != f"127.0.0.1:{self.connection.getsockname()[1]}":
            # Another name that leads here would let a foreign site read what is on this machine.
            self.close_connection = True  # what it sent stays unread
            self.send(421, {"Content-Type": "text/plain"}, b"Ask for 127.0.0.1.")
            return
        path = urllib.parse.urlsplit(self.path).path
        if path.startswith(("/v1/", "/v2/")):
            super().answer()
        else:
            self.answer_page(path)

    def answer_page(self, path: str) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.command == "POST" and self.headers.get("Sec-Fetch-Site") not in OWN_PAGES:
            page: Page | None = Page(403, "Another site may not press buttons here.")
        else:
            page = self.pages.answer(self.command, path, dict(urllib.parse.parse_qsl(sent)))
        if self.command == "POST":
            self.on_change()
        page = page or Page(404, "There is no such page.")
        self.send(page.status, page.headers(), page.body.encode())
