"""P3: some things are never a source."""

from dataclasses import replace

import pytest

from citizen_app.outbox import run_due
from scores import catalogue
from scores.forbidden_kinds import NEVER
from tests.attacks.stored import changed, everything
from tests.factories.scores import SourceFactory
from tests.promises.doors import code_of, enrolled, furnish, linked, record

TOPICS = {
    "speech and opinions",
    "religion",
    "health",
    "sex life",
    "ethnicity",
    "friends and relatives",
    "where you walk",
    "categories of goods bought",
    "cameras",
    "biometrics",
}
WORDS = [(topic, word) for topic, words in NEVER.items() for word in sorted(words)]
EXAMPLE = catalogue.kind("conduct.volunteering")


def test_p3_the_list_of_what_is_never_a_source_is_the_charter_s():
    assert set(NEVER) == TOPICS
    assert all(len(words) >= 15 for words in NEVER.values())


@pytest.mark.parametrize(("topic", "word"), WORDS, ids=lambda value: value)
def test_p3_no_kind_with_such_a_word_enters_the_catalogue(topic, word):
    code = f"conduct.{word}" if "." not in word else word
    for proposed in (
        replace(EXAMPLE, code=code),
        replace(EXAMPLE, title=f"A record of {word}"),
        replace(EXAMPLE, meaning=f"How often {word.upper()} was noted."),
    ):
        with pytest.raises(catalogue.RefusedKind) as refusal:
            catalogue.check_kind(proposed)
        assert refusal.value.topic in TOPICS


def test_p3_no_kind_there_is_has_such_a_word():
    for kind in catalogue.KINDS:
        catalogue.check_kind(kind)
    assert len(catalogue.KINDS) == len({kind.code for kind in catalogue.KINDS}) > 10


@pytest.mark.django_db
@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_p3_a_record_of_it_is_refused_and_kept_nowhere(topic):
    bank = SourceFactory(code="bank")
    _, app = enrolled()
    server = linked(app, bank, "ana-7")
    # Not even a source that was registered for such a thing can send it: the catalogue is what is asked.
    bank.kinds = ["credit.payment", *(f"{room}.{word}" for word in NEVER[topic] for room in catalogue.ROOMS)]
    bank.save()
    while run_due():  # what was promised before is no trace of what comes now
        pass
    before = everything()
    rows = [
        record("ana-7", f"e{n}", kind=f"{room}.{word}")
        for n, (room, word) in enumerate((room, word) for word in sorted(NEVER[topic]) for room in catalogue.ROOMS)
    ]
    told = furnish(server, *rows)
    assert (told["accepted"], {one["code"] for one in told["rejected"]}) == (0, {"unknown_kind"})
    assert changed(before) == []


@pytest.mark.django_db
def test_p3_nor_can_it_be_imagined():
    _, app = enrolled()
    for kind in ("conduct.religion", "health.visit", "conduct.purchases"):
        answer = app.post("/me/score/what-if", {"add": [{"kind": kind}]})
        assert (answer.status_code, code_of(answer)) == (400, "invalid_input")
