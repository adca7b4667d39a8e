"""What dating apps read: the running boosts of people connected to them, and one answer for every other case."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citizen_app.accounts.clients import suspend_client
from citizen_app.accounts.connections import connect
from citizen_app.api import throttles
from citizen_app.models import OAuthApplication, OutboxMessage
from citizen_app.outbox import run_due, run_sweeps
from perks.models import BoostGrant, BoostRead, Merchant
from perks.services import boost_reads
from scores.models import Inquiry
from scores.services.enrolment import leave, pause_enrolment
from tests.factories.boosts import dater, dating_app
from tests.factories.people import CitizenFactory, machine_client
from tests.factories.scores import NOW
from tests.perks.api.calls import code_of, take

pytestmark = pytest.mark.django_db

BOOST = "/api/v1/boost"
MIDNIGHT = "2026-11-24T00:00:00Z"
NONE = {"boost": "1.00", "expires_at": MIDNIGHT}


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def amora():
    return dating_app()


def boosted(app):
    """Somebody connected with a running boost, their name at the app, and the app as it calls for them."""
    citizen = dater()
    phone = app.phone_of(citizen)
    app.given_to(citizen)
    return citizen, app.name_of(citizen), phone


def test_an_app_reads_the_boost_of_somebody_who_connected_it_and_took_it(amora):
    _, name, phone = boosted(amora)
    answer = phone.get(BOOST)
    assert (answer.status_code, answer.json()) == (200, {"boost": "1.20", "expires_at": MIDNIGHT})
    assert answer.headers["Cache-Control"] == "no-store"
    found = amora.look_up(name)
    assert (found.status_code, found.json()) == (200, {"boosts": {name: {"boost": "1.20", "expires_at": MIDNIGHT}}})


def without_a_boost(case, app):
    """Somebody of each kind whom an app reads nothing about, with the app as it calls for them (None: it cannot)."""
    if case == "never_connected":
        citizen = dater()
        app.given_to(citizen)
        return app.name_of(citizen), None
    if case in ("not_reached", "thin"):
        citizen = dater(590 if case == "not_reached" else None)
        return app.name_of(citizen), app.phone_of(citizen)
    citizen, name, phone = boosted(app)
    match case:
        case "paused":
            pause_enrolment(citizen=citizen)
        case "left":
            leave(citizen=citizen)
            return name, None
        case "disconnected":
            app.lose(citizen)
            return name, None
        case "connected_for_its_name_only":
            connect(citizen=citizen, application=app.application, scopes=["openid"], via="web")
            return name, None
        case "switched_off":
            type(citizen).objects.filter(pk=citizen.pk).update(is_active=False)
            return name, None
        case "app_suspended_by_an_operator":
            suspend_client(application=app.application, by=None)
            return name, None
        case "merchant_suspended":
            Merchant.objects.filter(pk=app.merchant.pk).update(state="suspended")
        case "merchant_barred_by_an_authority":
            Merchant.objects.filter(pk=app.merchant.pk).update(standing_state="suspended")
        case "over":
            BoostGrant.objects.all().end(now=NOW, why="over")
    return name, phone


CASES = (
    "never_connected",
    "not_reached",
    "thin",
    "paused",
    "left",
    "disconnected",
    "connected_for_its_name_only",
    "switched_off",
    "app_suspended_by_an_operator",
    "merchant_suspended",
    "merchant_barred_by_an_authority",
    "over",
)


@pytest.mark.parametrize("case", CASES)
def test_p4_whoever_has_no_boost_is_told_by_the_same_bytes_whatever_the_reason(amora, case):
    name, phone = without_a_boost(case, amora)
    stranger = amora.look_up("nobody-at-all")
    told = amora.look_up(name)
    assert (told.status_code, told.content) == (200, b'{"boosts":{}}')
    assert told.content == stranger.content
    if phone is not None:
        answer = phone.get(BOOST)
        assert (answer.status_code, answer.json()) == (200, NONE)
    assert all(len(boost) == len("1.00") for boost in ("1.20", "1.01", "1.50"))  # no length tells either


@pytest.mark.parametrize("case", ["not_reached", "thin", "paused", "merchant_suspended"])
def test_p4_the_answer_of_a_connected_person_has_the_same_members_headers_and_statements_with_a_boost_and_without(case):
    amora, other = dating_app(), dating_app("Zusammen")
    _, _, with_boost = boosted(amora)
    _, without = without_a_boost(case, other)
    seen = []
    for phone in (with_boost, without):
        phone.get(BOOST)  # the first reading in a while promises its telling
        with CaptureQueriesContext(connection) as queries:
            answer = phone.get(BOOST)
        headers = {name for name in answer.headers if name != "X-Request-ID"}
        shapes = [query["sql"].split(" ")[0] for query in queries]
        seen.append((answer.status_code, set(answer.json()), len(answer.content), headers, shapes))
    assert seen[0] == seen[1]


def test_a_lookup_costs_the_same_statements_for_strangers_one_and_a_thousand(amora):
    names = [boosted(amora)[1] for _ in range(3)]
    counts = {}
    for key, asked in {
        "strangers": ["x", "y"],
        "one": names[:1],
        "all": [*names, *(f"s{number}" for number in range(997))],
    }.items():
        amora.look_up("warm")
        with CaptureQueriesContext(connection) as queries:
            answer = amora.look_up(*asked)
        assert answer.status_code == 200
        counts[key] = len([one for one in queries if "SAVEPOINT" not in one["sql"]])
    assert counts == dict.fromkeys(counts, 5)  # the token, the names, the boosts, whether one waits, the reading


def test_a_lookup_answers_in_the_order_it_was_asked_and_each_name_once(amora):
    names = [boosted(amora)[1] for _ in range(4)]
    asked = [names[2], names[0], names[2], "nobody", names[3], names[1]]
    assert list(amora.look_up(*asked).json()["boosts"]) == [names[2], names[0], names[3], names[1]]


def test_more_than_a_thousand_names_are_refused_and_nothing_is_read(amora):
    answer = amora.look_up(*(f"s{number}" for number in range(1001)))
    assert (answer.status_code, code_of(answer), answer.json()["most"]) == (413, "too_many_subjects", 1000)
    assert not BoostRead.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/subjects", "required"),
        ({"subjects": None}, "/subjects", "null"),
        ({"subjects": "abc"}, "/subjects", "invalid"),
        ({"subjects": [7]}, "/subjects/0", "invalid"),
        ({"subjects": ["a" * 129]}, "/subjects/0", "too_long"),
        ({"subjects": [], "why": "x"}, "/why", "unknown_field"),
    ],
)
def test_a_wrong_lookup_is_refused_with_its_place(amora, body, pointer, code):
    answer = amora.client.post("/api/v1/boosts/lookup", body, format="json")
    errors = [(one["pointer"], one["code"]) for one in answer.json()["errors"]]
    assert (answer.status_code, errors) == (400, [(pointer, code)])
    assert not BoostRead.objects.exists()


def test_every_answer_holds_until_the_same_midnight_in_utc(amora):
    _, name, phone = boosted(amora)
    for at, midnight in [
        (datetime(2026, 11, 24, 0, 0, 0, tzinfo=UTC), "2026-11-25T00:00:00Z"),
        (datetime(2026, 11, 24, 23, 59, 59, 999999, tzinfo=UTC), "2026-11-25T00:00:00Z"),
        (datetime(2026, 12, 31, 12, tzinfo=UTC), "2027-01-01T00:00:00Z"),
    ]:
        assert boost_reads.next_midnight(at) == datetime.fromisoformat(midnight)
    with time_machine.travel(NOW + timedelta(minutes=5), tick=False):
        one = phone.get(BOOST).json()["expires_at"]
        assert one == amora.look_up(name).json()["boosts"][name]["expires_at"] == MIDNIGHT


def test_a_boost_taken_before_connecting_is_read_once_connected(amora):
    citizen = dater()
    amora.given_to(citizen)
    name = amora.name_of(citizen)
    assert amora.look_up(name).json() == {"boosts": {}}
    assert amora.phone_of(citizen).get(BOOST).json()["boost"] == "1.20"
    assert list(amora.look_up(name).json()["boosts"]) == [name]


def test_disconnecting_ends_the_boost_at_once_and_gives_it_back(amora):
    citizen, name, phone = boosted(amora)
    amora.lose(citizen)
    grant = BoostGrant.objects.get()
    assert (grant.ended_because, grant.ended_at) == ("disconnected", NOW)
    assert phone.get(BOOST).status_code == 401
    assert amora.look_up(name).json() == {"boosts": {}}
    amora.phone_of(citizen)
    assert amora.look_up(name).json() == {"boosts": {}}  # connecting again brings nothing back
    amora.given_to(citizen)
    assert list(amora.look_up(name).json()["boosts"]) == [name]


def test_disconnecting_one_app_leaves_the_boost_at_another(amora):
    other = dating_app("Zusammen")
    citizen, _, _ = boosted(amora)
    other_phone = other.phone_of(citizen)
    other.given_to(citizen)
    amora.lose(citizen)
    assert other_phone.get(BOOST).json()["boost"] == "1.20"


def test_readings_become_one_inquiry_a_person_app_and_day_and_nothing_else_is_kept(amora):
    ana, name, phone = boosted(amora)
    bea, other_name, _ = boosted(amora)
    for _ in range(3):
        phone.get(BOOST)
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        amora.look_up(name, other_name, "nobody")
        assert BoostRead.objects.count() == 4  # one row a call
        assert OutboxMessage.objects.filter(topic=boost_reads.TOPIC).count() == 1
        run_due()
    assert not BoostRead.objects.exists()
    told = Inquiry.objects.order_by("enrolment_id")
    assert [(one.enrolment_id, one.count, one.at, one.last_at) for one in told] == [
        (ana.pk, 4, NOW, NOW + timedelta(minutes=1)),
        (bea.pk, 1, NOW + timedelta(minutes=1), NOW + timedelta(minutes=1)),
    ]
    asked = {(one.asker_kind, one.asker_id, one.asker_name, one.what) for one in told}
    assert asked == {("app", amora.merchant.public_id, "Amora", "boost")}
    assert BoostRead.objects.count() == boost_reads.fold_reads() == 0


def test_readings_of_two_days_and_two_apps_are_rows_of_their_own(amora):
    other = dating_app("Zusammen")
    citizen, name, _ = boosted(amora)
    other_phone = other.phone_of(citizen)
    amora.look_up(name)
    other_phone.get(BOOST)
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        boost_reads.look_up_boosts(application=amora.server, subjects=[name])
        assert run_sweeps()["perks.boost_reads"] == 3
    rows = Inquiry.objects.filter(enrolment=citizen.pk).order_by("at", "asker_name")
    assert [(one.asker_name, one.at.day, one.count) for one in rows] == [
        ("Amora", 23, 1),
        ("Zusammen", 23, 1),
        ("Amora", 24, 1),
    ]


def test_p9_an_answer_that_says_nothing_is_on_the_list_too_and_is_told_alike(amora):
    citizen = dater(590)
    amora.phone_of(citizen).get(BOOST)
    run_sweeps()
    (row,) = Inquiry.objects.filter(enrolment=citizen.pk)
    assert (row.what, row.count, row.about, row.consent) == (
        "boost",
        1,
        "Whether you have a boost there",
        "You connected this app.",
    )


def test_p10_leaving_takes_somebody_out_of_readings_not_yet_told(amora):
    ana, name, _ = boosted(amora)
    bea, other_name, _ = boosted(amora)
    amora.look_up(name, other_name)
    receipt = leave(citizen=ana)
    assert receipt.erased["boost_reads"] == 1
    assert BoostRead.objects.get().citizens == [bea.pk]
    run_sweeps()
    assert list(Inquiry.objects.values_list("enrolment_id", flat=True)) == [bea.pk]


def test_connecting_and_ending_it_are_promised_to_the_app_by_its_own_name_for_the_person(amora):
    citizen, name, _ = boosted(amora)
    amora.lose(citizen)
    amora.phone_of(citizen)
    events = OutboxMessage.objects.filter(topic="webhook", payload__type__startswith="connection.").order_by("id")
    told = [(one.payload["type"], one.payload["object"], one.payload["sequence"]) for one in events]
    assert told == [
        ("connection.created", {"kind": "connection", "id": name, "state": "running"}, 1),
        ("connection.revoked", {"kind": "connection", "id": name, "state": "ended"}, 2),
        ("connection.created", {"kind": "connection", "id": name, "state": "running"}, 3),
    ]
    members = {"type", "id", "at", "merchant", "client", "sequence", "object"}
    assert {frozenset(one.payload) for one in events} == {frozenset(members)}
    text = " ".join(str(one.payload) for one in events)
    assert citizen.public_id not in text
    assert citizen.email not in text


def test_leaving_is_promised_to_each_app_like_any_other_ending(amora):
    citizen, name, _ = boosted(amora)
    leave(citizen=citizen)
    event = OutboxMessage.objects.get(topic="webhook", payload__type="connection.revoked")
    assert event.payload["object"] == {"kind": "connection", "id": name, "state": "ended"}
    assert event.payload["sequence"] == 2


def everything_stored():
    return "\n".join(str(row) for model in apps.get_models() for row in model._default_manager.values())


def test_p10_the_name_of_somebody_who_left_is_kept_in_the_message_alone_as_the_receipt_says_and_then_nowhere(amora):
    citizen, name, _ = boosted(amora)
    amora.look_up(name)
    receipt = leave(citizen=citizen)
    (kept,) = [one for one in receipt.kept if "the message to each app" in one.what]
    assert kept.until == NOW + timedelta(days=30)
    assert (receipt.erased["connections"], receipt.erased["pairwise_subjects"]) == (1, 1)
    run_due()
    told = OutboxMessage.objects.filter(payload__object__id=name)
    assert told.count() == everything_stored().count(name) == 2
    with time_machine.travel(NOW + timedelta(days=30, minutes=1), tick=False):
        call_command("prune", verbosity=0)
    assert name not in everything_stored()


@pytest.mark.parametrize("end", [pause_enrolment, None])
def test_a_boost_that_ends_without_disconnecting_is_told_to_nobody(amora, end):
    citizen, _, _ = boosted(amora)
    before = OutboxMessage.objects.filter(topic="webhook").count()
    end(citizen=citizen) if end else BoostGrant.objects.all().end(now=NOW, why="not_reached")
    assert OutboxMessage.objects.filter(topic="webhook").count() == before


def test_taking_needs_no_connection_and_disconnecting_one_s_own_reservation_is_no_way_to_read(amora):
    from tests.factories.people import api_client_for

    citizen = dater()
    assert take(api_client_for(citizen), amora.perk).status_code == 201
    assert code_of(api_client_for(citizen).get(BOOST)) == "wrong_caller"


# -- Threats, seen from the boost's side -------------------------------------------------------------------------------
def test_threat_01_a_second_app_gets_nothing_from_the_first_one_s_consent(amora):
    """Threat 1."""
    other = dating_app("Zusammen")
    citizen, name, _ = boosted(amora)
    other.given_to(citizen)  # a boost runs there too, but nobody connected that app
    for asked in (name, other.name_of(citizen)):
        assert other.look_up(asked).json() == {"boosts": {}}
    # Not with another merchant's server in the same sector either, nor with one of its own in another sector.
    thief = machine_client(owner=other.merchant.public_id, scopes=("boost:lookup",)).application
    OAuthApplication.objects.filter(pk=thief.pk).update(sector=amora.application.sector_or_own)
    assert boost_reads.look_up_boosts(application=OAuthApplication.objects.get(pk=thief.pk), subjects=[name]) == {}
    sister = machine_client(owner=amora.merchant.public_id, scopes=("boost:lookup",)).application
    assert boost_reads.look_up_boosts(application=sister, subjects=[name]) == {}
    # And the first app still does: these are refusals, not silence.
    assert list(amora.look_up(name).json()["boosts"]) == [name]


def test_threat_02_two_apps_share_no_name_value_or_moment_of_a_person(amora):
    """Threat 2."""
    other = dating_app("Zusammen")
    citizen, name, phone = boosted(amora)
    other_phone = other.phone_of(citizen)
    other.given_to(citizen)
    one, two = phone.get(BOOST), other_phone.get(BOOST)
    assert one.content == two.content  # equal, as they are for everybody with this boost
    assert name != other.name_of(citizen)
    seen = one.content.decode() + str(dict(one.headers)) + amora.look_up(name).content.decode()
    assert citizen.public_id not in seen
    assert str(BoostGrant.objects.get(merchant=amora.merchant).public_id) not in seen


def test_threat_02_one_app_s_calls_are_not_counted_against_another_s_for_the_same_person(amora, monkeypatch, settings):
    """Threat 2: else a refusal at one app would show that the other knows the same person."""
    settings.RATE_LIMITS = True
    monkeypatch.setitem(throttles.LIMITS, "citizen", "2/minute")
    other = dating_app("Zusammen")
    citizen, _, phone = boosted(amora)
    other_phone = other.phone_of(citizen)
    assert [phone.get(BOOST).status_code for _ in range(3)] == [200, 200, 429]
    assert other_phone.get(BOOST).status_code == 200


def test_threat_06_no_server_reads_as_a_person_and_no_person_s_token_looks_up(amora):
    """Threat 6."""
    _, name, phone = boosted(amora)
    assert code_of(amora.client.get(BOOST)) == "wrong_caller"
    assert code_of(phone.post("/api/v1/boosts/lookup", {"subjects": [name]}, format="json")) == "wrong_caller"
    assert not BoostRead.objects.exists()


def test_threat_27_refusing_to_connect_looks_like_being_no_member(amora):
    """Threat 27: an app cannot tell who refused, who is no member, and who has no boost; so it cannot punish any."""
    from citizen_app.accounts.connections import refuse

    refuser, outsider, unboosted = dater(), CitizenFactory(), dater(590)
    amora.given_to(refuser)
    refuse(citizen=refuser, application=amora.application, via="app")
    amora.phone_of(unboosted)
    answers = {amora.look_up(amora.name_of(one)).content for one in (refuser, outsider, unboosted)}
    assert answers == {b'{"boosts":{}}'}
    assert not OutboxMessage.objects.filter(payload__object__id=amora.name_of(refuser)).exists()
    # And nothing below 1 exists: no answer can say that somebody is to be shown lower.
    assert boost_reads.NO_BOOST == "1.00"
