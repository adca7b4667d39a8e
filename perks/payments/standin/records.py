"""What the stand-in keeps: objects and events of each account, held to the SDK's classes on their way in and out."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import stripe
from stripe._object_classes import OBJECT_CLASSES

from perks.payments.standin import contract
from perks.payments.standin.forms import Params, is_within
from perks.payments.standin.refusals import invalid

Record = dict[str, Any]  # keys with a leading underscore are the stand-in's own and never leave it
Handler = Callable[..., Record]

PLATFORM = ""
DAY = 86_400
MONTH = 30 * DAY

HANDLERS: dict[tuple[str, str], Handler] = {}


def answers(method: str, template: str) -> Callable[[Handler], Handler]:
    """Register what answers a route, called with the records, the ids in its path and the parameters."""

    def register(handler: Handler) -> Handler:
        HANDLERS[method, template] = handler
        return handler

    return register


class ContractBroken(AssertionError):
    """The stand-in itself said something that the SDK's classes do not allow."""


class Records:
    """Objects by id, each one account's; `account` is whose call is being answered (None: a test sees everything)."""

    def __init__(self, *, strict: bool = True, now: float | None = None) -> None:
        self.strict, self._now = strict, now
        self.objects: dict[str, Record] = {}
        self.events: list[Record] = []
        self.contract_errors: list[str] = []
        self.account: str | None = None
        self.base_url = "https://fake.invalid"
        self._counts: dict[str, int] = {}

    # -- Time and names ---------------------------------------------------------------------------------------------
    def now(self, clock: str | None = None) -> int:
        """Seconds since 1970, of a test clock where one is named."""
        if clock:
            return int(self.objects[clock]["frozen_time"])
        return int(time.time() if self._now is None else self._now)

    def new_id(self, prefix: str) -> str:
        self._counts[prefix] = self._counts.get(prefix, 0) + 1
        return f"{prefix}_fake{self._counts[prefix]:06d}"

    # -- Objects ----------------------------------------------------------------------------------------------------
    def put(self, cls: type, record: Record, *, without: tuple[str, ...] = ()) -> Record:
        """Keep a new object of the acting account. `without`: keys Stripe only gives where a call asks for them."""
        contract.with_nulls(cls, record)
        for name in without:
            record.pop(name, None)
        record["_account"] = self.account or PLATFORM
        self.objects[record["id"]] = record
        return record

    def get(self, id: str, kind: str | None = None, param: str = "id") -> Record:
        """The acting account's object. One that a path names is 404 where it is not there, one in a parameter 400."""
        record = self.objects.get(id)
        if record is None or (kind and record["object"] != kind) or not self._is_ours(record):
            status = 404 if param in ("id", "intent") else 400
            raise invalid(f"No such {kind or 'object'}: '{id}'", "resource_missing", param, status=status)
        return record

    def all(self, kind: str, **equal: Any) -> list[Record]:
        """The acting account's objects of a kind, oldest first, whose fields are these."""
        return [
            record
            for record in self.objects.values()
            if record["object"] == kind
            and self._is_ours(record)
            and all(record.get(name) == value for name, value in equal.items())
        ]

    def _is_ours(self, record: Record) -> bool:
        return self.account is None or record.get("_account", PLATFORM) == self.account

    @contextmanager
    def acting_for(self, account: str | None) -> Iterator[None]:
        """What is made inside belongs to this account, and only its objects are seen."""
        before, self.account = self.account, account
        try:
            yield
        finally:
            self.account = before

    def owner_of(self, id: str) -> str:
        return str(self.get(id).get("_account", PLATFORM))

    # -- Events -----------------------------------------------------------------------------------------------------
    def emit(
        self,
        type: str,
        record: Record,
        previous: Record | None = None,
        *,
        clock: str | None = None,
        account: str | None = None,
    ) -> Record:
        """Tell that something happened to an object, as it is now."""
        owner = record["_account"] if account is None else account
        data: Record = {"object": public(record)}
        if previous:
            data["previous_attributes"] = previous
        event: Record = {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": stripe.api_version,
            "created": self.now(clock),
            "data": data,
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": type,
            "_account": owner,
        }
        if owner:
            event["account"] = owner
        self._hold_to_contract(f"the event {type}", class_named(record["object"]), data["object"])
        self._hold_to_contract(f"the event {type}", stripe.Event, public(event))
        self.events.append(event)
        self.objects[event["id"]] = event
        return event

    def _hold_to_contract(self, what: str, cls: type, answer: Record) -> None:
        if self.strict and (problems := contract.check_answer(cls, answer)):
            self.contract_errors += problems
            raise ContractBroken(f"{what} breaks the SDK's contract: " + "; ".join(problems))

    # -- Answers ----------------------------------------------------------------------------------------------------
    def list_of(self, url: str, records: list[Record], params: Params) -> Record:
        """One page, newest first, after or before the object that the caller saw last."""
        newest_first = [record for record in reversed(records) if is_within(record["created"], params.get("created"))]
        ids = [record["id"] for record in newest_first]
        limit = int(params.get("limit", 10))
        if "ending_before" in params:
            newest_first = newest_first[: ids.index(self.get(params["ending_before"], param="ending_before")["id"])]
            page, has_more = newest_first[-limit:], len(newest_first) > limit
        else:
            if "starting_after" in params:
                seen = self.get(params["starting_after"], param="starting_after")["id"]
                newest_first = newest_first[ids.index(seen) + 1 :]
            page, has_more = newest_first[:limit], len(newest_first) > limit
        return {"object": "list", "url": url, "has_more": has_more, "data": page}

    def expanded(self, answer: Record, paths: list[str]) -> Record:
        """A copy of an answer, with the objects in place of the ids that the caller asked to expand."""
        answer = public(answer)
        for path in paths:
            nodes: list[Any] = [answer]
            for name in path.split("."):
                following: list[Any] = []
                for node in nodes:
                    if not isinstance(node, dict) or name not in node:
                        raise invalid(f"This property cannot be expanded ({path}).", None, "expand")
                    if isinstance(node[name], str) and node[name] in self.objects:
                        node[name] = public(self.objects[node[name]])
                    following += node[name] if isinstance(node[name], list) else [node[name]]
                nodes = [node for node in following if node is not None]
        return answer


@cache
def class_named(kind: str) -> type:
    """The SDK's class of objects of this kind."""
    found: Any = OBJECT_CLASSES[kind]
    return contract.load(found) if isinstance(found, tuple) else found


def public(value: Any) -> Any:
    """A deep copy without what is the stand-in's own."""
    if isinstance(value, dict):
        return {name: public(each) for name, each in value.items() if not name.startswith("_")}
    if isinstance(value, list):
        return [public(each) for each in value]
    return value
