"""Facts about a citizen's score: who is enrolled, what was recorded, and what followed from it."""

from scores.models.disputes import Dispute, DisputedEntry, DisputeEvent, Evidence, MassUpholding
from scores.models.distribution import Reach, ScoreDistribution
from scores.models.drafts import ScorecardDraft, ShadowRun
from scores.models.enrolment import DocumentVisit, Enrolment
from scores.models.entries import Entry, EntryStatusChange
from scores.models.files import FileAllowance, FileDay, FileOpening, FileUnmasking
from scores.models.imports import FileImport
from scores.models.inquiries import Inquiry
from scores.models.results import Score, Scorecard, ScoreChange
from scores.models.runs import RescoringRun
from scores.models.signatures import EntryProof, SignedBatch, SourceKey, UsedNonce
from scores.models.sources import EndedLink, Furnisher, Link, LinkCode, Source, SourceMonth
from scores.models.told import ToldScore
from scores.models.vouches import Seed, TrustDay, Vouch, VouchMark, VouchRequest

__all__ = [
    "Dispute",
    "DisputeEvent",
    "DisputedEntry",
    "DocumentVisit",
    "EndedLink",
    "Enrolment",
    "Entry",
    "EntryProof",
    "EntryStatusChange",
    "Evidence",
    "FileAllowance",
    "FileDay",
    "FileImport",
    "FileOpening",
    "FileUnmasking",
    "Furnisher",
    "Inquiry",
    "Link",
    "LinkCode",
    "MassUpholding",
    "Reach",
    "RescoringRun",
    "Score",
    "ScoreChange",
    "ScoreDistribution",
    "Scorecard",
    "ScorecardDraft",
    "Seed",
    "ShadowRun",
    "SignedBatch",
    "Source",
    "SourceKey",
    "SourceMonth",
    "ToldScore",
    "TrustDay",
    "UsedNonce",
    "Vouch",
    "VouchMark",
    "VouchRequest",
]
