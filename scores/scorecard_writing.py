"""Writing a scorecard's document as the YAML people read and edit. No Django here.

What is written loads to the same scorecard again: `load_scorecard(scorecard_yaml(card.document))` is `card`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def scorecard_yaml(document: Mapping[str, Any]) -> str:
    """The canonical document (`Scorecard.document`) as YAML, one rule after the other and a bin on each line."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield f'version: "{document["version"]}"'
    yield f"range: {_flow(document['range'])}"
    yield f"base: {document['base']}"
    yield f"thin_file: {_flow(document['thin_file'])}"
    yield "bands:"
    for band in document["bands"]:
        yield f"  - {_flow(band)}"
    yield "factors:"
    for factor in document["factors"]:
        yield f"  - {_flow(factor)}"
    yield "purposes:"
    for code, purpose in document["purposes"].items():
        yield f"  {code}: {_flow(purpose)}"
    yield "rules:"
    for rule in document["rules"]:
        start = "  - "
        for key, value in rule.items():
            if key != "bins":
                yield f"{start}{key}: {_flow(value)}"
                start = "    "
        yield "    bins:"
        for bin in rule["bins"]:
            yield f"      - {_flow(bin)}"


def _flow(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_flow, value)) + "]"
    # Codes are of letters, digits, dots and dashes, and numbers are decimal text: neither needs quotes. A word that
    # YAML would read as something else does.
    return f'"{value}"' if value in ("true", "false", "null", "~") else str(value)
