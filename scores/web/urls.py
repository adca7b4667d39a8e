"""The addresses of the citizen's score pages."""

from django.urls import include, path

from scores.web import documents, enrolment, furnishers, operator, operator_sources, records, score, sources

pages = [
    path("score", score.Home.as_view(), name="home"),
    path("score/sum", score.ScorePage.as_view(), name="score"),
    path("score/history", score.History.as_view(), name="history"),
    path("score/what-if", score.WhatIf.as_view(), name="what_if"),
    path("records", records.Entries.as_view(), name="entries"),
    path("records/<str:entry_id>", records.EntryPage.as_view(), name="entry"),
    path("sources", sources.Sources.as_view(), name="sources"),
    path("sources/<str:code>/switch", sources.SwitchSource.as_view(), name="source_switch"),
    path("sources/<str:code>/link", sources.LinkSource.as_view(), name="source_link"),
    path("furnishers", furnishers.Furnishers.as_view(), name="furnishers"),
    path("furnishers/<str:furnisher_id>", furnishers.FurnisherPage.as_view(), name="furnisher"),
    path("document-check", documents.MyDocument.as_view(), name="document"),
    path("who-asked", records.Inquiries.as_view(), name="inquiries"),
    path("enrol", enrolment.Enrol.as_view(), name="enrol"),
    path("pause", enrolment.Pause.as_view(), name="pause"),
    path("resume", enrolment.Resume.as_view(), name="resume"),
    path("leave", enrolment.Leave.as_view(), name="leave"),
]

urlpatterns = [
    path("", enrolment.Welcome.as_view(), name="welcome"),
    path("me", enrolment.Account.as_view(), name="me"),
    path("operator/document-check", operator.DocumentCheck.as_view(), name="document_check"),
    path("operator/sources", operator_sources.Sources.as_view(), name="operator_sources"),
    path("webhooks/document-check", documents.DocumentAnswer.as_view(), name="document_answer"),
    path("", include((pages, "scores"))),
]
