"""What an export tells of the score: every row it was ever made of, and everybody who asked."""

from typing import Any

from django.db.models import Q

from citizen_app.accounts.exporting import KEYED, OURS, SECRET, exports, is_a_person, is_not_exported
from citizen_app.models import Citizen
from scores.catalogue import kind_of_number
from scores.models import (
    Dispute,
    DisputedEntry,
    DisputeEvent,
    DocumentVisit,
    Enrolment,
    Entry,
    EntryProof,
    EntryStatusChange,
    Evidence,
    FileOpening,
    FileUnmasking,
    Inquiry,
    Link,
    LinkCode,
    Score,
    ScoreChange,
    Seed,
    ToldScore,
    Vouch,
    VouchRequest,
)

_DECIDED = "an operator decides in the product's name"


def _vouch(vouch: Vouch, citizen: Citizen) -> dict[str, Any]:
    """The other side by first name, as the product shows them, and not what they did of their own accord."""
    is_given = vouch.giver_id == citizen.pk
    other = vouch.receiver if is_given else vouch.giver
    return {
        "direction": "given" if is_given else "received",
        "first_name": other.citizen.first_name,
        "ended_at": vouch.withdrawn_at if is_given else vouch.declined_at,
    }


is_a_person(Enrolment)
exports(
    "enrolment",
    Enrolment,
    "citizen",
    left_out={"person_key": KEYED},
    tells="that you are scored, since when, and whether a document was checked",
)
exports(
    "links",
    Link,
    "enrolment",
    adds=lambda link, _: {"source_code": link.source.code},
    tells="the sources you linked, what they call you, and which are on",
)
exports(
    "link_codes",
    LinkCode,
    "enrolment",
    left_out={"code_hash": SECRET},
    tells="codes you asked for to link a source; never the codes themselves",
)
exports(
    "document_visits",
    DocumentVisit,
    "enrolment",
    left_out={"token_hash": SECRET},
    tells="visits to have a document checked",
)
exports(
    "entries",
    Entry,
    "enrolment",
    left_out={"kind_number": OURS, "day": OURS},
    adds=lambda entry, _: {"kind": kind_of_number(entry.kind_number).code},
    tells="every record about you; `value` counts ten-thousandths of the kind's unit",
)
exports(
    "entry_status_changes", EntryStatusChange, "entry__enrolment", tells="when and why the status of a record changed"
)
exports("entry_proofs", EntryProof, "entry__enrolment", tells="what an entry rests on")
exports("score", Score, "enrolment", tells="your score now; `value` is in points, what it is made of in micro-points")
exports(
    "score_changes",
    ScoreChange,
    "enrolment",
    tells="the history; `value` and `difference` are in points, `lines` in micro-points",
)
exports(
    "disputes",
    Dispute,
    "enrolment",
    left_out={"decided_by_id": _DECIDED, "appeal_decided_by_id": _DECIDED},
    tells="what you disputed, and how it was decided",
)
exports("disputed_entries", DisputedEntry, "dispute__enrolment", tells="which records each dispute is about")
exports("dispute_steps", DisputeEvent, "dispute__enrolment", tells="each step of a dispute")
exports(
    "evidence",
    Evidence,
    "dispute__enrolment",
    left_out={"name": SECRET},
    tells="the files you added to a dispute (their facts; the files are on its page)",
)
exports(
    "inquiries",
    Inquiry,
    "enrolment",
    left_out={"fold": OURS},
    tells="who asked about you, and the whole of what they were told",
)
exports("told_scores", ToldScore, "enrolment", tells="how far your score has moved since you were last told of it")
exports(
    "file_openings",
    FileOpening,
    "enrolment",
    left_out={"operator_id": "an operator opens in the product's name"},
    tells="when an operator opened your file, as what and why",
)
exports("file_unmaskings", FileUnmasking, "opening__enrolment", tells="what an operator was shown in full")
exports("vouch_requests", VouchRequest, "enrolment", left_out={"token_hash": SECRET}, tells="vouches you asked for")
exports(
    "vouches",
    Vouch,
    lambda citizen: Vouch.objects.filter(Q(giver=citizen.pk) | Q(receiver=citizen.pk)).select_related(
        "giver__citizen", "receiver__citizen"
    ),
    left_out={
        "giver_id": "told as direction and first name",
        "receiver_id": "told as direction and first name",
        "withdrawn_at": "told as ended_at where you ended it; the other side's end is silent",
        "declined_at": "told as ended_at where you ended it; the other side's end is silent",
    },
    adds=_vouch,
    tells="vouches you gave and received",
)
exports(
    "seed",
    Seed,
    "enrolment",
    left_out={"proposed_by_id": _DECIDED, "confirmed_by_id": _DECIDED},
    tells="that you are somebody trust begins with",
)

_BY_AN_OPERATOR = "It says which operator did what, in the product's name; what you did as one stands in acts."
for _label in ("scores.MassUpholding", "scores.ScorecardDraft", "scores.ScorecardDraft_writers", "scores.ShadowRun"):
    is_not_exported(_label, _BY_AN_OPERATOR)
for _label in ("scores.FileAllowance", "scores.FileDay"):
    is_not_exported(_label, _BY_AN_OPERATOR)
is_not_exported("scores.VouchMark", "It counts under a key that names nobody.")
is_not_exported("scores.EndedLink", "It tells a source for 30 days that a link of its own has ended, and not whose.")
