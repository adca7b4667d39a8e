"""Code lists over HTTP: generated or uploaded, watched, downloaded, withdrawn."""

import csv
import io

import pytest

from citizen_app.api.parsers import MEBIBYTE
from citizen_app.models import AuditEvent, OutboxMessage
from citizen_app.outbox import run_due
from perks.models import CodeList, CodeUpload, OutsideCode
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with
from tests.perks.api.calls import app_of, code_of, key, server_app, take, team_app

pytestmark = pytest.mark.django_db
LISTS = "/api/v1/merchant/code-lists"


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def app(merchant):
    return team_app(merchant, "manager")


def generate(app, name="Shop", **generate):
    return app.post(LISTS, {"name": name, "generate": generate}, format="json")


def upload(app, raw, query="?name=Shop", **options):
    return app.generic("POST", LISTS + query, raw, content_type="text/csv", **options)


def read(app, answer):
    return app.get(f"{LISTS}/{answer.json()['id']}").json()


def pointers(answer):
    return [error["pointer"] for error in answer.json()["errors"]]


def test_codes_are_generated_and_their_progress_is_told(app):
    answer = generate(app, count=7, prefix="SPA-", length=10)
    assert answer.status_code == 202
    assert answer.json()["progress"] == {"done": 0, "total": 7, "rejected": 0}
    assert (answer.json()["state"], answer.json()["origin"], answer.json()["name"]) == ("working", "generated", "Shop")
    run_due()
    told = read(app, answer)
    assert (told["state"], told["progress"]["done"]) == ("ready", 7)
    assert told["counts"] == {"free": 7, "given": 0, "withdrawn": 0}
    assert [one["id"] for one in app.get(LISTS).json()["results"]] == [told["id"]]


def test_codes_are_uploaded_and_rejected_lines_told(app):
    answer = upload(app, b"\xef\xbb\xbfcode\r\nA1\r\nA1\r\n=1+1\r\n\r\nB2")
    assert answer.status_code == 202, answer.json()
    run_due()
    told = read(app, answer)
    assert told["progress"] == {"done": 4, "total": 4, "rejected": 2}
    assert told["rejected"] == {
        "duplicate": 1,
        "malformed": 1,
        "first": [{"line": 3, "code": "duplicate"}, {"line": 4, "code": "malformed"}],
    }
    assert "A1" not in str(told)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "Shop"}, "/generate"),
        ({"generate": {"count": 1}}, "/name"),
        ({"name": "Shop", "generate": {"count": 0}}, "/generate/count"),
        ({"name": "Shop", "generate": {"count": 1_000_001}}, "/generate/count"),
        ({"name": "Shop", "generate": {"count": 1, "length": 9}}, "/generate/length"),
        ({"name": "Shop", "generate": {"count": 1, "prefix": "=1"}}, "/generate/prefix"),
        ({"name": "Shop", "generate": {"count": 1, "codes": []}}, "/generate/codes"),
    ],
)
def test_what_is_wrong_with_a_body_is_named_and_nothing_made(app, body, pointer):
    answer = app.post(LISTS, body, format="json")
    assert (code_of(answer), pointers(answer)) == ("invalid_input", [pointer])
    assert not CodeList.objects.exists()


def test_a_name_in_the_query_is_for_uploads(app):
    answer = app.post(f"{LISTS}?name=Other", {"name": "Shop", "generate": {"count": 1}}, format="json")
    assert pointers(answer) == ["/name"]
    assert not CodeList.objects.exists()


@pytest.mark.parametrize(("raw", "code"), [(b"", "invalid_input"), (b"code\n\n", "invalid_input")])
def test_a_file_without_codes_is_refused(app, raw, code):
    assert code_of(upload(app, raw)) == code
    assert (CodeList.objects.count(), CodeUpload.objects.count(), OutboxMessage.objects.count()) == (0, 0, 0)


def test_32_mebibytes_are_read_and_not_one_byte_more(app):
    line = b"x" * 1023 + b"\n"  # of which none is a code
    whole = upload(app, line * (32 * 1024))
    assert whole.status_code == 202
    CodeList.objects.all().delete()
    assert code_of(upload(app, line * (32 * 1024) + b"A")) == "too_large"
    assert 32 * 1024 * len(line) == 32 * MEBIBYTE
    assert (CodeList.objects.count(), CodeUpload.objects.count()) == (0, 0)


def test_another_type_is_415(app):
    assert app.generic("POST", LISTS, b"A1", content_type="text/plain").status_code == 415


def test_the_download_is_a_file_of_every_code_and_on_record(merchant, app):
    answer = upload(app, b"A1\nB2\n")
    run_due()
    perk = PerkFactory(merchant=merchant, code_list=CodeList.objects.get())
    given = take(app_of(citizen_with()), perk)
    assert given.json()["outside_code"] == "A1"
    file = app.get(f"{LISTS}/{answer.json()['id']}/codes.csv")
    assert (file["Content-Type"], file["Cache-Control"]) == ("text/csv; charset=utf-8", "no-store")
    assert file["Content-Disposition"] == f'attachment; filename="{answer.json()["id"]}.csv"'
    rows = list(csv.reader(io.StringIO(file.getvalue().decode(), newline="")))
    assert rows == [["code", "state"], ["A1", "given"], ["B2", "free"]]
    assert AuditEvent.objects.filter(action="code_list.download").count() == 1
    server = server_app(merchant, "merchant:perks").get(f"{LISTS}/{answer.json()['id']}/codes.csv")
    assert server.status_code == 200


def test_withdrawing_is_202_then_409(app):
    answer = upload(app, b"A1\nB2\n")
    run_due()
    address = f"{LISTS}/{answer.json()['id']}"
    assert app.delete(address).status_code == 202
    run_due()
    assert read(app, answer)["state"] == "withdrawn"
    assert code_of(app.delete(address)) == "wrong_state"
    assert not OutsideCode.objects.exists()


def test_a_fourth_list_waits(app):
    assert [generate(app, count=1).status_code for _ in range(3)] == [202] * 3
    assert code_of(generate(app, count=1)) == code_of(upload(app, b"A1")) == "code_lists_at_work"
    assert CodeList.objects.count() == 3


def test_a_perk_names_a_list_of_its_merchant_and_only_a_discount_may(merchant, app):
    answer = upload(app, b"A1\n")
    body = {
        "kind": "discount",
        "title": "10 % off",
        "fair_terms": "Ask.",
        "tiers": [{"min_score": None, "benefit": {"text": "10 % off"}}],
        "code_list": answer.json()["id"],
    }
    made = app.post("/api/v1/merchant/perks", body, format="json")
    assert made.json()["code_list"] == answer.json()["id"]
    priority = app.post("/api/v1/merchant/perks", body | {"kind": "priority"}, format="json")
    assert pointers(priority) == ["/code_list"]
    foreign = team_app(MerchantFactory(), "manager").post("/api/v1/merchant/perks", body, format="json")
    assert pointers(foreign) == ["/code_list"]


def test_a_code_is_never_told_to_the_merchant_with_a_redemption(merchant, app):
    upload(app, b"SECRET-ONE\n")
    run_due()
    taken = take(app_of(citizen_with()), PerkFactory(merchant=merchant, code_list=CodeList.objects.get()), **key())
    for path in ("redemptions", f"redemptions/{taken.json()['id']}", "perks", "code-lists"):
        assert "SECRET" not in app.get(f"/api/v1/merchant/{path}").content.decode()
