"""The stand-in itself: one call in, one answer out, with Stripe's idempotency and with faults on demand.

It is NOT Stripe. Shapes and parameters are held to the installed SDK (`contract.py`); what may be captured, what a
retry answers and which event follows is our reading of Stripe's documentation, never compared with a sandbox.
"""

import json
import re
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import stripe

from perks.payments.standin import contract, deeds
from perks.payments.standin.forms import Params, decode_form
from perks.payments.standin.records import HANDLERS, PLATFORM, Record
from perks.payments.standin.refusals import Refusal, invalid
from perks.payments.standin.routes import Route, match

Answer = tuple[int, dict[str, str], str]

TEST_KEY = re.compile(r"Bearer (sk|rk)_test_\w+")
OTHER_PARAMETERS = "Keys for idempotent requests can only be used with the same parameters they were first used with."
IN_PROGRESS = "There is currently another in-progress request using this idempotency key."


@dataclass
class Fault:
    """What goes wrong with the next calls that match ("POST /v1/payment_intents$").

    `drop_before` and `drop_after` lose the answer of a call that was not, or was, executed. `status` answers an error
    and forgets it. `stored` and `stored_after` keep theirs under the call's key, as Stripe keeps its 500s, the latter
    after executing the call. `slow` answers after `seconds`.
    """

    match: str
    kind: Literal["drop_before", "drop_after", "status", "stored", "stored_after", "slow"]
    status: int = 500
    times: int = 1
    seconds: float = 0.0

    def body(self) -> Record:
        if self.status == 429:
            kind, code = "invalid_request_error", "rate_limit"
        else:
            kind, code = "api_error", None
        return {"error": {"type": kind, "code": code, "message": "A fault that was asked for."}}


@dataclass
class Call:
    """One call as it came, and how it was answered."""

    method: str
    path: str
    params: Params
    key: str | None
    version: str | None
    account: str
    status: int = 0
    replayed: bool = False


