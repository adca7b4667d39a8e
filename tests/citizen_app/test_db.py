"""Which constraint a write broke, told alike on both databases: one test per kind of constraint."""

import pytest
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from citizen_app.db import violated
from citizen_app.models import Citizen, IdempotentRequest, OperatorRole, OutboxMessage
from tests.citizen_app.rooms import a_person

pytestmark = pytest.mark.django_db


def broken_by(write):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        write()
    return violated(caught.value)


def test_a_unique_constraint_over_columns_is_named():
    key = {"caller": "person:1", "method": "POST", "path": "/x", "key": "k", "fingerprint": "f"}
    IdempotentRequest.objects.create(**key)
    assert broken_by(lambda: IdempotentRequest.objects.create(**key)) == "idempotent_request_one_answer_per_key"


def test_a_unique_constraint_with_a_foreign_key_is_named():
    ana = a_person()
    OperatorRole.objects.create(citizen=ana, role="support")
    again = lambda: OperatorRole.objects.create(citizen=ana, role="support")  # noqa: E731
    assert broken_by(again) == "operator_role_given_once"


def test_a_unique_constraint_over_an_expression_is_named():
    a_person("ana@example.org")
    assert broken_by(lambda: a_person("ANA@example.org")) == "citizen_one_account_per_email"


def test_a_check_is_named():
    ana = a_person()
    assert broken_by(lambda: Citizen.objects.filter(pk=ana.pk).update(email="")) == "citizen_has_email"
    leased = {"topic": "x", "done_at": timezone.now(), "leased_until": timezone.now()}
    assert broken_by(lambda: OutboxMessage.objects.create(**leased)) == "outboxmessage_done_or_dead_holds_no_lease"


def test_what_is_no_constraint_of_ours_has_no_name_of_ours():
    ana = a_person()
    names = {constraint.name for model in (Citizen, OperatorRole) for constraint in model._meta.constraints}
    double = Citizen(email="bo@example.org", uuid=ana.uuid)
    assert broken_by(double.save) not in names


@pytest.mark.parametrize("label", ["citizen_app", "scores", "perks"])
def test_no_two_unique_constraints_of_a_table_share_their_columns(label):
    """SQLite names only columns, so two constraints over the same ones could not be told apart there."""
    from django.apps import apps

    for model in apps.get_app_config(label).get_models():
        columns = [
            tuple(constraint.fields)
            for constraint in model._meta.constraints
            if isinstance(constraint, models.UniqueConstraint) and constraint.fields
        ]
        assert len(columns) == len(set(columns)), model
