"""The addresses of the citizen's score pages."""

from django.urls import include, path

from scores.web import (
    change_log,
    disputes,
    enrolment,
    operator,
    operator_disputes,
    records,
    score,
    scorecards,
    seeds,
    vouches,
)

pages = [
    path("score", score.Home.as_view(), name="home"),
    path("score/sum", score.ScorePage.as_view(), name="score"),
    path("score/history", score.History.as_view(), name="history"),
    path("score/what-if", score.WhatIf.as_view(), name="what_if"),
    path("records", records.Entries.as_view(), name="entries"),
    path("records/<str:entry_id>", records.EntryPage.as_view(), name="entry"),
    path("disputes", disputes.Disputes.as_view(), name="disputes"),
    path("disputes/new", disputes.NewDispute.as_view(), name="dispute_new"),
    path("disputes/<str:dispute_id>", disputes.DisputePage.as_view(), name="dispute"),
    path("disputes/<str:dispute_id>/withdraw", disputes.WithdrawDispute.as_view(), name="dispute_withdraw"),
    path("disputes/<str:dispute_id>/appeal", disputes.AppealDispute.as_view(), name="dispute_appeal"),
    path(
        "disputes/<str:dispute_id>/evidence/<str:evidence_id>",
        disputes.OwnEvidence.as_view(),
        name="dispute_evidence",
    ),
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
    path("operator/disputes", operator_disputes.DisputeQueue.as_view(), name="operator_disputes"),
    path("operator/disputes/<str:dispute_id>", operator_disputes.OperatorDispute.as_view(), name="operator_dispute"),
    path(
        "operator/disputes/<str:dispute_id>/decide",
        operator_disputes.DecideDispute.as_view(),
        name="operator_dispute_decide",
    ),
    path(
        "operator/disputes/<str:dispute_id>/admit",
        operator_disputes.AdmitDispute.as_view(),
        name="operator_dispute_admit",
    ),
    path(
        "operator/disputes/<str:dispute_id>/evidence/<str:evidence_id>",
        operator_disputes.DisputeEvidence.as_view(),
        name="operator_dispute_evidence",
    ),
    path("operator/batches", operator_disputes.Batches.as_view(), name="operator_batches"),
    path(
        "operator/batches/<str:proposal_id>/confirm",
        operator_disputes.ConfirmBatch.as_view(),
        name="operator_batch_confirm",
    ),
    path("operator/batches/<str:proposal_id>/drop", operator_disputes.DropBatch.as_view(), name="operator_batch_drop"),
    path("operator/seeds", seeds.Seeds.as_view(), name="seeds"),
    path("operator/seeds/<str:seed_id>/confirm", seeds.ConfirmSeed.as_view(), name="seed_confirm"),
    path("operator/seeds/<str:seed_id>/remove", seeds.RemoveSeed.as_view(), name="seed_remove"),
    path("", include((pages, "scores"))),
    path("", include((scorecard_pages, "scorecards"))),
]
