"""The pictures of a perk: drawn anew in three sizes, in an order, each with what it shows in words.

Everybody may see them, so nothing of the file but the picture is kept. They bind nobody: a change shows at once, and
operators see what was added since they looked. A file is written before its row and erased after it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from citizen_app import audit
from citizen_app.errors import FieldError, InvalidInput, NotFound, WrongState
from citizen_app.kept_files import (
    erase_picture,
    erase_picture_now,
    picture_url,
    pictures_written_before,
    publish_picture,
)
from citizen_app.models import Citizen, OAuthApplication
from citizen_app.uploads import DrawnPicture, Uploaded, read_picture
from perks.errors import TooManyImages
from perks.models import Perk, PerkImage
from perks.services.merchants import require_impartial_operator

SIZES: Final = {"large": 1280, "medium": 640, "small": 320}
"""The longest side of each, in pixels; a smaller picture is not made larger."""
LEFT_OVER_AFTER: Final = timedelta(hours=24)
"""A file this old without a row is of work that did not come to be."""

By = Citizen | OAuthApplication


def add_image(*, perk: Perk, by: By, uploaded: Uploaded, alt: str, now: datetime | None = None) -> PerkImage:
    """Add a picture behind the others, at most five. Raises what `read_picture` refuses, and `TooManyImages`."""
    now = now or timezone.now()
    # Judged before the file is read, which takes a second, and again once the perk is held.
    _require_changeable(perk)
    _require_room(perk)
    drawn = read_picture(uploaded, SIZES)
    with _published(drawn) as name, transaction.atomic():
        perk = _held(perk)
        _require_room(perk)
        image = PerkImage.objects.create(
            perk=perk,
            name=name,
            alt=_said(alt),
            position=(perk.images.aggregate(last=Max("position"))["last"] or 0) + 1,
            width=drawn.width,
            height=drawn.height,
            added_at=now,
        )
        _changed(perk, by, "add", image)
    return image


@transaction.atomic
def change_image(*, image: PerkImage, by: By, alt: str | None = None, position: int | None = None) -> PerkImage:
    """Say otherwise what a picture shows, or move it to another place, 1 being the first."""
    perk = _held(image.perk)
    images = list(perk.images.order_by("position"))
    if image not in images:
        raise NotFound
    image = images[images.index(image)]
    if position is not None and not 1 <= position <= len(images):
        raise InvalidInput(FieldError("/position", "out_of_range", f"1 to {len(images)}, as many as there are."))
    if alt is not None:
        image.alt = _said(alt)
        image.save(update_fields=["alt"])
    if position is not None:
        images.remove(image)
        images.insert(position - 1, image)
        _stand_in_order(images)
    _changed(perk, by, "change", image)
    return image


@transaction.atomic
def remove_image(*, image: PerkImage, by: By) -> None:
    """Take a picture away; its files are erased once that is certain."""
    _remove(_held(image.perk), image, by)


@transaction.atomic
def take_image_down(*, image: PerkImage, by: Citizen, reason: str) -> None:
    """An operator takes a picture off a perk, whatever state it is in; its team reads why."""
    perk = _locked(image.perk)
    require_impartial_operator(by, perk.merchant)
    if not perk.images.filter(pk=image.pk).exists():
        raise WrongState("This picture has gone.")
    Perk.objects.filter(pk=perk.pk).update(refusal=f"A picture was taken down: {reason}")
    _remove(perk, image, by)


@transaction.atomic
def look_at_image(*, image: PerkImage, by: Citizen, now: datetime | None = None) -> PerkImage:
    """An operator has seen a picture that was added to a perk on offer, and leaves it there."""
    perk = _locked(image.perk)
    require_impartial_operator(by, perk.merchant)
    if not PerkImage.objects.filter(pk=image.pk, looked_at=None).update(looked_at=now or timezone.now()):
        raise WrongState("This picture was looked at, or has gone.")
    audit.record(by=by, action="perk.image_look", on=perk.public_id, image=image.public_id)
    return image


def image_lines(perk: Perk) -> list[dict[str, Any]]:
    """The pictures of a perk as everybody sees them, in their order."""
    return [_line(**picture) for picture in perk.pictures]


def image_line(image: PerkImage) -> dict[str, Any]:
    """One picture: what it shows, where its sizes are, and how large the largest is."""
    return _line(**_shown(image))


def shown_pictures(perk: Perk) -> list[dict[str, Any]]:
    """What a perk keeps of its pictures beside it (`Perk.pictures`)."""
    return [_shown(image) for image in sorted(perk.images.all(), key=lambda image: image.position)]


def _shown(image: PerkImage) -> dict[str, Any]:
    return {name: getattr(image, name) for name in ("name", "alt", "width", "height")} | {"id": image.public_id}


def _line(*, id: str, name: str, alt: str, width: int, height: int) -> dict[str, Any]:
    urls = {size: picture_url(name, size) for size in reversed(SIZES)}
    return {"id": id, "alt": alt, "urls": urls, "width": width, "height": height}


def erase_left_over_pictures(*, now: datetime, limit: int = 500) -> int:
    """Erase files whose row never came or whose erasing was lost; return how many."""
    erased = 0
    batch: list[tuple[str, str]] = []
    for file in pictures_written_before(now - LEFT_OVER_AFTER):
        batch.append(file)
        if len(batch) == limit:
            erased += _erase_without_row(batch)
            batch = []
    return erased + _erase_without_row(batch)


def _erase_without_row(files: Sequence[tuple[str, str]]) -> int:
    names = {name for name, _ in files}
    kept = set(PerkImage.objects.filter(name__in=names).values_list("name", flat=True))
    left_over = [(name, size) for name, size in files if name not in kept]
    for name, size in left_over:
        erase_picture_now(name=name, sizes=[size])
    return len(left_over)


@contextmanager
def _published(drawn: DrawnPicture) -> Iterator[str]:
    """Write a drawn picture before the transaction that gives it its row; taken back where that fails."""
    name = publish_picture(drawn.files)
    try:
        yield name
    except BaseException:
        erase_picture_now(name=name, sizes=SIZES)
        raise


def _locked(perk: Perk) -> Perk:
    found: Perk = Perk.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=perk.pk)
    return found


def _held(perk: Perk) -> Perk:
    """The perk as it is now, held until the transaction ends, if its pictures may be changed."""
    perk = _locked(perk)
    _require_changeable(perk)
    return perk


def _require_changeable(perk: Perk) -> None:
    if perk.state in (Perk.State.REVIEW, Perk.State.ENDED):
        raise WrongState(f"The pictures of a perk in {perk.state!r} cannot be changed.")


def _require_room(perk: Perk) -> None:
    if perk.images.count() >= PerkImage.MOST:
        raise TooManyImages(most=PerkImage.MOST)


def _said(alt: str) -> str:
    if not alt.strip():
        raise InvalidInput(FieldError("/alt", "required", "What the picture shows, for people who cannot see it."))
    return alt.strip()


def _remove(perk: Perk, image: PerkImage, by: By) -> None:
    gone, _ = PerkImage.objects.filter(pk=image.pk).delete()
    if not gone:
        raise NotFound
    _stand_in_order(list(perk.images.order_by("position")))
    erase_picture(image.name, SIZES)
    _changed(perk, by, "remove", image)


def _stand_in_order(images: list[PerkImage]) -> None:
    """Give pictures their places. No two stand at one place at any moment, so they are written anew."""
    if [image.position for image in images] == list(range(1, len(images) + 1)):
        return
    PerkImage.objects.filter(pk__in=[image.pk for image in images]).delete()
    for position, image in enumerate(images, start=1):
        image.position = position
    PerkImage.objects.bulk_create(images)


def _changed(perk: Perk, by: By, what: str, image: PerkImage) -> None:
    """Show what there is now; as another revision, so that an operator approves nothing unread."""
    Perk.objects.filter(pk=perk.pk).update(pictures=shown_pictures(perk), revision=F("revision") + 1)
    audit.record(by=by, action=f"perk.image_{what}", on=perk.public_id, image=image.public_id)
