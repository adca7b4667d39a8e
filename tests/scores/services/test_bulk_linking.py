"""Linking many people in one go is linking each of them: the same rows, consents and refusals."""

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from citizen_app.errors import DomainError
from citizen_app.models import ConsentEvent
from scores.models import EndedLink, Link, Score, ScoreChange
from scores.services import bulk_linking
from scores.services.bulk_linking import link_subjects
from scores.services.linking import link_subject, switch_source, unlink_source
from tests.factories.people import CitizenFactory
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, link, scored_citizen

pytestmark = pytest.mark.django_db


def told(outcomes):
    return [outcome.code if isinstance(outcome, DomainError) else outcome for outcome in outcomes]


def in_turn(source, pairs, people):
    for email, subject in pairs:
        citizen = people.get(email.lower())
        if citizen is None:
            yield "not_found"
            continue
        try:
            yield link_subject(citizen=citizen, source=source, subject=subject, now=NOW)
        except DomainError as refusal:
            yield refusal.code


def links(source):
    return sorted(Link.objects.filter(source=source).values_list("enrolment_id", "subject", "is_on", "since"))


def consented(source):
    fields = "citizen_id", "at", "act", "text_version", "text_sha256", "language", "via"
    return list(ConsentEvent.objects.filter(purpose=f"source:{source.code}").order_by("id").values_list(*fields))


def test_many_at_once_come_to_what_each_in_turn_comes_to():
    together, one_by_one = SourceFactory(), SourceFactory()
    people = [EnrolmentFactory().citizen for _ in range(6)]
    outside = CitizenFactory()
    for source in (together, one_by_one):
        link(people[0], source, "S-0", now=NOW)
        link(people[1], source, "S-1", now=NOW)
        link(people[5], source, "S-5", now=NOW)
        switch_source(citizen=people[1], source_code=source.code, on=False, now=NOW)
        unlink_source(citizen=people[5], source_code=source.code, now=NOW)
    pairs = [
        (people[0].email, "S-0"),  # linked already
        (people[0].email, "S-9"),  # under another subject
        (people[1].email.upper(), "S-1"),  # off: on again
        (people[1].email, "S-1"),
        (people[2].email, "S-0"),  # somebody else's
        (people[2].email, "S-2"),
        (people[2].email, "S-2"),
        (people[3].email, "S-2"),  # taken a line before
        (people[2].email, "S-3"),
        ("nobody@example.org", "S-4"),
        (outside.email, "S-4"),
        (people[3].email, "S-4"),
        (people[5].email, "S-5"),  # ended: linked anew
    ]
    by_address = {one.email.lower(): one for one in [*people, outside]}
    outcomes = told(link_subjects(source=together, pairs=pairs, now=NOW))
    assert outcomes == list(in_turn(one_by_one, pairs, by_address))
    assert outcomes == [
        False, "already_linked", False, False, "subject_taken", True, False, "subject_taken", "already_linked",
        "not_found", "not_enrolled", True, True,
    ]  # fmt: skip
    assert links(together) == links(one_by_one)
    assert consented(together) == consented(one_by_one)
    assert not EndedLink.objects.exists()


def test_who_is_switched_on_again_is_rescored_in_the_same_step():
    source = SourceFactory()
    citizen = scored_citizen(source)
    switch_source(citizen=citizen, source_code=source.code, on=False, now=NOW)
    assert Score.objects.get(pk=citizen.pk).state == "thin_file"
    subject = Link.objects.get(source=source).subject
    assert link_subjects(source=source, pairs=[(citizen.email, subject)], now=NOW) == [False]
    assert Score.objects.get(pk=citizen.pk).state == "scored"
    assert ScoreChange.objects.order_by("-id").first().cause == "source"


def test_any_number_costs_the_same_queries_and_a_second_time_two():
    source = SourceFactory()
    pairs = [(EnrolmentFactory().citizen.email, f"S-{number}") for number in range(9)]

    def cost(some):
        with CaptureQueriesContext(connection) as queries:
            link_subjects(source=source, pairs=some, now=NOW)
        return len(queries)

    assert cost(pairs[:1]) == cost(pairs[1:]) <= 14
    assert cost(pairs) == 2


def test_whoever_is_linked_otherwise_at_this_moment_fails_alone(monkeypatch):
    source = SourceFactory()
    people = [EnrolmentFactory().citizen for _ in range(3)]

    def loses(*args, **options):
        link(people[0], source, "S-1", now=NOW)
        raise IntegrityError

    monkeypatch.setattr(bulk_linking, "_link_together", loses)
    pairs = [(one.email, f"S-{number}") for number, one in enumerate(people)]
    assert told(link_subjects(source=source, pairs=[*pairs, ("x@example.org", "S-9")], now=NOW)) == [
        "already_linked", "subject_taken", True, "not_found",
    ]  # fmt: skip
