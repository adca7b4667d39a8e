"""Facts about a citizen's score: who is enrolled, what was recorded, and what followed from it."""

from scores.models.distribution import ScoreDistribution
from scores.models.drafts import ScorecardDraft, ShadowRun
from scores.models.enrolment import Enrolment
from scores.models.entries import Entry, EntryStatusChange
from scores.models.inquiries import Inquiry
from scores.models.results import Score, Scorecard, ScoreChange
from scores.models.runs import RescoringRun
from scores.models.sources import EndedLink, Furnisher, Link, LinkCode, Source

__all__ = [
    "EndedLink",
    "Enrolment",
    "Entry",
    "EntryStatusChange",
    "Furnisher",
    "Inquiry",
    "Link",
    "LinkCode",
    "RescoringRun",
    "Score",
    "ScoreChange",
    "ScoreDistribution",
    "Scorecard",
    "ScorecardDraft",
    "ShadowRun",
    "Source",
]
