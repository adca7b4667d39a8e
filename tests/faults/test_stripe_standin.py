"""The stand-in as `STRIPE_DEMO=1 make run` starts it: what it answered outlives a kill, and it ends with its parent."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import stripe

from tests.running import ROOT


def v1_at(port):
    bases = dict.fromkeys(("api", "files", "connect", "meter_events"), f"http://127.0.0.1:{port}")
    http = stripe.RequestsClient(timeout=5)
    return stripe.StripeClient("sk_test_x", base_addresses=bases, http_client=http, max_network_retries=0).v1


def answers(port):
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen within 20 seconds")


@contextmanager
def started(var, port, *, beside=""):
    """The command alone, or, as `make run` does, beside a process that its shell has become."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    environment |= {
        "VAR_DIR": str(var),
        "STRIPE_API_KEY": "sk_test_x",
        "STRIPE_WEBHOOK_SECRETS": "whsec_p",
        "STRIPE_CONNECT_WEBHOOK_SECRETS": "whsec_c",
    }
    command = f"{sys.executable} manage.py stripe_standin --port {port} --app http://127.0.0.1:9"
    shell = f"{command} --with-parent & exec {beside}" if beside else f"exec {command}"
    process = subprocess.Popen(["/bin/sh", "-c", shell], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(port))
        yield process
    finally:
        process.kill()
        process.wait(timeout=20)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_what_was_answered_is_there_though_it_was_killed(tmp_path):
    port = free_port()
    told = []
    for _ in range(2):
        with started(tmp_path, port) as process:
            v1 = v1_at(port)
            told += [v1.customers.create({"name": str(number)}).id for number in range(20)]
            process.send_signal(signal.SIGKILL)
    with started(tmp_path, port):
        there = {customer.id for customer in v1_at(port).customers.list({"limit": 100}).auto_paging_iter()}
    assert there == set(told)
    assert len(told) == len(there) == 40


def test_it_ends_when_its_parent_has_ended_however_that_went(tmp_path):
    port = free_port()
    for number in (signal.SIGTERM, signal.SIGKILL):
        with started(tmp_path, port, beside="sleep 60") as parent:
            parent.send_signal(number)
            parent.wait(timeout=5)
            wait_until(lambda: not answers(port))
