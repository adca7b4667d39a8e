"""Pictures of perks: what is kept of a hostile file is nothing, and of a good one only what can be seen."""

import io
import resource
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from citizen_app.kept_files import pictures_written_before
from citizen_app.models import AuditEvent
from citizen_app.outbox import run_due
from perks.api.citizen.answers import ImageSerializer
from perks.models import Perk, PerkImage
from perks.services import images
from tests.citizen_app.test_uploads import SCRIPT, chunk, frames, photograph, png_of, saved
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, person_of, server_of
from tests.perks.api.calls import app_of, code_of, server_app, team_app

pytestmark = pytest.mark.django_db


@pytest.fixture
def perk():
    return PerkFactory()


@pytest.fixture
def app(perk):
    return team_app(perk.merchant, "manager")


def send(app, perk, content=None, alt="The roof terrace", name="roof.jpg", **more):
    content = saved(photograph(400, 200), "JPEG") if content is None else content
    file = SimpleUploadedFile(name, content, content_type="image/jpeg")
    return app.post(
        f"/api/v1/merchant/perks/{perk.public_id}/images", {"file": file, "alt": alt, **more}, format="multipart"
    )


def files() -> list[str]:
    return sorted(f"{name}-{size}" for name, size in pictures_written_before(timezone.now() + timedelta(hours=1)))


def opened(url: str) -> Image.Image:
    picture = Image.open(io.BytesIO(b"".join(Client().get(url).streaming_content)))
    picture.load()
    return picture


