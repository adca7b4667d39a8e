"""Facts about a citizen's score: who is enrolled, what was recorded, and what followed from it."""

from scores.models.enrolment import DocumentVisit, Enrolment
from scores.models.entries import Entry, EntryStatusChange
from scores.models.inquiries import Inquiry
from scores.models.results import Score, Scorecard, ScoreChange
from scores.models.sources import EndedLink, Furnisher, Link, LinkCode, Source, SourceMonth

__all__ = [
    "DocumentVisit",
    "EndedLink",
    "Enrolment",
    "Entry",
    "EntryStatusChange",
    "Furnisher",
    "Inquiry",
    "Link",
    "LinkCode",
    "Score",
    "ScoreChange",
    "Scorecard",
    "Source",
    "SourceMonth",
]
