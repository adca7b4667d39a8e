"""Every table that knows a person is told by an export, or says why it is not; and the retention table names it."""

import re
from pathlib import Path

import pytest
from django.apps import apps

from citizen_app.accounts.exporting import excused, people, tables
from citizen_app.models import Citizen

ROOT = Path(__file__).resolve().parents[2]
SECRETS = re.compile(r"password|secret|token$|token_hash|code_hash|pin_hash|sealed|checksum|session_key|person_key")


def labels_that_know_people():
    """Models with a key to a person, or to a row of a table that an export tells."""
    about = {table.model for table in tables()} | people()
    knowing = set(about)
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.get_fields():
            if field.is_relation and field.concrete and field.related_model in about and not field.many_to_many:
                knowing.add(model)
    return {model._meta.label for model in knowing}


def test_every_table_that_knows_a_person_is_exported_or_excused():
    exported = {table.model._meta.label for table in tables()}
    assert labels_that_know_people() - exported - set(excused()) == set()


def test_nothing_is_both_exported_and_excused_and_every_excuse_is_a_sentence():
    exported = {table.model._meta.label for table in tables()}
    assert exported & set(excused()) == set()
    for label, why in excused().items():
        assert re.fullmatch(r"[A-Z].{20,}[.]", why), label


def test_every_excuse_is_of_a_table_there_is():
    assert set(excused()) - {model._meta.label for model in apps.get_models(include_auto_created=True)} == set()


def test_no_secret_is_told():
    told = [
        f"{table.name}.{field.attname}"
        for table in tables()
        for field in table.model._meta.concrete_fields
        if SECRETS.search(field.attname) and field.attname not in table.left_out
    ]
    assert told == []


def test_a_key_to_a_person_is_never_told_as_a_number():
    assert Citizen in people()
    assert {model._meta.label for model in people()} == {"citizen_app.Citizen", "scores.Enrolment"}


def test_the_retention_table_names_every_table_of_an_export():
    document = (ROOT / "docs" / "privacy.md").read_text()
    named = set(re.findall(r"^\| `([a-z_]+)` \|", document, re.M))
    assert named == {table.name for table in tables()}


@pytest.mark.parametrize("label", sorted(excused()))
def test_the_document_says_why_a_table_is_left_out(label):
    assert f"`{label}`" in (ROOT / "docs" / "privacy.md").read_text()
