"""The benefit of the doubt: a disputed record counts only if it helps, and no dispute makes anything worse (P7).

The arithmetic gives it to a record of the status `disputed`. Where a rule takes the latest record only, an older and
worse one may stand behind the disputed one; a record whose doubt would bring that back stays active.
"""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

from scores import scoring
from scores.models import Dispute
from scores.scorecard import Scorecard
from scores.services.publishing import current_scorecard
from scores.services.rescoring import entries_to_score

AT_MOST: Final = 3
"""How many open disputes of one citizen may have the benefit of the doubt at once."""


def may_have_benefit(citizen_id: int) -> bool:
    """Whether one more dispute of this citizen may be given the benefit; the caller holds the enrolment."""
    return Dispute.objects.of(citizen_id).undecided().filter(has_benefit=True).count() < AT_MOST


def worth_doubting(*, citizen_id: int, entry_ids: Collection[int], today: date) -> set[int]:
    """Those of these active records that can be marked as disputed without lowering anything (see `harmless`)."""
    return harmless(current_scorecard().card, entries_to_score(citizen_id), entry_ids, today)


def harmless(card: Scorecard, entries: Sequence[scoring.Entry], entry_ids: Collection[int], today: date) -> set[int]:
    """Those of these records that can be marked as disputed without lowering a factor, and so any purpose. Pure.

    All of them, nearly always; else one by one, the oldest first, whoever does no harm beside those before.
    """
    before = scoring.score(card, entries, today).factors

    def harms_nothing(marked: Collection[int]) -> bool:
        doubted = [one._replace(status=scoring.DISPUTED) if one.id in marked else one for one in entries]
        after = scoring.score(card, doubted, today).factors
        return all(after[code] >= micro for code, micro in before.items())

    if harms_nothing(set(entry_ids)):
        return set(entry_ids)
    marked: set[int] = set()
    for one in sorted(entries, key=lambda entry: (entry.occurred_on, entry.id)):
        if one.id in entry_ids and harms_nothing(marked | {one.id}):
            marked.add(one.id)
    return marked
