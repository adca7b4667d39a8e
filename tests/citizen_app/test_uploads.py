"""Handed-in files: what may be kept is drawn anew, and a hostile one costs neither memory nor time."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from citizen_app import uploads
from citizen_app.errors import Busy, DomainError
from citizen_app.uploads import MOST_BYTES, read_evidence

ROOT = Path(__file__).resolve().parents[2]
MINIMAL_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
SCRIPT = b"<html><script>alert(document.cookie)</script></html>"


def saved(picture: Image.Image, format: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def photograph(width: int = 40, height: int = 20) -> Image.Image:
    """Red on the left, blue on the right."""
    picture = Image.new("RGB", (width, height), (250, 10, 10))
    picture.paste((10, 10, 250), (width // 2, 0, width, height))
    return picture


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int, bits: int = 1, colour: int = 0, *, before_data: bytes = b"") -> bytes:
    """A PNG whose header promises so many pixels; written row by row, so that making it costs no memory."""
    squeeze = zlib.compressobj(9)
    row = bytes(1 + -(-width * bits // 8))
    body = b"".join(squeeze.compress(row) for _ in range(height)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before_data + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def frames(format: str, count: int, size: int) -> bytes:
    shades = [Image.new("RGB", (size, size), (10 * shade, 0, 0)) for shade in range(count)]
    return saved(shades[0], format, save_all=True, append_images=shades[1:])


def read(content: bytes):
    return read_evidence(io.BytesIO(content))


def opened(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def is_about(pixel, expected) -> bool:
    return all(abs(one - other) <= 12 for one, other in zip(pixel, expected, strict=True))


# -- What is kept -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_kept_as_a_jpeg_of_what_can_be_seen(format):
    kept = read(saved(photograph(), format))
    assert (kept.content_type, kept.extension) == ("image/jpeg", "jpg")
    picture = opened(kept.content)
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (40, 20))
    assert is_about(picture.getpixel((4, 10)), (250, 10, 10))
    assert is_about(picture.getpixel((36, 10)), (10, 10, 250))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_way_of_storing_colours_is_read(mode):
    grey = Image.new("L", (16, 16), 0)
    grey.paste(255, (8, 0, 16, 16))
    if mode == "I;16":
        stored = Image.new("I;16", (16, 16), 1000)
        stored.paste(0xFFFF, (8, 0, 16, 16))
    else:
        stored = grey.convert(mode)
    kept = opened(read(saved(stored, "JPEG" if mode == "CMYK" else "PNG")).content)
    assert kept.mode == "RGB"
    assert is_about(kept.getpixel((2, 8)), (0, 0, 0))
    assert is_about(kept.getpixel((13, 8)), (255, 255, 255))


def test_what_is_transparent_becomes_white_and_hides_nothing():
    hidden = Image.new("RGBA", (16, 16), (200, 0, 0, 0))
    assert is_about(opened(read(saved(hidden, "PNG")).content).getpixel((8, 8)), (255, 255, 255))


def test_a_photograph_stands_upright_and_forgets_where_and_when_it_was_taken():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it a quarter to the right to see it
    exif[0x010F] = "CameraOfSomebody"
    exif.get_ifd(0x8825).update({1: "N", 2: (38.0, 43.0, 1.0), 3: "W", 4: (9.0, 8.0, 2.0)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">HomeOfSomebody</x:xmpmeta>'
    taken = saved(photograph(), "JPEG", exif=exif, icc_profile=profile, xmp=xmp, comment=b"NoteOfSomebody")
    for trace in (b"Exif", b"CameraOfSomebody", b"HomeOfSomebody", b"NoteOfSomebody", b"ICC_PROFILE"):
        assert trace in taken
    kept = read(taken).content
    picture = opened(kept)
    assert picture.size == (20, 40)
    assert is_about(picture.getpixel((10, 4)), (250, 10, 10))
    for trace in (b"Exif", b"OfSomebody", b"ICC_PROFILE", b"http://ns.adobe.com"):
        assert trace not in kept
    assert set(picture.info) == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert dict(picture.getexif()) == {}


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_the_texts_and_profiles_of_other_formats_go_as_well(format):
    exif = Image.Exif()
    exif[0x010F] = "CameraOfSomebody"
    kept = read(saved(photograph(), format, exif=exif)).content
    assert b"OfSomebody" not in kept
    text = chunk(b"tEXt", b"Author\0PersonOfSomebody")
    assert b"OfSomebody" not in read(png_of(8, 8, before_data=text)).content


def test_a_picture_that_is_also_something_else_is_only_the_picture_afterwards():
    picture = saved(photograph(), "JPEG", comment=SCRIPT)
    for more in (SCRIPT, b"PK\x03\x04 a zip", b"*/alert(1)//"):
        kept = read(picture + more).content
        assert b"script" not in kept
        assert more not in kept


def test_a_large_picture_is_kept_at_a_half():
    assert opened(read(png_of(5000, 400)).content).size == (2500, 200)
    assert opened(read(png_of(4096, 400)).content).size == (4096, 400)


def test_a_pdf_is_kept_as_it_came():
    kept = read(MINIMAL_PDF)
    assert (kept.content, kept.content_type, kept.extension) == (MINIMAL_PDF, "application/pdf", "pdf")


def test_what_is_called_something_else_is_judged_by_what_is_inside():
    class Named(io.BytesIO):
        name, content_type, size = "cat.png", "image/png", 3

    with pytest.raises(DomainError) as refusal:
        read_evidence(Named(SCRIPT))
    assert refusal.value.code == "file_not_accepted"


# -- What is refused --------------------------------------------------------------------------------------------------


def jpeg() -> bytes:
    return saved(photograph(400, 400), "JPEG")


HOSTILE = {
    "nothing": (lambda: b"", "file_not_accepted"),
    "one byte": (lambda: b"\xff", "file_not_accepted"),
    "a magic number only": (lambda: b"\xff\xd8\xff", "file_unreadable"),
    "1-bit 10000²": (lambda: png_of(10_000, 10_000), "picture_too_large"),
    "20000²": (lambda: png_of(20_000, 20_000), "picture_too_large"),
    "a strip of 100000 by 300": (lambda: png_of(100_000, 300), "picture_too_large"),
    "a WebP of 14 MP": (lambda: saved(Image.new("RGB", (4000, 3500)), "WEBP", method=0), "picture_too_large"),
    "a GIF of 100 frames": (lambda: frames("GIF", 100, 100), "file_not_accepted"),
    "an APNG": (lambda: frames("PNG", 20, 200), "picture_has_frames"),
    "an animated WebP": (lambda: frames("WEBP", 20, 200), "picture_has_frames"),
    "TIFF": (lambda: saved(photograph(), "TIFF"), "file_not_accepted"),
    "BMP": (lambda: saved(photograph(), "BMP"), "file_not_accepted"),
    "ICO": (lambda: saved(photograph(), "ICO"), "file_not_accepted"),
    "PSD": (lambda: b"8BPS\0\1" + bytes(200), "file_not_accepted"),
    "EPS": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", "file_not_accepted"),
    "FITS": (lambda: b"SIMPLE  =                    T" + bytes(3000), "file_not_accepted"),
    "SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "file_not_accepted"),
    "HTML": (lambda: SCRIPT, "file_not_accepted"),
    "HTML before a PDF": (lambda: SCRIPT + MINIMAL_PDF, "file_not_accepted"),
    "HTML before a JPEG": (lambda: SCRIPT + jpeg(), "file_not_accepted"),
    "zip": (lambda: b"PK\x03\x04" + bytes(100), "file_not_accepted"),
    "PDF cut short": (lambda: MINIMAL_PDF[:30], "file_unreadable"),
    "JPEG cut short": (lambda: jpeg()[: len(jpeg()) // 2], "file_unreadable"),
    "PNG cut short": (lambda: png_of(300, 300, 8)[:-40], "file_unreadable"),
    "WebP cut short": (lambda: saved(photograph(400, 400), "WEBP")[:200], "file_unreadable"),
    "RIFF that is sound": (lambda: b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), "file_unreadable"),
    "PNG with a wrong checksum": (lambda: png_of(30, 30)[:-30] + bytes(30), "file_unreadable"),
    "a text that unpacks to 60 MB": (lambda: png_of(8, 8, before_data=bomb(b"zTXt")), "file_unreadable"),
    "a profile that unpacks to 60 MB": (lambda: png_of(8, 8, before_data=bomb(b"iCCP")), "file_unreadable"),
    "more than 5 MiB": (lambda: jpeg() + bytes(MOST_BYTES), "too_large"),
    "100 MB": (lambda: bytes(100_000_000), "too_large"),
}


def bomb(name: bytes) -> bytes:
    return chunk(name, b"n\0\0" + zlib.compress(bytes(60_000_000), 9))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_a_code_and_a_sentence(name):
    make, code = HOSTILE[name]
    with pytest.raises(DomainError) as refusal:
        read(make())
    assert refusal.value.code == code
    assert refusal.value.kind.value in (400, 413)
    assert refusal.value.detail or refusal.value.title


def test_exactly_five_mebibytes_are_read():
    padded = MINIMAL_PDF[:-6] + b" " * (MOST_BYTES - len(MINIMAL_PDF)) + b"%%EOF\n"
    assert len(padded) == MOST_BYTES
    assert read(padded).content == padded
    with pytest.raises(DomainError):
        read(padded[:-6] + b" " + b"%%EOF\n")


def test_pictures_are_drawn_one_at_a_time_and_nobody_waits_for_ever(monkeypatch):
    monkeypatch.setattr(uploads, "LONGEST_WAIT", 0.01)
    with uploads._drawing, pytest.raises(Busy):
        read(saved(photograph(), "PNG"))
    assert read(saved(photograph(), "PNG")).extension == "jpg"


# -- What it costs ----------------------------------------------------------------------------------------------------

MEASURED = """
import io, sys, time
sys.path.insert(0, sys.argv[1])
from PIL import Image
from citizen_app.errors import DomainError
from citizen_app.uploads import read_evidence
Image.preinit()
def high_water():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
for path in sys.argv[2:]:
    content = open(path, "rb").read()
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")
    before, began = high_water(), time.process_time()
    try:
        read_evidence(io.BytesIO(content))
    except DomainError:
        pass
    print(high_water() - before, time.process_time() - began)
"""


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="memory is measured by Linux's /proc")
def test_no_file_takes_200_megabytes_or_two_seconds(tmp_path):
    files = {name: make() for name, (make, _) in HOSTILE.items() if name != "100 MB"}
    files["RGBA of 25 MP"] = png_of(5000, 5000, 8, 6)
    files["16-bit RGB of 25 MP"] = png_of(5000, 5000, 16, 2)
    files["JPEG of 25 MP to be turned"] = saved(photograph(5000, 5000), "JPEG", exif=_turned())
    files["CMYK of 25 MP"] = saved(photograph(5000, 5000).convert("CMYK"), "JPEG")
    files["WebP of 12 MP"] = saved(photograph(4000, 3000), "WEBP", method=0)
    paths = []
    for number, content in enumerate(files.values()):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(content)
    run = subprocess.run(
        [sys.executable, "-c", MEASURED, ROOT, *paths], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    cost = dict(zip(files, (line.split() for line in run.stdout.splitlines()), strict=True))
    assert {name: kibibytes for name, (kibibytes, _) in cost.items() if int(kibibytes) > 200 * 1024} == {}
    assert {name: seconds for name, (_, seconds) in cost.items() if float(seconds) > 2} == {}


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif
