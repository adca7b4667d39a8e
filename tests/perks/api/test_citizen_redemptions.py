"""Taking over HTTP: the answer, its secrets, retries, pictures, cancelling."""

import io
from datetime import timedelta

import pyotp
import pytest
from django.utils import timezone
from PIL import Image

from citizen_app.models import IdempotentRequest
from perks import passes
from perks.api.citizen.answers import RedemptionLineSerializer, RedemptionSerializer
from perks.models import Perk, Redemption, RefusedAttempt
from tests.factories.people import CitizenFactory
from tests.factories.perks import BranchFactory, PerkFactory, citizen_with, reservation, scored_tier
from tests.perks.api.calls import app_of, code_of, key, scan, take, team_app

pytestmark = pytest.mark.django_db


def test_taking_answers_with_what_is_shown_at_the_desk():
    perk = PerkFactory()
    answer = take(app_of(citizen_with()), perk)
    taken = answer.json()
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    assert set(taken) == set(RedemptionSerializer().fields)
    assert (taken["state"], taken["perk"]["id"], taken["benefit"]) == (
        "reserved",
        perk.public_id,
        {"text": "A coffee"},
    )
    assert taken["expires_at"] == taken["valid_until"]
    assert taken["qr"]["url"].endswith(f"/api/v1/me/redemptions/{taken['id']}/qr.svg")
    assert taken["qr"]["rotates_every"] == 30
    assert len(taken["code"]) == 11


def test_the_phone_makes_the_whole_pass_itself_from_pass_and_seed():
    perk = PerkFactory()
    taken = take(app_of(citizen_with()), perk).json()
    shown = f"CA1:{taken['pass']}.{pyotp.TOTP(taken['seed']).now()}"
    answer = scan(team_app(perk.merchant, "cashier"), **{"pass": shown})
    assert (answer.status_code, answer.json()["outcome"], answer.json()["typed"]) == (201, "accepted", False)


def test_the_published_keys_verify_a_pass_without_asking(client):
    perk = PerkFactory()
    taken = take(app_of(citizen_with()), perk).json()
    document = client.get("/.well-known/pass-keys.json").json()
    assert [sorted(one) for one in document["keys"]] == [["alg", "crv", "kid", "kty", "use", "x"]]
    import base64

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw = base64.urlsafe_b64decode(document["keys"][0]["x"] + "=")
    keys = passes.keys_by_id(Ed25519PublicKey.from_public_bytes(raw))
    claims = passes.read_pass(f"CA1:{taken['pass']}.000000", keys)
    assert claims.is_at(perk.merchant_id)
    assert claims.is_for(perk.pk)


def test_a_retry_gives_the_same_answer_and_takes_nothing_more():
    """Lesson 3."""
    perk, headers = PerkFactory(limit_per_citizen=None), key()
    app = app_of(citizen_with())
    first, again = take(app, perk, **headers), take(app, perk, **headers)
    assert again["Idempotent-Replayed"] == "true"
    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Cache-Control"] == "no-store"
    assert Redemption.objects.count() == 1
    assert Perk.objects.get().taken_count == 1


def test_no_kept_answer_holds_a_secret():
    taken = take(app_of(citizen_with()), PerkFactory()).json()
    kept = str(IdempotentRequest.objects.values().get())
    for secret in ("code", "pass", "seed"):
        assert taken[secret] not in kept


def test_a_replay_after_the_scan_shows_no_code_any_more():
    perk, headers = PerkFactory(), key()
    app = app_of(citizen_with())
    taken = take(app, perk, **headers).json()
    scan(team_app(perk.merchant), code=taken["code"])
    again = take(app, perk, **headers).json()
    assert (again["code"], again["pass"], again["seed"], again["qr"]) == (None, None, None, None)


def test_the_same_key_with_another_body_is_refused_and_without_one_too():
    perk, headers = PerkFactory(), key()
    app = app_of(citizen_with())
    take(app, perk, **headers)
    assert code_of(take(app, perk, {"booking_reference": "X"}, **headers)) == "idempotency_key_reused"
    answer = app.post(f"/api/v1/perks/{perk.public_id}/redemptions", {}, format="json")
    assert code_of(answer) == "idempotency_key_missing"
    assert Redemption.objects.count() == 1


@pytest.mark.parametrize(
    ("who", "fields", "status", "code"),
    [
        (CitizenFactory, {}, 403, "not_enrolled"),
        (citizen_with, {"kind": "gift_card"}, 403, "document_needed"),
        (citizen_with, {"tiers": [scored_tier()]}, 403, "thin_file"),
        (lambda: citizen_with(700, purpose="dating"), {"tiers": [scored_tier()]}, 403, "not_enough_records"),
        (lambda: citizen_with(590), {"tiers": [scored_tier()]}, 403, "below_threshold"),
        (citizen_with, {"state": "paused"}, 409, "paused"),
        (citizen_with, {"state": "ended"}, 409, "ended"),
        (citizen_with, {"valid_from_at": timezone.now() + timedelta(days=9)}, 409, "not_open_yet"),
        (citizen_with, {"stock": 0}, 409, "sold_out"),
    ],
)
def test_a_refusal_has_its_status_and_code_and_no_secret(who, fields, status, code):
    """Lesson 10."""
    perk = PerkFactory(**fields)
    answer = take(app_of(who()), perk)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert not {"code", "pass", "seed", "qr"} & (set(answer.json()) - {"code"})
    assert not Redemption.objects.exists()
    assert not IdempotentRequest.objects.exists()
    assert Perk.objects.get().taken_count == 0


def test_below_the_threshold_there_is_no_code_at_all_and_the_distance_is_only_yours():
    perk = PerkFactory(tiers=[scored_tier(600)])
    citizen = citizen_with(587)
    answer = take(app_of(citizen), perk).json()
    assert answer["points_to_go"] == 13
    assert "value" not in answer
    assert app_of(citizen).get("/api/v1/me/redemptions").json()["results"] == []
    assert RefusedAttempt.objects.get().citizen == citizen


def test_a_refused_key_is_judged_afresh():
    perk, headers = PerkFactory(stock=0), key()
    app = app_of(citizen_with())
    assert code_of(take(app, perk, **headers)) == "sold_out"
    Perk.objects.update(stock=1)
    assert take(app, perk, **headers).status_code == 201


def test_priority_is_taken_for_a_day_and_a_branch():
    branch = BranchFactory()
    perk = PerkFactory(merchant=branch.merchant, kind="priority")
    app = app_of(citizen_with())
    assert code_of(take(app, perk)) == "invalid_input"
    day = (timezone.now() + timedelta(days=2)).date().isoformat()
    body = {"date": day, "branch": branch.public_id, "booking_reference": "AB-12"}
    taken = take(app, perk, body).json()
    assert (taken["date"], taken["branch"]["id"], taken["booking_reference"]) == (day, branch.public_id, "AB-12")
    stranger = take(app, perk, body | {"branch": BranchFactory().public_id})
    assert stranger.json()["errors"][0]["pointer"] == "/branch"


@pytest.mark.parametrize(
    ("body", "code"),
    [({"score": 900}, "unknown_field"), ({"date": "tomorrow"}, "invalid"), ({"date": "2026-02-30"}, "invalid")],
)
def test_a_body_that_makes_no_sense_is_refused(body, code):
    answer = take(app_of(citizen_with()), PerkFactory(), body)
    assert (code_of(answer), answer.json()["errors"][0]["code"]) == ("invalid_input", code)
    assert not Redemption.objects.exists()


def test_what_somebody_else_took_is_not_there():
    redemption = reservation()
    app = app_of(citizen_with())
    missing = app.get("/api/v1/me/redemptions/red_0000000000000000000000000g")
    for path in ("", "/qr.svg", "/qr.png"):
        answer = app.get(f"/api/v1/me/redemptions/{redemption.public_id}{path}")
        assert code_of(answer) == "not_found"
        assert {**answer.json(), "instance": ""} == {**missing.json(), "instance": ""}
    assert code_of(app.post(f"/api/v1/me/redemptions/{redemption.public_id}/cancel", **key())) == "not_found"
    redemption.refresh_from_db()
    assert redemption.state == "reserved"


def test_the_list_has_no_code_and_costs_the_same_at_any_size(django_assert_num_queries):
    citizen = citizen_with()
    app = app_of(citizen)
    for _ in range(3):
        reservation(citizen)
    (first, *_) = app.get("/api/v1/me/redemptions").json()["results"]
    assert set(first) == set(RedemptionLineSerializer().fields)
    with django_assert_num_queries(2):
        app.get("/api/v1/me/redemptions")
    for _ in range(2):
        reservation(citizen)
    with django_assert_num_queries(2):
        assert len(app.get("/api/v1/me/redemptions").json()["results"]) == 5


def test_a_hold_that_ran_out_reads_as_expired_before_it_is_filed():
    citizen = citizen_with()
    redemption = reservation(citizen, PerkFactory(hold_minutes=10), now=timezone.now() - timedelta(hours=1))
    app = app_of(citizen)
    page = app.get(f"/api/v1/me/redemptions/{redemption.public_id}").json()
    assert (page["state"], page["code"], page["qr"]) == ("expired", None, None)
    assert app.get("/api/v1/me/redemptions?state=reserved").json()["results"] == []
    assert len(app.get("/api/v1/me/redemptions?state=expired").json()["results"]) == 1
    assert code_of(app.get(f"/api/v1/me/redemptions/{redemption.public_id}/qr.svg")) == "not_found"


def test_cancelling_gives_it_back_once():
    citizen, perk = citizen_with(), PerkFactory()
    redemption, app, headers = reservation(citizen, perk), app_of(citizen), key()
    path = f"/api/v1/me/redemptions/{redemption.public_id}/cancel"
    first, again = app.post(path, {}, format="json", **headers), app.post(path, {}, format="json", **headers)
    assert (first.status_code, first.json()["state"]) == (200, "cancelled")
    assert (again["Idempotent-Replayed"], again.json()) == ("true", first.json())
    assert code_of(app.post(path, {}, format="json", **key())) == "wrong_state"
    assert Perk.objects.get().taken_count == 0


def test_the_picture_is_the_pass_of_this_half_minute():
    zxingcpp = pytest.importorskip("zxingcpp")
    citizen = citizen_with()
    redemption, app = reservation(citizen), app_of(citizen)
    path = f"/api/v1/me/redemptions/{redemption.public_id}/qr"
    png = app.get(f"{path}.png", HTTP_ACCEPT="image/png")
    assert (png["Content-Type"], png["Cache-Control"]) == ("image/png", "no-store")
    picture = Image.open(io.BytesIO(png.content)).convert("L")
    read = zxingcpp.read_barcode(picture).text
    page = app.get(f"/api/v1/me/redemptions/{redemption.public_id}").json()
    assert read.rpartition(".")[0] == f"CA1:{page['pass']}"
    # Four modules of quiet zone on every side, dark on white.
    assert {picture.getpixel((at, at)) for at in range(32)} == {255}
    assert picture.getpixel((33, 33)) == 0
    svg = app.get(f"{path}.svg", HTTP_ACCEPT="image/svg+xml")
    assert (svg["Content-Type"], svg["Cache-Control"]) == ("image/svg+xml", "no-store")
    assert svg.content.startswith(b"<svg")
    assert code_of(CitizenlessApp.get(f"{path}.svg")) == "not_authenticated"


class CitizenlessApp:
    @staticmethod
    def get(path: str):
        from rest_framework.test import APIClient

        return APIClient().get(path)
