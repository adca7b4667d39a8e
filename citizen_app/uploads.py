"""Files that people hand in: a picture is drawn anew, so that nothing of the file but what can be seen is kept.

Place, time, camera and comments of a photograph are gone, and so is whatever else hid in it. A PDF cannot be drawn anew
without running its reader here: it is kept as it came, never opened, and given back as an attachment only.
"""

import io
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from PIL import Image, ImageOps

from citizen_app.errors import Busy, FileNotAccepted, FileTooLarge, FileUnreadable, PictureHasFrames, PictureTooLarge

MOST_BYTES: Final = 5 * 1024 * 1024
MOST_PIXELS: Final = {"JPEG": 25_000_000, "PNG": 25_000_000, "WEBP": 12_000_000}
"""By format. A WebP's decoder holds the picture four times in memory: 12 million pixels need what 25 do elsewhere."""
LONGEST_SIDE: Final = 4096
"""Pixels kept of a side: an A4 page at 300 dots an inch has 3,508. What is larger is halved."""
LONGEST_WAIT: Final = 10.0
"""Seconds to wait for the pictures of others."""

# One at a time in each process: a picture takes up to 200 MB while it is drawn, and people may send many at once.
_drawing = threading.Lock()
_PICTURES: Final = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"RIFF": "WEBP"}
Made = TypeVar("Made")
_PDF_BEGINS, _PDF_ENDS = (b"%PDF-1.", b"%PDF-2."), b"%%EOF"


class Uploaded(Protocol):
    """What a form or a multipart body gives: anything that can be read."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class CleanFile:
    """A file that may be kept: its bytes, what they are, and the ending of its name (without a dot)."""

    content: bytes
    content_type: str
    extension: str


def read_evidence(uploaded: Uploaded) -> CleanFile:
    """Return what is kept of a handed-in picture (JPEG, PNG, WebP: a JPEG drawn anew) or PDF (as it came).

    The name and the type it was sent with are not looked at. Raises `FileTooLarge`, `FileNotAccepted`,
    `FileUnreadable`, `PictureTooLarge`, `PictureHasFrames`, or `Busy` while others' pictures are being drawn.
    """
    content = uploaded.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise FileTooLarge("At most 5 MiB are kept of one file.", most_bytes=MOST_BYTES)
    if content.startswith(_PDF_BEGINS):
        if _PDF_ENDS not in content[-1024:]:
            raise FileUnreadable("The PDF stops before its end.")
        return CleanFile(content, "application/pdf", "pdf")
    return CleanFile(draw_anew(content), "image/jpeg", "jpg")


@dataclass(frozen=True, slots=True)
class DrawnPicture:
    """A picture drawn anew in several sizes: the WebP of each, and how large the largest is."""

    width: int
    height: int
    files: Mapping[str, bytes]


def read_picture(uploaded: Uploaded, sizes: Mapping[str, int]) -> DrawnPicture:
    """Return a handed-in picture (JPEG, PNG, WebP) drawn anew in these sizes, each the longest side of its WebP.

    A picture is never made larger. Refuses as `read_evidence` does, and a PDF as well.
    """
    content = uploaded.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise FileTooLarge("At most 5 MiB are kept of one file.", most_bytes=MOST_BYTES)
    return _one_at_a_time(content, "This is no picture (JPEG, PNG, WebP).", lambda canvas: _in_sizes(canvas, sizes))


def draw_anew(content: bytes) -> bytes:
    """Return a picture as a JPEG on a new canvas: upright, white where it was transparent, without any metadata."""
    return _one_at_a_time(content, "This is neither a picture (JPEG, PNG, WebP) nor a PDF.", _as_jpeg)


def _one_at_a_time(content: bytes, not_accepted: str, make: Callable[[Image.Image], Made]) -> Made:
    format = next((name for magic, name in _PICTURES.items() if content.startswith(magic)), None)
    if format is None:
        raise FileNotAccepted(not_accepted)
    if not _drawing.acquire(timeout=LONGEST_WAIT):
        raise Busy
    try:
        return _drawn(content, format, make)
    finally:
        _drawing.release()


def _drawn(content: bytes, format: str, make: Callable[[Image.Image], Made]) -> Made:
    try:
        with warnings.catch_warnings():
            # Pillow only warns about a picture of many pixels, and about metadata it cannot make sense of.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=(format,)) as picture:
                _check(picture, MOST_PIXELS[format])
                return make(_on_a_new_canvas(picture))
    except (PictureTooLarge, PictureHasFrames):
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise PictureTooLarge(most_pixels=MOST_PIXELS[format]) from error
    except Exception as error:
        # A file made to do harm may make a decoder raise anything; whatever it is, the picture cannot be read.
        raise FileUnreadable("The picture cannot be read to its end.") from error


def _check(picture: Image.Image, most_pixels: int) -> None:
    """Refuse by the header, before anything is decoded."""
    width, height = picture.size
    if width * height > most_pixels:
        raise PictureTooLarge(width=width, height=height, most_pixels=most_pixels)
    if getattr(picture, "n_frames", 1) != 1:
        raise PictureHasFrames


def _on_a_new_canvas(picture: Image.Image) -> Image.Image:
    picture.load()
    plain = _scaled_down(_in_plain_colours(picture))
    ImageOps.exif_transpose(plain, in_place=True)
    canvas = Image.new("RGB", plain.size, "white")
    canvas.paste(plain, mask=plain.getchannel("A") if plain.mode == "RGBA" else None)
    return canvas


def _in_plain_colours(picture: Image.Image) -> Image.Image:
    """The picture as one whose pixels can be averaged, with its transparency where it has any."""
    if picture.mode.startswith("I"):
        # 16 bits a pixel: their upper eight (a plain conversion would cut everything above 255 to white).
        return picture.point(lambda value: value / 256).convert("L")
    if picture.has_transparency_data:
        return picture if picture.mode == "RGBA" else picture.convert("RGBA")
    if picture.mode == "1":
        return picture.convert("L")
    return picture if picture.mode in ("L", "RGB", "CMYK") else picture.convert("RGB")


def _scaled_down(picture: Image.Image) -> Image.Image:
    """The picture at a half (a third …) of its size where a side is too long: the cheapest way in memory."""
    width, height = picture.size
    times = -(-max(width, height) // LONGEST_SIDE)
    if times == 1:
        return picture
    if picture.mode == "RGBA":
        # Averaging over what is transparent would take a second whole copy.
        return picture.resize((-(-width // times), -(-height // times)), Image.Resampling.NEAREST)
    return picture.reduce(times)


def _as_jpeg(canvas: Image.Image) -> bytes:
    drawn = io.BytesIO()
    canvas.save(drawn, "JPEG", quality=88)
    return drawn.getvalue()


def _in_sizes(canvas: Image.Image, sizes: Mapping[str, int]) -> DrawnPicture:
    files: dict[str, bytes] = {}
    largest = canvas.size
    for place, (name, side) in enumerate(sorted(sizes.items(), key=lambda size: -size[1])):
        canvas.thumbnail((side, side), Image.Resampling.LANCZOS)  # from the size above it: they only get smaller
        if place == 0:
            largest = canvas.size
        drawn = io.BytesIO()
        canvas.save(drawn, "WEBP", quality=82, method=4)
        files[name] = drawn.getvalue()
    return DrawnPicture(*largest, files)
