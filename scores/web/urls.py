"""The addresses of the citizen's score pages."""

from django.urls import include, path

from scores.web import enrolment, operator, records, score, seeds, vouches

pages = [
    path("score", score.Home.as_view(), name="home"),
    path("score/sum", score.ScorePage.as_view(), name="score"),
    path("score/history", score.History.as_view(), name="history"),
    path("score/what-if", score.WhatIf.as_view(), name="what_if"),
    path("records", records.Entries.as_view(), name="entries"),
    path("records/<str:entry_id>", records.EntryPage.as_view(), name="entry"),
    path("sources", records.Sources.as_view(), name="sources"),
    path("sources/<str:code>/switch", records.SwitchSource.as_view(), name="source_switch"),
    path("sources/<str:code>/link", records.LinkSource.as_view(), name="source_link"),
    path("vouches", vouches.Vouches.as_view(), name="vouches"),
    path("vouches/<str:vouch_id>/end", vouches.EndVouch.as_view(), name="vouch_end"),
    path("vouch-requests/<str:token>", vouches.GiveVouch.as_view(), name="vouch_request"),
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
    path("operator/seeds", seeds.Seeds.as_view(), name="seeds"),
    path("operator/seeds/<str:seed_id>/confirm", seeds.ConfirmSeed.as_view(), name="seed_confirm"),
    path("operator/seeds/<str:seed_id>/remove", seeds.RemoveSeed.as_view(), name="seed_remove"),
    path("", include((pages, "scores"))),
]
