"""The picture of a pass: dark on white, four modules of quiet zone, error correction M; passes need version 7."""

from io import BytesIO

import segno

QUIET_ZONE = 4
SCALE = 8  # pixels a module


def qr_svg(text: str, *, title: str = "Your pass") -> bytes:
    """Return the picture as SVG, with a title for who cannot see it."""
    drawn = BytesIO()
    _drawn(text).save(
        drawn, kind="svg", scale=SCALE, border=QUIET_ZONE, dark="#000", light="#fff", xmldecl=False, title=title
    )
    return drawn.getvalue()


def qr_png(text: str) -> bytes:
    """Return the picture as PNG."""
    drawn = BytesIO()
    _drawn(text).save(drawn, kind="png", scale=SCALE, border=QUIET_ZONE, dark="#000", light="#fff")
    return drawn.getvalue()


def _drawn(text: str) -> segno.QRCode:
    return segno.make_qr(text, error="m", boost_error=False)
