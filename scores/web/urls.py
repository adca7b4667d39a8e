"""The addresses of the citizen's score pages."""

from django.urls import include, path

from scores.web import change_log, enrolment, operator, records, score, scorecards

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
    path("who-asked", records.Inquiries.as_view(), name="inquiries"),
    path("enrol", enrolment.Enrol.as_view(), name="enrol"),
    path("pause", enrolment.Pause.as_view(), name="pause"),
    path("resume", enrolment.Resume.as_view(), name="resume"),
    path("leave", enrolment.Leave.as_view(), name="leave"),
]

scorecard_pages = [
    path("scorecards", change_log.ChangeLog.as_view(), name="log"),
    path("scorecards/<str:version>", change_log.Version.as_view(), name="version"),
    path("scorecards/<str:version>/document.yaml", change_log.Document.as_view(), {"form": "yaml"}, name="yaml_of"),
    path("scorecards/<str:version>/document.json", change_log.Document.as_view(), {"form": "json"}, name="json_of"),
    path("operator/scorecards", scorecards.Drafts.as_view(), name="drafts"),
    path("operator/scorecards/rescoring", scorecards.RescoringState.as_view(), name="rescoring"),
    path("operator/scorecards/<str:draft_id>", scorecards.DraftOverview.as_view(), name="draft"),
    path("operator/scorecards/<str:draft_id>/edit", scorecards.Edit.as_view(), name="edit"),
    path("operator/scorecards/<str:draft_id>/check", scorecards.Check.as_view(), name="check"),
    path("operator/scorecards/<str:draft_id>/yaml", scorecards.Yaml.as_view(), name="yaml"),
    path("operator/scorecards/<str:draft_id>/run", scorecards.RunPage.as_view(), name="run"),
    path("operator/scorecards/<str:draft_id>/run/state", scorecards.RunState.as_view(), name="run_state"),
    path("operator/scorecards/<str:draft_id>/run/cancel", scorecards.CancelRun.as_view(), name="run_cancel"),
    path("operator/scorecards/<str:draft_id>/submit", scorecards.Submit.as_view(), name="submit"),
    path("operator/scorecards/<str:draft_id>/publish", scorecards.Publish.as_view(), name="publish"),
    path("operator/scorecards/<str:draft_id>/refuse", scorecards.RefuseDraft.as_view(), name="refuse"),
    path("operator/scorecards/<str:draft_id>/withdraw", scorecards.Withdraw.as_view(), name="withdraw"),
]

urlpatterns = [
    path("", enrolment.Welcome.as_view(), name="welcome"),
    path("me", enrolment.Account.as_view(), name="me"),
    path("operator/document-check", operator.DocumentCheck.as_view(), name="document_check"),
    path("", include((pages, "scores"))),
    path("", include((scorecard_pages, "scorecards"))),
]
