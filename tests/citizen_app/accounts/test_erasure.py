"""Leaving erases everything or nothing, and the receipt adds up what every app says."""

from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError

from citizen_app.accounts import erasure
from citizen_app.accounts.erasure import Erasure, Kept, erase_traces, erases
from citizen_app.models import IdempotentRequest
from tests.citizen_app.rooms import a_person

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_erasers_of_the_apps(monkeypatch):
    monkeypatch.setattr(erasure, "_erasers", [])


@pytest.mark.django_db
def test_receipts_are_added_up_in_order_of_registration():
    ana = a_person()

    @erases
    def scores(*, citizen, now):
        assert (citizen, now) == (ana, NOW)
        return Erasure({"entry": 3, "inquiry": 1}, [Kept("consents", "proof", None)])

    @erases
    def perks(*, citizen, now):
        return Erasure({"inquiry": 2}, [Kept("usage marks", "limits", NOW)])

    assert erases(perks) is perks  # registering again is nothing new
    with transaction.atomic():
        receipt = erase_traces(citizen=ana, now=NOW)
    assert receipt.erased == {"entry": 3, "inquiry": 3}
    assert [kept.what for kept in receipt.kept] == ["consents", "usage marks"]


@pytest.mark.django_db
def test_an_eraser_that_fails_undoes_the_others():
    @erases
    def first(*, citizen, now):
        return Erasure({"notes": IdempotentRequest.objects.all().delete()[0]})

    @erases
    def second(*, citizen, now):
        raise RuntimeError

    IdempotentRequest.objects.create(caller="c", method="POST", path="/x", key="k", fingerprint="f")
    with pytest.raises(RuntimeError), transaction.atomic():
        erase_traces(citizen=a_person(), now=NOW)
    assert IdempotentRequest.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_erasing_outside_of_a_transaction_is_refused():
    with pytest.raises(TransactionManagementError):
        erase_traces(citizen=a_person(), now=NOW)
