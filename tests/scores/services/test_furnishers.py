"""Who may furnish what: a source sends only kinds that the catalogue lets its furnisher tell of."""

import pytest

from citizen_app.errors import InvalidInput
from citizen_app.models import AuditEvent, OAuthApplication
from scores import catalogue
from scores.errors import KindNotFurnished
from scores.models import Furnisher, Source
from scores.sample.authorities import CHANNELS
from scores.sample.loading import demo_sources
from scores.services.furnishers import create_source
from scores.services.verifying import sources_beyond_their_furnisher
from tests.factories.scores import FurnisherFactory, SourceFactory

pytestmark = pytest.mark.django_db


def counts():
    return [model.objects.count() for model in (Source, Furnisher, OAuthApplication, AuditEvent)]


def test_a_furnisher_is_what_its_kinds_need_unless_it_is_said():
    made = create_source(code="bank", kinds=["credit.payment", "credit.utilisation"])
    assert made.source.furnisher.furnishes_as == ["bank"]
    said = create_source(code="schufa", kinds=["credit.payment"], furnishes_as=["bureau"])
    assert said.source.furnisher.furnishes_as == ["bureau"]
    assert AuditEvent.objects.filter(action="source.register").last().object == "source:schufa"


def test_one_who_tells_of_everything_must_be_several_things():
    made = create_source(code="all", kinds=catalogue.CODES)
    assert made.source.furnisher.furnishes_as == ["bank", "authority", "transit", "city", "platform"] or (
        set(catalogue.CODES) <= catalogue.may_furnish(made.source.furnisher.furnishes_as)
    )


@pytest.mark.parametrize("furnishes_as", catalogue.FURNISHERS)
def test_each_may_register_exactly_what_the_catalogue_lets_it_furnish(furnishes_as):
    for kind in catalogue.KINDS:
        before = counts()
        if furnishes_as in kind.furnished_by:
            create_source(code=kind.code.replace(".", "-"), kinds=[kind.code], furnishes_as=[furnishes_as])
            continue
        with pytest.raises(KindNotFurnished) as refusal:
            create_source(code="refused", kinds=[kind.code], furnishes_as=[furnishes_as])
        assert (refusal.value.code, refusal.value.facts) == ("kind_not_furnished", {"kinds": [kind.code]})
        assert counts() == before


def test_a_second_channel_is_bound_by_what_its_furnisher_is():
    city = FurnisherFactory(furnishes_as=["city"])
    made = create_source(code="bins", kinds=["conduct.recycling"], furnisher=city)
    assert made.source.furnisher == city
    before = counts()
    with pytest.raises(KindNotFurnished):
        create_source(
            code="tax", kinds=["conduct.recycling", "conduct.tax"], furnisher=city, furnishes_as=["authority"]
        )
    assert counts() == before


@pytest.mark.parametrize("furnishes_as", [[], ["police"], ["bank", "church"]])
def test_what_no_furnisher_can_be_is_refused(furnishes_as):
    before = counts()
    with pytest.raises(InvalidInput) as refusal:
        create_source(code="x1", kinds=["credit.payment"], furnishes_as=furnishes_as)
    assert [error["pointer"] for error in refusal.value.facts["errors"]] == ["/furnishes_as"]
    assert counts() == before


def test_p3_a_source_that_was_given_more_behind_our_back_is_found():
    bank = SourceFactory(furnisher=FurnisherFactory(furnishes_as=["bank"]))
    assert list(sources_beyond_their_furnisher()) == []
    Source.objects.filter(pk=bank.pk).update(kinds=["credit.payment", "conduct.fare"])
    assert list(sources_beyond_their_furnisher()) == [f"source {bank.code}"]


def test_the_demo_has_somebody_for_every_kind_of_the_catalogue_and_says_that_they_are_invented():
    demo_sources()
    assert {kind for kinds in Source.objects.values_list("kinds", flat=True) for kind in kinds} == set(catalogue.CODES)
    assert list(sources_beyond_their_furnisher()) == []
    for code, *_ in CHANNELS:
        source = Source.objects.select_related("furnisher").get(code=code)
        assert source.is_demo
        assert source.name.endswith(", invented")
        assert source.furnisher.name.startswith("Demo ")
