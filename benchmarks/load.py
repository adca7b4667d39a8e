"""A closed loop of clients on keep-alive connections to 127.0.0.1: bounded in count, so it stops by itself."""

import http.client
import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.processes import Server


@dataclass(frozen=True)
class Outcome:
    """What a run came to: `cpu_ms` is the server's, per request."""

    per_second: float
    cpu_ms: float
    p99_ms: float
    failed: int


def drive(
    server: Server,
    method: str,
    path: Callable[[int], str],
    *,
    clients: int,
    requests: int,
    headers: Callable[[int], dict[str, str]] = lambda _: {},
    body: bytes | Callable[[int], bytes] | None = None,
    expected: int = 200,
) -> Outcome:
    """Send `requests` numbered requests over `clients` connections and count what is not answered as `expected`."""
    numbers = itertools.count()

    def client(_: int) -> tuple[list[float], int]:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        waits, failed = [], 0
        while (number := next(numbers)) < requests:
            began = time.perf_counter()
            sent = body(number) if callable(body) else body
            connection.request(method, path(number), body=sent, headers=headers(number))
            response = connection.getresponse()
            response.read()
            waits.append(time.perf_counter() - began)
            failed += response.status != expected
        connection.close()
        return waits, failed

    cpu, began = server.cpu_seconds(), time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        told = list(pool.map(client, range(clients)))
    seconds = time.perf_counter() - began
    waits = sorted(wait for waits, _ in told for wait in waits)
    return Outcome(
        per_second=len(waits) / seconds,
        cpu_ms=(server.cpu_seconds() - cpu) * 1000 / len(waits),
        p99_ms=waits[int(len(waits) * 0.99) - 1] * 1000,
        failed=sum(failed for _, failed in told),
    )
