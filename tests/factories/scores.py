"""Enrolled people, sources that furnish, links and entries, made the way the product makes them."""

from datetime import UTC, date, datetime
from typing import Any

import factory
from rest_framework.test import APIClient

from citizen_app.models import Citizen
from scores import catalogue, scoring
from scores.explaining import Explanation
from scores.models import Enrolment, Entry, Furnisher, Link, Score, Source
from scores.services.consents import current_text
from scores.services.enrolment import enrol_citizen
from scores.services.linking import link_subject
from scores.services.publishing import card_of
from scores.services.rescoring import entries_to_score, rescore
from tests.factories.people import CitizenFactory, api_client_of, machine_client

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""The moment most of these tests live in: a Monday noon, the month 24319."""


class EnrolmentFactory(factory.django.DjangoModelFactory):
    """Somebody who asked to be scored; `document=True` gives them a checked document."""

    class Meta:
        model = Enrolment

    citizen = factory.SubFactory(CitizenFactory)

    @classmethod
    def _create(cls, model_class: type[Enrolment], *args: Any, **fields: Any) -> Enrolment:
        from scores.services.identity import record_document_check

        citizen, now = fields["citizen"], fields.get("now")
        enrol_citizen(citizen=citizen, consent_version=current_text().version, adult=True, now=now)
        if fields.get("document"):
            record_document_check(citizen=citizen, reference=f"document of {citizen.pk}", of_age=True, now=now)
        return model_class.objects.get(pk=citizen.pk)


class FurnisherFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Furnisher

    name = factory.Sequence(lambda n: f"Furnisher {n}")
    furnishes_as = factory.LazyFunction(lambda: list(catalogue.FURNISHERS))


class SourceFactory(factory.django.DjangoModelFactory):
    """A bank's channel, with no client yet; `furnisher_client` gives it one."""

    class Meta:
        model = Source

    code = factory.Sequence(lambda n: f"bank{n}")
    name = factory.LazyAttribute(lambda source: f"Bank {source.code}")
    furnisher = factory.SubFactory(FurnisherFactory)
    kinds = factory.LazyFunction(lambda: ["credit.payment", "credit.utilisation"])


def furnisher_client(source: Source) -> APIClient:
    """The server of a source: every request carries its bearer token."""
    if source.application is None:
        issued = machine_client(owner=source.furnisher.public_id, scopes=("source:write",), name=source.name)
        source.application = issued.application
        source.save(update_fields=["application"])
    return api_client_of(source.application)


def link(citizen: Citizen, source: Source, subject: str | None = None, **options: Any) -> Link:
    """Link an enrolled citizen to a source, switched on."""
    subject = subject or f"subject-{citizen.pk}"
    link_subject(citizen=citizen, source=source, subject=subject, **options)
    return Link.objects.get(source=source, subject=subject)


def entry_of(link: Link, **fields: Any) -> Entry:
    """Record an entry as ingestion would, without a rescoring; `value` in the kind's own unit."""
    kind = catalogue.kind(fields.pop("kind", "credit.payment"))
    occurred_on = fields.pop("occurred_on", date(2026, 10, 31))
    value = catalogue.parse_value(kind, fields.pop("value", 0))
    return Entry.objects.create(
        enrolment_id=link.enrolment_id,
        link=link,
        external_id=fields.pop("external_id", f"e{Entry.objects.count()}"),
        kind_number=kind.number,
        occurred_on=occurred_on,
        value=value,
        recorded_at=fields.pop("recorded_at", NOW),
        lapses_on=fields.pop("lapses_on", catalogue.lapses_on(kind, occurred_on)),
        **fields,
    )


def scored_citizen(source: Source | None = None, *, payments: int = 6, now: datetime = NOW) -> Citizen:
    """Somebody with so many payments on time, the latest in October 2026, and the score that follows."""
    enrolment = EnrolmentFactory(now=now)
    linked = link(enrolment.citizen, source or SourceFactory(), now=now)
    for number in range(payments):
        years, month = divmod(12 * 2026 + 9 - number, 12)
        entry_of(linked, occurred_on=date(years, month + 1, 28), external_id=f"p{number}")
    rescore(citizen_id=enrolment.pk, cause="entries", now=now)
    return enrolment.citizen


def explanation_of(citizen_id: int) -> Explanation:
    """Every line behind a stored score, computed for its own day by its own scorecard."""
    score = Score.objects.select_related("scorecard").get(pk=citizen_id)
    return scoring.score(card_of(score.scorecard), entries_to_score(citizen_id), score.as_of).explanation


def row(subject: str, number: int = 1, **fields: Any) -> dict[str, Any]:
    """A row of a batch: a payment on time."""
    return {
        "external_id": f"r{number}",
        "subject": subject,
        "kind": "credit.payment",
        "occurred_on": "2026-10-31",
        "value": 0,
    } | fields


def connectable_citizen(**fields: Any) -> Citizen:
    """Somebody who may connect apps: enrolled, with a document that was checked."""
    citizen: Citizen = EnrolmentFactory(citizen=CitizenFactory(**fields), document=True).citizen
    return citizen
