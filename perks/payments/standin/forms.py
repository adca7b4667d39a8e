"""Parameters as Stripe's SDK writes them in a query or a body: `a[b][0]=c` is `{"a": {"b": ["c"]}}`."""

import re
import urllib.parse
from typing import Any

Params = dict[str, Any]


def decode_form(raw: str) -> Params:
    """Read names with brackets into hashes, and hashes of numbers into arrays."""
    root: Params = {}
    for name, value in urllib.parse.parse_qsl(raw, keep_blank_values=True):
        *parents, last = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        node = root
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return {name: _with_arrays(value) for name, value in root.items()}


def _with_arrays(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    node = {name: _with_arrays(value) for name, value in node.items()}
    if node and all(name.isdigit() for name in node):
        return [node[name] for name in sorted(node, key=int)]
    return node


def flag(value: str | bool | None, default: bool = False) -> bool:
    """A boolean as it is sent."""
    return default if value is None else str(value).lower() == "true"


def metadata_in(params: Params) -> dict[str, str]:
    """What was sent as metadata; an empty value takes a key away."""
    sent = params.get("metadata")
    return {name: value for name, value in sent.items() if value != ""} if isinstance(sent, dict) else {}


def is_within(value: int, bounds: str | Params | None) -> bool:
    """Whether a time fits a filter such as `created[gte]=…`."""
    if bounds is None:
        return True
    if isinstance(bounds, str):
        return value == int(bounds)
    fits = {
        "gt": lambda bound: value > bound,
        "gte": lambda bound: value >= bound,
        "lt": lambda bound: value < bound,
        "lte": lambda bound: value <= bound,
    }
    return all(fits[name](int(bound)) for name, bound in bounds.items())
