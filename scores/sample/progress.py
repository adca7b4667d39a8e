"""How a long command says how far it is: a bar where somebody watches, a plain line now and then where nobody does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Protocol, TextIO

from tqdm import tqdm

LINE_EVERY = 10.0
"""Seconds between two plain lines."""


class Progress(Protocol):
    """Told how many more are done."""

    def __call__(self, done: int, /) -> None: ...


@contextmanager
def progress(what: str, total: int, *, unit: str, already: int = 0, out: TextIO | None = None) -> Iterator[Progress]:
    """Show how many of `total` are done; lines go to `out` (stderr, unless said)."""
    out = out or sys.stderr
    if getattr(out, "isatty", lambda: False)():
        with tqdm(desc=what, total=total, initial=already, unit=f" {unit}", file=out, smoothing=0.1) as bar:
            yield bar.update
        return
    count, started, told = already, monotonic(), monotonic()

    def plain(done: int, /) -> None:
        nonlocal count, told
        count += done
        if monotonic() - told >= LINE_EVERY and count < total:
            told = monotonic()
            out.write(f"{what}: {count:,} of {total:,} {unit}\n")

    yield plain
    out.write(f"{what}: {count:,} of {total:,} {unit} in {monotonic() - started:.1f} s\n")
