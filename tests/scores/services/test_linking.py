"""Letting sources in, switching them and ending them (P2)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from citizen_app.db import violated
from citizen_app.errors import NotFound
from citizen_app.models import ConsentEvent
from scores.changes import Line
from scores.errors import AlreadyLinked, NotEnrolled, NotLinked, PlatformStaysLinked, SubjectTaken, UnknownLinkCode
from scores.models import EndedLink, Entry, Link, LinkCode, Score, ScoreChange
from scores.services.linking import (
    CODE_ALPHABET,
    make_link_code,
    preview_switch,
    redeem_link_code,
    switch_source,
    unlink_source,
)
from scores.services.rescoring import rescore
from scores.services.verifying import wrong_changes, wrong_explanations, wrong_scores
from tests.factories.people import CitizenFactory
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, entry_of, explanation_of, link, scored_citizen

pytestmark = pytest.mark.django_db


def test_a_link_code_is_eight_unambiguous_characters_and_only_its_hash_is_kept():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    made = make_link_code(citizen=citizen, source_code=source.code, now=NOW)
    assert len(made.code) == 8
    assert set(made.code) <= set(CODE_ALPHABET)
    assert not set("ILOU") & set(CODE_ALPHABET)
    assert made.expires_at == NOW + timedelta(minutes=15)
    kept = LinkCode.objects.filter(enrolment_id=citizen.pk).values().get()
    assert made.code not in str(kept.values())


def test_redeeming_links_the_subject_switched_on_with_the_consent_on_record():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    made = make_link_code(citizen=citizen, source_code=source.code, now=NOW)
    linked, is_new = redeem_link_code(source=source, code=made.code, subject="S-1", now=NOW)
    assert is_new
    assert (linked.enrolment_id, linked.subject, linked.is_on, linked.since) == (citizen.pk, "S-1", True, NOW)
    consent = ConsentEvent.objects.get(citizen=citizen, purpose=f"source:{source.code}")
    assert (consent.act, consent.via, consent.text_version) == ("given", f"furnisher:{source.code}", "2026-11")


@pytest.mark.parametrize("typed", ["{0}", "{1}", "{2}"], ids=["as made", "in lower case", "in groups"])
def test_a_code_may_be_typed_as_people_type(typed):
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    code = make_link_code(citizen=citizen, source_code=source.code, now=NOW).code
    typed = typed.format(code, code.lower().replace("0", "o").replace("1", "l"), f"{code[:4]}-{code[4:]} ")
    assert redeem_link_code(source=source, code=typed, subject="S-1", now=NOW)[1]


def test_a_wrong_an_old_a_used_and_anothers_code_are_refused_alike():
    source, other = SourceFactory(), SourceFactory()
    first, second = EnrolmentFactory().citizen, EnrolmentFactory().citizen
    used = make_link_code(citizen=first, source_code=source.code, now=NOW).code
    redeem_link_code(source=source, code=used, subject="S-1", now=NOW)
    fresh = make_link_code(citizen=second, source_code=source.code, now=NOW).code
    for_other = make_link_code(citizen=second, source_code=other.code, now=NOW).code
    for code, when in (
        (used, NOW),
        ("ZZZZZZZZ", NOW),
        ("", NOW),
        (fresh, NOW + timedelta(minutes=15)),
        (for_other, NOW),
    ):
        with pytest.raises(UnknownLinkCode) as refusal:
            redeem_link_code(source=source, code=code, subject="S-2", now=when)
        assert (refusal.value.detail, refusal.value.facts) == ("", {})
    assert not Link.objects.filter(source=source, enrolment_id=second.pk).exists()
    assert redeem_link_code(source=source, code=fresh, subject="S-2", now=NOW + timedelta(minutes=14))[1]


def test_a_new_code_takes_the_place_of_the_one_before():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    first = make_link_code(citizen=citizen, source_code=source.code, now=NOW).code
    make_link_code(citizen=citizen, source_code=source.code, now=NOW)
    with pytest.raises(UnknownLinkCode):
        redeem_link_code(source=source, code=first, subject="S-1", now=NOW)
    assert not Link.objects.filter(source=source).exists()


def test_a_subject_of_another_citizen_is_refused_and_uses_no_code_up():
    source = SourceFactory()
    holder, other = EnrolmentFactory().citizen, EnrolmentFactory().citizen
    link(holder, source, "S-1")
    code = make_link_code(citizen=other, source_code=source.code, now=NOW).code
    with pytest.raises(SubjectTaken):
        redeem_link_code(source=source, code=code, subject="S-1", now=NOW)
    assert Link.objects.get(source=source).enrolment_id == holder.pk
    assert LinkCode.objects.get(enrolment_id=other.pk).used_at is None
    assert redeem_link_code(source=source, code=code, subject="S-2", now=NOW)[1]


def test_the_same_subject_of_the_same_citizen_is_switched_on_again():
    source = SourceFactory()
    citizen = scored_citizen(source)
    switch_source(citizen=citizen, source_code=source.code, on=False, now=NOW)
    assert Score.objects.get(pk=citizen.pk).value is None
    code = make_link_code(citizen=citizen, source_code=source.code, now=NOW).code
    linked, is_new = redeem_link_code(source=source, code=code, subject=f"subject-{citizen.pk}", now=NOW)
    assert (is_new, linked.is_on) == (False, True)
    assert Score.objects.get(pk=citizen.pk).value is not None


def test_a_citizen_has_one_subject_at_a_source():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    link(citizen, source, "S-1")
    code = make_link_code(citizen=citizen, source_code=source.code, now=NOW).code
    with pytest.raises(AlreadyLinked):
        redeem_link_code(source=source, code=code, subject="S-2", now=NOW)
    assert list(Link.objects.filter(source=source).values_list("subject", flat=True)) == ["S-1"]


def test_the_database_knows_one_citizen_per_subject_and_one_link_per_source():
    source, citizen, other = SourceFactory(), EnrolmentFactory().citizen, EnrolmentFactory().citizen
    link(citizen, source, "S-1")
    for citizen_id, subject, name in (
        (other.pk, "S-1", "link_one_citizen_per_subject"),
        (citizen.pk, "S-2", "link_one_per_citizen_and_source"),
    ):
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            Link.objects.create(enrolment_id=citizen_id, source=source, subject=subject, since=NOW)
        assert violated(refusal.value) == name


def test_codes_are_for_the_enrolled_and_for_sources_there_are():
    source = SourceFactory()
    with pytest.raises(NotEnrolled):
        make_link_code(citizen=CitizenFactory(), source_code=source.code)
    with pytest.raises(NotFound):
        make_link_code(citizen=EnrolmentFactory().citizen, source_code="nobody")
    with pytest.raises(PlatformStaysLinked):
        make_link_code(citizen=EnrolmentFactory().citizen, source_code="platform")
    assert LinkCode.objects.count() == 0


def test_p2_switching_a_source_off_takes_its_entries_out_at_once_and_on_brings_them_back():
    source = SourceFactory()
    citizen = scored_citizen(source)
    before = Score.objects.get(pk=citizen.pk)
    switch_source(citizen=citizen, source_code=source.code, on=False, now=NOW)
    off = Score.objects.get(pk=citizen.pk)
    assert (off.state, off.value) == ("thin_file", None)
    switch_source(citizen=citizen, source_code=source.code, on=True, now=NOW)
    again = Score.objects.get(pk=citizen.pk)
    assert (again.state, again.value, again.purposes) == (before.state, before.value, before.purposes)
    acts = ConsentEvent.objects.filter(citizen=citizen, purpose=f"source:{source.code}").order_by("id")
    assert list(acts.values_list("act", flat=True)) == ["given", "withdrawn", "given"]
    causes = ScoreChange.objects.filter(enrolment_id=citizen.pk).order_by("id").values_list("cause", flat=True)
    assert list(causes) == ["enrolled", "entries", "source", "source"]
    assert not list(wrong_changes())


def test_switching_to_where_it_stands_changes_nothing():
    source = SourceFactory()
    citizen = scored_citizen(source)
    revision = Score.objects.get(pk=citizen.pk).revision
    switch_source(citizen=citizen, source_code=source.code, on=True, now=NOW + timedelta(days=1))
    assert Score.objects.get(pk=citizen.pk).revision == revision
    assert Link.objects.get(source=source).since == NOW


def test_p2_a_source_nobody_linked_cannot_be_switched_on():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    with pytest.raises(NotLinked):
        switch_source(citizen=citizen, source_code=source.code, on=True)
    assert not Link.objects.filter(source=source).exists()
    assert not ConsentEvent.objects.filter(purpose=f"source:{source.code}").exists()


def test_a_preview_tells_both_scores_and_changes_nothing():
    source = SourceFactory()
    citizen = scored_citizen(source)
    value = Score.objects.get(pk=citizen.pk).value
    rows = [list(model.objects.order_by("pk").values()) for model in (Link, Score, ScoreChange, ConsentEvent)]
    preview = preview_switch(citizen=citizen, source_code=source.code, on=False, now=NOW)
    assert (preview.before.value, preview.after.value) == (value, None)
    assert rows == [list(model.objects.order_by("pk").values()) for model in (Link, Score, ScoreChange, ConsentEvent)]


def test_ending_a_link_erases_its_entries_and_the_history_forgets_their_names():
    bank, other = SourceFactory(), SourceFactory()
    citizen = scored_citizen(bank, payments=4)
    kept = link(citizen, other, "O-1")
    for number in range(3):
        entry_of(kept, external_id=f"o{number}")
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    gone = set(Entry.objects.filter(link__source=bank).values_list("pk", flat=True))
    assert unlink_source(citizen=citizen, source_code=bank.code, now=NOW + timedelta(hours=1))
    assert set(Entry.objects.values_list("link__source__code", flat=True)) == {other.code}
    assert not Link.objects.filter(source=bank).exists()
    ended = EndedLink.objects.get()
    assert (ended.source, ended.subject) == (bank, f"subject-{citizen.pk}")
    named = {Line.from_document(line).entry_id for change in ScoreChange.objects.all() for line in change.lines}
    assert not named & gone
    texts = [Line.from_document(line).text for change in ScoreChange.objects.all() for line in change.lines]
    assert texts.count("a record that has lapsed") == 4
    assert not list(wrong_changes())
    assert not list(wrong_scores())
    assert not list(wrong_explanations())


def test_ending_a_link_that_leaves_the_value_alone_still_forgets_its_entries():
    bank, quiet = SourceFactory(), SourceFactory(kinds=["conduct.recycling"])
    citizen = scored_citizen(bank)
    entry = entry_of(link(citizen, quiet), kind="conduct.recycling", value=0, external_id="zero")
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    Score.objects.filter(pk=citizen.pk).update(compared_with=explanation_of(citizen.pk).to_document())
    changes = ScoreChange.objects.count()
    unlink_source(citizen=citizen, source_code=quiet.code, now=NOW)
    score = Score.objects.get(pk=citizen.pk)
    assert ScoreChange.objects.count() == changes
    factors = score.compared_with["factors"]
    ids = [line[0] for factor in factors for rule in factor["rules"] for line in rule["entries"]]
    assert entry.pk not in ids
    assert None in ids


def test_ending_twice_and_ending_nothing_are_harmless():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    assert not unlink_source(citizen=citizen, source_code=source.code)
    link(citizen, source)
    assert unlink_source(citizen=citizen, source_code=source.code)
    assert not unlink_source(citizen=citizen, source_code=source.code)
    assert EndedLink.objects.count() == 1


def test_the_platform_cannot_be_unlinked_only_switched():
    citizen = EnrolmentFactory().citizen
    with pytest.raises(PlatformStaysLinked):
        unlink_source(citizen=citizen, source_code="platform")
    assert Link.objects.filter(enrolment_id=citizen.pk, source__code="platform").exists()


def test_linking_again_takes_the_end_back():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    link(citizen, source, "S-1")
    unlink_source(citizen=citizen, source_code=source.code)
    link(citizen, source, "S-1")
    assert EndedLink.objects.count() == 0