class FakeStripe(deeds.Deeds):
    """A whole Stripe in memory. `strict`: an answer or event of its own that breaks the SDK's types is an error."""

    def __init__(self, *, strict: bool = True, now: float | None = None) -> None:
        super().__init__(strict=strict, now=now)
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self.after: Callable[[Call], None] | None = None  # called outside of the lock, before the answer goes out
        self._kept: dict[tuple[str, str], tuple[str, int, Record]] = {}  # by account and idempotency key
        self._in_progress: set[tuple[str, str]] = set()

    def handle(self, method: str, url: str, headers: Mapping[str, str] | None, body: str | bytes | None) -> Answer:
        """Status, headers and body; raises `ConnectionError` where the answer is lost."""
        parts = urllib.parse.urlsplit(url)
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        raw = body.decode() if isinstance(body, bytes | bytearray) else body or ""
        sent = json.loads(raw or "{}") if "json" in lower.get("content-type", "") else decode_form(raw)
        call = Call(
            method,
            parts.path,
            decode_form(parts.query) | sent,
            lower.get("idempotency-key"),
            lower.get("stripe-version"),
            lower.get("stripe-account", PLATFORM),
        )
        answer = self._answer(call, lower)
        if self.after:
            self.after(call)
        return answer

    def _answer(self, call: Call, headers: dict[str, str]) -> Answer:
        key = (call.account, call.key) if call.method == "POST" and call.key else None
        with self.lock:
            self.calls.append(call)
            fault = self._fault_for(call)
            if fault and fault.kind == "drop_before":
                raise ConnectionError("The call never arrived.")
            if key in self._in_progress:
                error = {"type": "idempotency_error", "code": "idempotency_key_in_use", "message": IN_PROGRESS}
                return self._written(call, 409, {"error": error})
            if key:
                self._in_progress.add(key)
        try:
            if fault and fault.kind == "slow":
                time.sleep(fault.seconds)
            with self.lock:
                status, answer = self._with_fault(call, headers, fault, key)
                if fault and fault.kind == "drop_after":
                    raise ConnectionError("The answer was lost.")
                return self._written(call, status, answer)
        finally:
            if key:
                self._in_progress.discard(key)

    def _fault_for(self, call: Call) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and re.search(fault.match, f"{call.method} {call.path}"):
                fault.times -= 1
                return fault
        return None

    def _with_fault(
        self, call: Call, headers: dict[str, str], fault: Fault | None, key: tuple[str, str] | None
    ) -> tuple[int, Record]:
        if fault and fault.kind == "status":
            return fault.status, fault.body()
        if fault and fault.kind == "stored" and key and key not in self._kept:
            self._kept[key] = (_mark(call), fault.status, fault.body())
            return fault.status, fault.body()
        status, answer = self._answer_once(call, headers, key)
        if fault and fault.kind == "stored_after" and not call.replayed:
            status, answer = fault.status, fault.body()
            if key:
                self._kept[key] = (_mark(call), status, answer)
        return status, answer

    def _answer_once(self, call: Call, headers: dict[str, str], key: tuple[str, str] | None) -> tuple[int, Record]:
        """The answer that is kept under this key, or a new one."""
        if not TEST_KEY.fullmatch(headers.get("authorization", "")):
            return 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}
        if key and key in self._kept:
            mark, status, answer = self._kept[key]
            if mark != _mark(call):
                return 400, {"error": {"type": "idempotency_error", "message": OTHER_PARAMETERS}}
            call.replayed = True
            return status, answer
        is_kept = True
        try:
            status, answer = 200, self._execute(call)
        except Refusal as refusal:
            status, answer, is_kept = refusal.status, refusal.body, refusal.is_kept
        if key and is_kept:
            self._kept[key] = (_mark(call), status, answer)
        return status, answer

    def _execute(self, call: Call) -> Record:
        if call.account and call.account not in self.objects:
            message = f"The provided key does not have access to account '{call.account}'."
            raise invalid(message, "account_invalid", status=403, is_kept=False)
        found = match(call.method, call.path)
        if found is None:
            message = f"Unrecognized request URL ({call.method}: {call.path})."
            raise invalid(message, status=404, is_kept=False)
        route, ids = found
        try:
            contract.check_params(contract.load(route.params) if route.params else None, call.params)
        except contract.ParamError as problem:
            raise invalid(str(problem), problem.code, problem.param, is_kept=False) from problem
        handler = HANDLERS.get((route.method, route.template))
        if handler is None:
            message = f"The stand-in does not do {route.method} {route.template}."
            raise invalid(message, "not_in_stand_in", status=404, is_kept=False)
        params = dict(call.params)
        expand = params.pop("expand", [])
        with self.acting_for(call.account):
            answer = self.expanded(handler(self, *ids, params), expand)
        self._check_answer(route, answer)
        return answer

    def _check_answer(self, route: Route, answer: Record) -> None:
        if route.answer and not answer.get("deleted"):
            is_page = answer.get("object") in ("list", "search_result")
            for each in answer["data"] if is_page else [answer]:
                self._hold_to_contract(f"{route.method} {route.template}", contract.load(route.answer), each)

    def _written(self, call: Call, status: int, answer: Record) -> Answer:
        call.status = status
        headers = {
            "Content-Type": "application/json",
            "Request-Id": self.new_id("req"),
            "Stripe-Version": call.version or stripe.api_version,
        }
        if call.replayed:
            headers["Idempotent-Replayed"] = "true"
        if call.key:
            headers["Idempotency-Key"] = call.key
        if call.account:
            headers["Stripe-Account"] = call.account
        return status, headers, json.dumps(answer)

    # -- To be there after a restart --------------------------------------------------------------------------------
    def snapshot(self) -> dict[str, Any]:
        """All that a new one must know; JSON."""
        return {
            "objects": self.objects,
            "events": [event["id"] for event in self.events],
            "counts": self._counts,
            "kept": [[*key, *answer] for key, answer in self._kept.items()],
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        self.objects = snapshot["objects"]
        self.events = [self.objects[id] for id in snapshot["events"]]
        self._counts = snapshot["counts"]
        self._kept = {(account, key): (mark, status, answer) for account, key, mark, status, answer in snapshot["kept"]}

    def signed(
        self, event: Record, secret: str, *, timestamp: int | None = None, raw: str | None = None
    ) -> tuple[bytes, str]:
        """The body and the signature header by which Stripe delivers an event."""
        payload = json.dumps(_delivered(event), indent=2) if raw is None else raw
        return payload.encode(), stripe.WebhookSignature.generate_signature_header(payload, secret, timestamp)


def _mark(call: Call) -> str:
    """What must be the same when a key is used again."""
    return json.dumps([call.method, call.path, call.params], sort_keys=True)


def _delivered(event: Any) -> Any:
    return {name: value for name, value in event.items() if not name.startswith("_")}
