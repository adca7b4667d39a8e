"""PURE: files of codes, one a line: what is a code, what is a header, and what is told about a line that is neither.

A code is 1 to 64 letters, digits and the signs `. _ - : / + # ~`, and begins with a letter or a digit: such a cell is
no formula in any spreadsheet. It is kept as it stands, in capitals or not.
"""

import re
import secrets
from collections.abc import Iterator
from typing import Final, Protocol

LONGEST_CODE: Final = 64
MOST_CODES: Final = 1_000_000
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: nothing that is read as something else."""
SHORTEST_GENERATED, LONGEST_GENERATED, USUAL_LENGTH = 10, 32, 12
"""Ten characters are fifty bits: of a million codes one is guessed in a thousand million tries."""

_IN_ALPHABET: Final = bytes(ord(ALPHABET[byte % 32]) for byte in range(256))
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+#~-]{0,63}", re.ASCII)
_HEADERS: Final = frozenset({"code", "codes", "coupon", "coupon code", "coupon_code", "voucher", "voucher code"})
_LONGEST_LINE: Final = 1024
_BOM: Final = b"\xef\xbb\xbf"


class Readable(Protocol):
    def readline(self, size: int, /) -> bytes: ...


def is_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None


def read_codes(file: Readable) -> Iterator[tuple[int, str | None]]:
    """Return each line's number, from 1, and its code, or None where there is none in it.

    Blank lines and a header in the first one are passed over. No more than a line is held, and of a long one its
    beginning.
    """
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        whole = line
        while not line.endswith(b"\n") and len(line) == _LONGEST_LINE:
            line, whole = file.readline(_LONGEST_LINE), b""
            if not line:
                break
        text = _cell_of(whole.removeprefix(_BOM) if number == 1 else whole)
        if (text == "" and whole) or (number == 1 and text is not None and text.lower() in _HEADERS):
            continue
        yield number, text if text and is_code(text) else None


def _cell_of(line: bytes) -> str | None:
    """The one cell of a line, out of its quotes; None where it is no text."""
    try:
        text = line.decode("utf-8").strip()
    except UnicodeDecodeError:
        return None
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].replace('""', '"').strip()
    return text


def make_code(prefix: str, length: int) -> str:
    """Return a new code of random characters."""
    return prefix + secrets.token_bytes(length).translate(_IN_ALPHABET).decode()
