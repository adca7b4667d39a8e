"""One command fills the product with the demo, once, and prints log-ins that work."""

import json
import re
import stat
from io import StringIO

import pyotp
import pytest
from django.contrib.auth.hashers import check_password
from django.core.management import CommandError, call_command
from django.utils import timezone

from citizen_app import invariants
from citizen_app.accounts.events import email_is_verified
from citizen_app.accounts.operators import is_operator
from citizen_app.accounts.set_up import set_up_authenticator
from citizen_app.demo import secrets_path
from citizen_app.models import AuditEvent, Citizen, OAuthApplication, OperatorRole, OutboxMessage
from perks.eligibility import ELIGIBLE
from perks.models import Branch, Member, Merchant, Perk, PerkVersion, ThresholdUse
from perks.services.eligibility_reading import judge_each
from scores.assessments import assess

TABLES = (Citizen, OAuthApplication, OperatorRole, Merchant, Member, Branch, Perk, PerkVersion, ThresholdUse)


def run(*arguments, **options):
    out = StringIO()
    call_command("seed_demo", *arguments, stdout=out, **options)
    return out.getvalue()


def everything():
    rows = {table.__name__: list(table.objects.order_by("pk").values()) for table in TABLES}
    return rows | {"audit": AuditEvent.objects.count(), "outbox": OutboxMessage.objects.count()}


def test_a_second_run_changes_nothing_and_prints_the_same_log_ins(db):
    first = run(people=3)
    before = everything()
    second = run(people=3)
    assert everything() == before
    assert second.splitlines()[-21:] == first.splitlines()[-21:]
    assert len(before["Perk"]) == 23
    assert len(before["Merchant"]) == 11
    assert [sentence for sentence, broken in invariants.broken().items() if broken] == []


def test_the_printed_log_ins_open_what_they_say(db):
    printed = run(people=1)
    password = re.search(r"password\s+(\S+)", printed)[1]
    emails = set(re.findall(r"\S+@demo\.example\.org", printed))
    assert {email.partition("@")[0] for email in emails} == {
        "ana",
        "rui",
        "owner",
        "owner.hertz",
        "owner.corte-ingles",
        "owner.evenly",
        "cashier",
        "operator.merchants",
        "operator.scoring",
    }
    for email in emails:
        citizen = Citizen.objects.get(email=email)
        assert citizen.check_password(password)
        assert email_is_verified(citizen)
    roles = dict(Member.objects.filter(merchant__name="Meliá (demo)").values_list("citizen__email", "role"))
    assert roles == {"owner@demo.example.org": "owner", "cashier@demo.example.org": "cashier"}
    desks = Member.objects.filter(role="owner", merchant__state="active").values_list(
        "merchant__name", "citizen__email"
    )
    printed_owners = {name for name, email in desks if email in emails}
    assert printed_owners == {"Meliá (demo)", "Hertz (demo)", "El Corte Inglés (demo)", "Evenly (demo)"}
    secrets = dict(re.findall(r"(operator\.\S+)\s+TOTP secret (\S+)", printed))
    assert len(secrets) == 2
    for email, secret in secrets.items():
        operator = Citizen.objects.get(email=email)
        assert is_operator(operator)
        assert set_up_authenticator(operator) == (secret, False)
        assert re.fullmatch(r"\d{6}", pyotp.TOTP(secret).now())
    client = OAuthApplication.objects.get(client_id=re.search(r"client id\s+(\S+)", printed)[1])
    assert client.source.code == "demo-bank"
    assert check_password(re.search(r"client secret\s+(\S+)", printed)[1], client.client_secret)


def test_the_secrets_stay_in_a_file_of_this_deployment_only_its_user_can_read(db):
    printed = run(people=0)
    assert stat.S_IMODE(secrets_path().stat().st_mode) == 0o600
    kept = json.loads(secrets_path().read_text())
    assert len(kept["password"]) >= 16
    assert kept["password"] in printed
    assert list(kept["clients"]) == ["demo-bank"]


def test_lost_secrets_are_made_again_and_work(db):
    run(people=0)
    secrets_path().unlink()
    password = re.search(r"password\s+(\S+)", run(people=0))[1]
    assert Citizen.objects.get(email="ana@demo.example.org").check_password(password)


def test_everything_of_the_demo_is_recognisable_as_demo(db):
    run(people=2)
    assert set(Merchant.objects.values_list("is_demo", flat=True)) == {True}
    assert all(name.endswith(" (demo)") for name in Merchant.objects.values_list("name", flat=True))
    assert set(Perk.objects.values_list("is_demo", "state")) == {(True, "published")}
    assert set(Citizen.objects.values_list("is_demo", flat=True)) == {True}
    assert all(email.endswith("@demo.example.org") for email in Citizen.objects.values_list("email", flat=True))


def test_a_published_demo_perk_was_approved_by_an_operator_of_another_house(db):
    run(people=0)
    for perk in Perk.objects.select_related("in_force__approved_by"):
        assert perk.in_force.approved_by.email == "operator.merchants@demo.example.org"
        assert perk.in_force.fair_terms


def test_the_first_guest_sees_every_kind_of_answer(db):
    run(people=0)
    ana = Citizen.objects.get(email="ana@demo.example.org")
    perks = list(Perk.objects.select_related("merchant", "in_force"))
    now = timezone.now()
    answers = judge_each(citizen=ana, perks=perks, assessment=assess(ana, now=now), now=now)
    assert {one.answer for one in answers.values()} == {"eligible", "not_eligible", "not_assessable"}
    scored = [one for one in answers.values() if one.answer == ELIGIBLE and one.tier.min_score is not None]
    assert scored
    assert any(reason.points_to_go for one in answers.values() for reason in one.reasons)


def test_a_real_deployment_is_never_seeded(db, settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="PRODUCTION=true"):
        run()
    with pytest.raises(CommandError, match="PRODUCTION=true"):
        call_command("load_sample_perks")
    assert not Citizen.objects.exists()
    assert not Merchant.objects.exists()
    assert not secrets_path().exists()


def test_a_population_is_made_instead_where_one_is_asked_for(db):
    run("--citizens=2", "--entries=25", verbosity=0)
    assert Citizen.objects.count() == 2
    assert not Merchant.objects.exists()


def test_entries_without_citizens_are_refused(db):
    with pytest.raises(CommandError, match="--citizens"):
        run("--entries=25")
    assert not Citizen.objects.exists()