def test_a_picture_is_drawn_anew_in_three_sizes_that_everybody_may_see(app, perk):
    answer = send(app, perk, saved(photograph(2000, 1000), "JPEG", comment=b"secret comment"))
    assert answer.status_code == 201
    told = answer.json()
    assert set(told) == set(ImageSerializer().fields)
    assert (told["alt"], told["width"], told["height"]) == ("The roof terrace", 1280, 640)
    for size, longest in (("small", 320), ("medium", 640), ("large", 1280)):
        served = Client().get(told["urls"][size])
        content = b"".join(served.streaming_content)
        picture = Image.open(io.BytesIO(content))
        assert (picture.format, picture.size) == ("WEBP", (longest, longest // 2))
        assert b"secret" not in content
        assert served.headers["Content-Type"] == "image/webp"
        assert served.headers["X-Content-Type-Options"] == "nosniff"
        assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert served.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
        assert served.headers["Content-Disposition"].startswith("inline; filename=")
        assert "Set-Cookie" not in served.headers
    (card,) = app_of(citizen_with()).get("/api/v1/perks").json()["results"]
    assert card["images"] == [told]
    assert app_of(citizen_with()).get(f"/api/v1/perks/{perk.public_id}").json()["images"] == [told]
    assert app.get(f"/api/v1/merchant/perks/{perk.public_id}").json()["images"] == [told]


def test_a_small_picture_stays_small_and_a_photograph_stands_upright(app, perk):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x8825] = {1: "N", 2: (38.0, 43.0, 0.0)}  # where it was taken
    told = send(app, perk, saved(photograph(60, 30), "JPEG", exif=exif)).json()
    assert (told["width"], told["height"]) == (30, 60)
    kept = opened(told["urls"]["large"])
    assert kept.size == (30, 60)
    assert not kept.getexif()
    assert not set(kept.info) & {"exif", "icc_profile", "xmp", "comment"}


HOSTILE = {
    "a flood of pixels": (lambda: png_of(10_000, 10_000), "picture_too_large"),
    "a larger flood": (lambda: png_of(20_000, 20_000), "picture_too_large"),
    "moving PNG": (lambda: frames("PNG", 5, 50), "picture_has_frames"),
    "moving WebP": (lambda: frames("WEBP", 5, 50), "picture_has_frames"),
    "GIF": (lambda: frames("GIF", 5, 50), "file_not_accepted"),
    "TIFF": (lambda: saved(photograph(), "TIFF"), "file_not_accepted"),
    "BMP": (lambda: saved(photograph(), "BMP"), "file_not_accepted"),
    "SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "file_not_accepted"),
    "PDF": (lambda: b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n", "file_not_accepted"),
    "a page": (lambda: SCRIPT, "file_not_accepted"),
    "half a JPEG": (lambda: saved(photograph(400, 200), "JPEG")[:600], "file_unreadable"),
    "half a PNG": (lambda: saved(photograph(400, 200), "PNG")[:60], "file_unreadable"),
    "only its beginning": (lambda: b"\xff\xd8\xff", "file_unreadable"),
    "more than five mebibytes": (lambda: b"\xff\xd8\xff" + bytes(5 * 1024 * 1024), "too_large"),
    "a bomb of text": (
        lambda: png_of(10, 10, before_data=chunk(b"IHDR", b"\x00" * 13)),
        "file_unreadable",
    ),
}


@pytest.mark.parametrize(("make", "code"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_is_refused_in_bounded_time_and_nothing_is_kept(app, perk, make, code):
    content = make()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    answer = send(app, perk, content, name="nice.jpg")
    assert time.process_time() - began < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 200 * 1024
    assert code_of(answer) == code
    assert 400 <= answer.status_code < 500
    assert answer.json()["title"]
    assert not PerkImage.objects.exists()
    assert files() == []
    assert Perk.objects.get(pk=perk.pk).revision == perk.revision


def test_no_bytes_are_no_picture(app, perk):
    assert code_of(send(app, perk, b"")) == "invalid_input"
    assert files() == []


def test_what_is_also_a_page_is_only_the_picture_afterwards(app, perk):
    told = send(app, perk, saved(photograph(), "JPEG") + SCRIPT + b"PK\x05\x06" + bytes(18)).json()
    for url in told["urls"].values():
        content = b"".join(Client().get(url).streaming_content)
        assert content.startswith(b"RIFF")
        assert b"script" not in content
        assert b"PK\x05\x06" not in content


@pytest.mark.parametrize("alt", ["", "   ", "a\u202eb", "x" * 161, "a\nb"])
def test_a_picture_says_what_it_shows(app, perk, alt):
    answer = send(app, perk, alt=alt)
    assert code_of(answer) == "invalid_input"
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/alt"]
    assert not PerkImage.objects.exists()
    assert files() == []


def test_a_perk_has_five_pictures_at_most(app, perk):
    told = [send(app, perk, alt=f"Room {number}").json() for number in range(5)]
    kept = files()
    answer = send(app, perk, alt="Room 6")
    assert (code_of(answer), answer.json()["most"]) == ("too_many_images", 5)
    assert files() == kept
    assert len(kept) == 15
    listed = app.get(f"/api/v1/merchant/perks/{perk.public_id}/images").json()["results"]
    assert listed == told


def change(app, perk, image, **body):
    url = f"/api/v1/merchant/perks/{perk.public_id}/images/{image['id']}"
    return app.patch(url, body, format="json", HTTP_IF_MATCH="*")


def shown(app, perk) -> list[str]:
    return [one["alt"] for one in app.get(f"/api/v1/merchant/perks/{perk.public_id}/images").json()["results"]]


def test_pictures_are_put_in_order_and_said_otherwise(app, perk):
    one, two, three = (send(app, perk, alt=alt).json() for alt in ("One", "Two", "Three"))
    assert change(app, perk, three, position=1).status_code == 200
    assert shown(app, perk) == ["Three", "One", "Two"]
    assert change(app, perk, one, position=3, alt="Last").json()["alt"] == "Last"
    assert shown(app, perk) == ["Three", "Two", "Last"]
    assert code_of(change(app, perk, two, position=4)) == "invalid_input"
    assert code_of(change(app, perk, two, alt="")) == "invalid_input"
    assert shown(app, perk) == ["Three", "Two", "Last"]
    assert PerkImage.objects.get(alt="Last").public_id == one["id"]  # the same picture at another place


def test_a_change_names_the_version_it_read(app, perk):
    image = send(app, perk).json()
    url = f"/api/v1/merchant/perks/{perk.public_id}/images/{image['id']}"
    etag = app.get(f"/api/v1/merchant/perks/{perk.public_id}/images").headers["ETag"]
    assert code_of(app.patch(url, {"alt": "Bar"}, format="json")) == "precondition_required"
    assert app.patch(url, {"alt": "Bar"}, format="json", HTTP_IF_MATCH=etag).status_code == 200
    assert code_of(app.patch(url, {"alt": "Pool"}, format="json", HTTP_IF_MATCH=etag)) == "precondition_failed"
    assert shown(app, perk) == ["Bar"]


@pytest.mark.django_db(transaction=True)
def test_a_picture_that_is_taken_away_leaves_no_file(app, perk):
    one, two = send(app, perk, alt="One").json(), send(app, perk, alt="Two").json()
    url = f"/api/v1/merchant/perks/{perk.public_id}/images/{one['id']}"
    assert app.delete(url).status_code == 204
    run_due()
    assert shown(app, perk) == ["Two"]
    assert PerkImage.objects.get().position == 1
    assert len(files()) == 3
    assert Client().get(one["urls"]["large"]).status_code == 404
    assert Client().get(two["urls"]["large"]).status_code == 200
    assert code_of(app.delete(url)) == "not_found"


def test_what_fails_after_its_files_were_written_leaves_neither(perk, monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("the database has gone")

    monkeypatch.setattr(images.audit, "record", fail)
    with pytest.raises(RuntimeError):
        images.add_image(
            perk=perk, by=person_of(perk.merchant), uploaded=io.BytesIO(saved(photograph(), "PNG")), alt="Bar"
        )
    assert not PerkImage.objects.exists()
    assert files() == []


def test_a_size_that_cannot_be_written_leaves_none(app, perk, monkeypatch):
    storage, written = storages["public"], []
    save = storage.save

    def failing(name, content):
        if len(written) == 2:
            raise OSError("no room")
        written.append(name)
        return save(name, content)

    monkeypatch.setattr(storage, "save", failing)
    with pytest.raises(OSError, match="no room"):
        images.add_image(
            perk=perk, by=person_of(perk.merchant), uploaded=io.BytesIO(saved(photograph(), "PNG")), alt="Bar"
        )
    assert len(written) == 2
    assert files() == []
    assert not PerkImage.objects.exists()


def test_files_without_a_row_are_swept_after_a_day(app, perk):
    kept = send(app, perk).json()
    gone = send(app, perk).json()
    PerkImage.objects.filter(pk=PerkImage.key_of(gone["id"])).delete()
    assert images.erase_left_over_pictures(now=timezone.now()) == 0
    assert images.erase_left_over_pictures(now=timezone.now() + timedelta(hours=25)) == 3
    assert Client().get(gone["urls"]["small"]).status_code == 404
    assert Client().get(kept["urls"]["small"]).status_code == 200


@pytest.mark.parametrize("state", ["review", "ended"])
def test_pictures_stay_while_a_perk_is_reviewed_and_once_it_has_ended(state):
    perk = PerkFactory(state=state)
    assert code_of(send(team_app(perk.merchant), perk)) == "wrong_state"
    assert files() == []


def test_only_who_manages_the_perk_touches_its_pictures(perk):
    image = send(team_app(perk.merchant), perk).json()
    url = f"/api/v1/merchant/perks/{perk.public_id}/images"
    for app in (team_app(perk.merchant, "cashier"), server_app(perk.merchant, "merchant:scan")):
        assert code_of(send(app, perk)) in {"role_required", "wrong_caller", "not_found"}
    stranger = team_app(MerchantFactory())
    assert code_of(send(stranger, perk)) == "not_found"
    assert code_of(stranger.delete(f"{url}/{image['id']}")) == "not_found"
    other = PerkFactory(merchant=perk.merchant)
    own = team_app(perk.merchant)
    assert code_of(own.delete(f"/api/v1/merchant/perks/{other.public_id}/images/{image['id']}")) == "not_found"
    assert len(files()) == 3
    assert send(server_app(perk.merchant, "merchant:perks"), perk).status_code == 201
    assert server_of(perk.merchant)


@pytest.mark.parametrize(
    "name",
    [
        "../../settings.py",
        "aa/../../secret",
        "ab/abc-large.webp",
        "%2e%2e/x",
        "aa/" + "a" * 32 + "-large.webp",
        "kept/x.jpg",
    ],
)
def test_only_pictures_are_served(name):
    assert Client().get(f"/pictures/{name}").status_code == 404


def test_an_act_on_a_picture_is_on_record_and_is_another_revision(app, perk):
    image = send(app, perk).json()
    change(app, perk, image, alt="Bar")
    app.delete(f"/api/v1/merchant/perks/{perk.public_id}/images/{image['id']}")
    acts = AuditEvent.objects.filter(object=perk.public_id).order_by("pk").values_list("action", flat=True)
    assert list(acts) == ["perk.image_add", "perk.image_change", "perk.image_remove"]
    assert Perk.objects.get(pk=perk.pk).revision == perk.revision + 3


def test_the_storage_of_pictures_is_under_the_folder_of_variable_things(settings):
    assert Path(storages["public"].location) == Path(settings.VAR_DIR) / "public"
