"""Addresses below `/api/v1/` that belong to the score."""

from django.urls import path

from scores.api import source_webhooks as webhooks
from scores.api.consent_texts import CurrentConsentTextView
from scores.api.consents import ConsentsView, ConsentView
from scores.api.disputes import AppealDisputeView, DisputesView, DisputeView, WithdrawDisputeView
from scores.api.enrolment import EnrolmentView, PauseView, ResumeView
from scores.api.entries import EntriesView, EntryView
from scores.api.furnishers import FurnishersView, FurnisherView
from scores.api.furnishing import SourceEntriesView, SourceEntryView, SourceLinksView
from scores.api.inquiries import InquiriesView
from scores.api.score import ExplanationView, HistoryView, ScoreView, WhatIfView
from scores.api.source_disputes import SourceAnswerView, SourceDisputesView, SourceEvidenceView
from scores.api.source_keys import SourceKeysView, SourceKeyView
from scores.api.sources import SourceLinkView, SourcesView, SourceView
from scores.api.vouches import GiveVouchView, VouchesView, VouchRequestsView, VouchView

urlpatterns = [
    path("consent-texts/current", CurrentConsentTextView.as_view(), name="current-consent-text"),
    path("me/enrolment", EnrolmentView.as_view(), name="enrolment"),
    path("me/enrolment/pause", PauseView.as_view(), name="pause"),
    path("me/enrolment/resume", ResumeView.as_view(), name="resume"),
    path("me/score", ScoreView.as_view(), name="score"),
    path("me/score/history", HistoryView.as_view(), name="score-history"),
    path("me/score/explanation", ExplanationView.as_view(), name="score-explanation"),
    path("me/score/what-if", WhatIfView.as_view(), name="what-if"),
    path("me/entries", EntriesView.as_view(), name="entries"),
    path("me/entries/<str:entry_id>", EntryView.as_view(), name="entry"),
    path("me/sources", SourcesView.as_view(), name="sources"),
    path("me/sources/<str:code>", SourceView.as_view(), name="source"),
    path("me/sources/<str:code>/link", SourceLinkView.as_view(), name="source-link"),
    path("me/inquiries", InquiriesView.as_view(), name="inquiries"),
    path("me/consents", ConsentsView.as_view(), name="consents"),
    path("me/consents/<str:consent_id>", ConsentView.as_view(), name="consent"),
    path("me/disputes", DisputesView.as_view(), name="disputes"),
    path("me/disputes/<str:dispute_id>", DisputeView.as_view(), name="dispute"),
    path("me/disputes/<str:dispute_id>/withdraw", WithdrawDisputeView.as_view(), name="dispute-withdraw"),
    path("me/disputes/<str:dispute_id>/appeal", AppealDisputeView.as_view(), name="dispute-appeal"),
    path("me/vouch-requests", VouchRequestsView.as_view(), name="vouch-requests"),
    path("me/vouches", VouchesView.as_view(), name="vouches"),
    path("me/vouches/<str:vouch_id>", VouchView.as_view(), name="vouch"),
    path("vouch-requests/<str:token>/give", GiveVouchView.as_view(), name="give-vouch"),
    path("furnishers", FurnishersView.as_view(), name="furnishers"),
    path("furnishers/<str:furnisher_id>", FurnisherView.as_view(), name="furnisher"),
    path("sources/links", SourceLinksView.as_view(), name="source-links"),
    path("sources/entries", SourceEntriesView.as_view(), name="source-entries"),
    path("sources/entries/<str:external_id>", SourceEntryView.as_view(), name="source-entry"),
    path("sources/keys", SourceKeysView.as_view(), name="source-keys"),
    path("sources/keys/<str:key_id>", SourceKeyView.as_view(), name="source-key"),
    path("sources/disputes", SourceDisputesView.as_view(), name="source-disputes"),
    path("sources/disputes/<str:dispute_id>/answer", SourceAnswerView.as_view(), name="source-answer"),
    path(
        "sources/disputes/<str:dispute_id>/evidence/<str:evidence_id>",
        SourceEvidenceView.as_view(),
        name="source-evidence",
    ),
    path("sources/webhook-endpoints", webhooks.EndpointListView.as_view(), name="source-endpoint-list"),
    path("sources/webhook-endpoints/<str:endpoint_id>", webhooks.EndpointView.as_view(), name="source-endpoint"),
    path(
        "sources/webhook-endpoints/<str:endpoint_id>/deliveries",
        webhooks.DeliveryListView.as_view(),
        name="source-delivery-list",
    ),
    path(
        "sources/webhook-endpoints/<str:endpoint_id>/rotate-secret",
        webhooks.RotateSecretView.as_view(),
        name="source-endpoint-rotate",
    ),
    path(
        "sources/webhook-endpoints/<str:endpoint_id>/replay",
        webhooks.ReplayView.as_view(),
        name="source-endpoint-replay",
    ),
    path("sources/webhook-endpoints/<str:endpoint_id>/test", webhooks.PingView.as_view(), name="source-endpoint-test"),
    path(
        "sources/deliveries/<str:delivery_id>/redeliver",
        webhooks.RedeliverView.as_view(),
        name="source-delivery-redeliver",
    ),
]
