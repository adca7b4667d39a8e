"""The badge: a picture a citizen may show. It says since when, whether their identity was checked and how many perks
they enjoyed; never a score, and there is nothing in it to verify (P4)."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from io import BytesIO
from typing import Final

from django.conf import settings
from PIL import Image, ImageDraw, ImageFont

from citizen_app.models import Citizen
from perks.models import Redemption
from scores import assessments
from scores.errors import NotEnrolled

WIDTH, HEIGHT = 1200, 630
THEMES: Final = ("light", "dark")
_MARK: Final = {"ground": "#3a1430", "arch": "#fff4ec", "door": "#f0ae45"}
_COLOURS: Final = {
    name: dict(zip(("ground", "card", "line", "ink", "soft", "yes"), colours, strict=True))
    for name, colours in {
        "light": ("#f6f1ee", "#fffdfc", "#e3d8d3", "#2b1827", "#5a4655", "#22634a"),
        "dark": ("#171015", "#221820", "#3b2c37", "#f7ecea", "#d3c1cb", "#8fd3ac"),
    }.items()
}
"""As `static/css/tokens.css` has them."""
_TIMES_LARGER: Final = 2
"""Drawn so many times larger and scaled down, so that curves are smooth."""


@dataclass(frozen=True, slots=True)
class Badge:
    """What the badge says."""

    member_since: date
    identity_verified: bool
    perks_enjoyed: int

    @property
    def lines(self) -> tuple[str, str, str]:
        verified = "Identity verified" if self.identity_verified else "Identity not verified yet"
        count = self.perks_enjoyed
        return f"Member since {self.member_since:%B %Y}", verified, f"{count} perk{'' if count == 1 else 's'} enjoyed"

    @property
    def text(self) -> str:
        """The same in words, for who cannot see the picture."""
        return f"Citizen App badge. {'. '.join(self.lines)}."


def badge_of(citizen: Citizen, *, now: datetime | None = None) -> Badge:
    """What the citizen's badge says now; `NotEnrolled` where they have none."""
    membership = assessments.membership_of(citizen)
    if membership is None:
        raise NotEnrolled
    enjoyed = Redemption.objects.filter(citizen=citizen, state=Redemption.State.REDEEMED).count()
    return Badge(membership.since, membership.has_document, enjoyed)


def draw_badge(badge: Badge, *, theme: str) -> bytes:
    """The badge as a PNG of 1200 × 630 without any metadata; `theme` is `light` or `dark`."""
    size = WIDTH * _TIMES_LARGER, HEIGHT * _TIMES_LARGER
    colours = _COLOURS[theme]
    picture = Image.new("RGB", size, colours["ground"])
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle(_scaled(40, 40, WIDTH - 40, HEIGHT - 40), _px(36), colours["card"], colours["line"], _px(2))
    _draw_mark(draw, 96, 100, 108)
    draw.text(_point(232, 154), "Citizen App", colours["ink"], _font("commissioner-flared-latin", 52, 600), anchor="lm")
    since, verified, enjoyed = badge.lines
    draw.text(_point(96, 306), since, colours["ink"], _font("commissioner-flared-latin", 68, 600), anchor="lm")
    shade = colours["yes"] if badge.identity_verified else colours["soft"]
    text = _font("hanken-grotesk-latin", 42, 500)
    _draw_tick(draw, 96, 396, shade) if badge.identity_verified else _draw_ring(draw, 96, 396, shade)
    draw.text(_point(152, 396), verified, colours["ink"], text, anchor="lm")
    _draw_door(draw, 96, 468, colours["soft"])
    draw.text(_point(152, 468), enjoyed, colours["ink"], text, anchor="lm")
    note = "A keepsake. It says nothing about a score and proves nothing."
    draw.text(_point(96, 544), note, colours["soft"], _font("hanken-grotesk-latin", 28, 400), anchor="lm")
    written = BytesIO()
    picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(written, "PNG", optimize=True)
    return written.getvalue()


def _px(length: float) -> int:
    return round(length * _TIMES_LARGER)


def _point(left: float, top: float) -> tuple[int, int]:
    return _px(left), _px(top)


def _scaled(*lengths: float) -> tuple[int, ...]:
    return tuple(map(_px, lengths))


@lru_cache(maxsize=8)
def _font(name: str, size: int, weight: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(settings.BASE_DIR / "static" / "fonts" / f"{name}.woff2", _px(size))
    font.set_variation_by_axes([weight])
    return font


def _draw_mark(draw: ImageDraw.ImageDraw, left: float, top: float, size: float) -> None:
    """The brand's mark, as `static/img/mark.svg` has it on a grid of 32."""

    def at(*places: float) -> tuple[int, ...]:
        return tuple(_px((left, top)[index % 2] + place * size / 32) for index, place in enumerate(places))

    draw.rounded_rectangle(at(0, 0, 32, 32), _px(7 * size / 32), _MARK["ground"])
    stroke = _px(2 * size / 32)
    draw.arc(at(6, 5, 26, 25), 180, 360, _MARK["arch"], stroke)
    for line in ((7, 15, 7, 27), (25, 15, 25, 27), (6, 27, 26, 27)):
        draw.line(at(*line), _MARK["arch"], stroke)
    draw.pieslice(at(12, 11.5, 20, 19.5), 180, 360, _MARK["door"])
    draw.rectangle(at(12, 15.5, 20, 27.5), _MARK["door"])


def _draw_tick(draw: ImageDraw.ImageDraw, left: float, middle: float, colour: str) -> None:
    draw.ellipse(_scaled(left, middle - 19, left + 38, middle + 19), None, colour, _px(4))
    tick = [_scaled(left + 11, middle), _scaled(left + 17, middle + 7), _scaled(left + 28, middle - 7)]
    draw.line(tick, colour, _px(4), joint="curve")


def _draw_ring(draw: ImageDraw.ImageDraw, left: float, middle: float, colour: str) -> None:
    draw.ellipse(_scaled(left, middle - 19, left + 38, middle + 19), None, colour, _px(4))


def _draw_door(draw: ImageDraw.ImageDraw, left: float, middle: float, colour: str) -> None:
    draw.arc(_scaled(left + 3, middle - 19, left + 35, middle + 13), 180, 360, colour, _px(4))
    for line in ((4, -3, 4, 19), (34, -3, 34, 19), (2, 19, 36, 19)):
        draw.line(_scaled(left + line[0], middle + line[1], left + line[2], middle + line[3]), colour, _px(4))
