"""The operators' pages of scorecards: write a draft, see what it changes, try it out, and publish it by two."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from citizen_app.errors import DomainError
from citizen_app.models import OperatorRole
from citizen_app.web.back_office import BackOfficePage
from citizen_app.web.fields import PlainText
from citizen_app.web.pages import said
from scores.models import Scorecard, ScorecardDraft, ShadowRun
from scores.scorecard import InvalidScorecard, Problem, load_scorecard
from scores.scorecard_diff import differences
from scores.scorecard_form import document_from_fields, with_item, without_item
from scores.scorecard_writing import scorecard_yaml
from scores.services.drafts import (
    EDITABLE,
    LONGEST_NOTE,
    judge_document,
    refuse_draft,
    save_draft,
    start_draft,
    withdraw_draft,
)
from scores.services.publication import publish_draft, rescoring_progress, submit_draft
from scores.services.publishing import card_of
from scores.services.shadow_runs import cancel_shadow_run, latest_run, start_shadow_run
from scores.web import shadow_words
from scores.web.scorecard_fields import form_of, said_beside

MOST_SHOWN = 50
State = ScorecardDraft.State


class ScorecardPage(BackOfficePage):
    """A page about scorecards."""

    roles = frozenset({OperatorRole.Role.SCORING})
    back = "scorecards:drafts"


class Drafts(ScorecardPage):
    """What is in force and how far everybody's score has followed it, what is being written, what was published."""

    template_name = "operator/scorecards/list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        drafts = ScorecardDraft.objects.exclude(state=State.PUBLISHED).select_related("author")
        published = Scorecard.objects.filter(published_at__isnull=False).defer("document")
        return self.show(
            drafts=drafts.order_by("-changed_at")[:MOST_SHOWN],
            published=published.order_by("-pk")[:MOST_SHOWN],
            progress=rescoring_progress(),
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        draft = start_draft(by=self.citizen)
        return redirect("scorecards:edit", draft.public_id)


class RescoringState(ScorecardPage):
    """How far the rescoring is, for the script that shows it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        progress = rescoring_progress()
        return JsonResponse(
            {
                "done": progress.done,
                "total": progress.total,
                "is_over": progress.is_over,
                "text": progress_text(progress.done, progress.total, progress.ends_at),
            }
        )


def progress_text(done: int, total: int, ends_at: Any = None) -> str:
    """`1,200 of 24,000, about 3 minutes to go`."""
    text = f"{done:,} of {total:,}"
    if ends_at is None or done >= total:
        return text
    minutes = max(1, round((ends_at - timezone.now()).total_seconds() / 60))
    return f"{text}, about {minutes} minute{'' if minutes == 1 else 's'} to go"


class DraftPage(ScorecardPage):
    """A page about one draft."""

    def back_to(self, request: HttpRequest) -> str:
        return reverse("scorecards:draft", kwargs={"draft_id": self.kwargs["draft_id"]})

    @property
    def draft(self) -> ScorecardDraft:
        drafts = ScorecardDraft.objects.select_related("author", "submitted_by", "decided_by", "based_on")
        return cast(ScorecardDraft, drafts.named(self.kwargs["draft_id"]))

    def shown(self, draft: ScorecardDraft, **context: Any) -> HttpResponse:
        return self.show(draft=draft, is_editable=draft.state in EDITABLE, **context)


class DraftOverview(DraftPage):
    """What the draft changes for people, what still stands before publishing it, and who decides."""

    template_name = "operator/scorecards/draft.html"
    back = "scorecards:drafts"

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft = self.draft
        judged = judge_document(draft.document)
        current = Scorecard.objects.get(is_current=True)
        card = judged.card if draft.published is None else card_of(draft.published)
        before = current if draft.published is None else draft.based_on
        return self.shown(
            draft,
            parts=None if card is None else differences(card_of(before), card),
            before=before,
            judged=judged,
            **standing_of(draft, fault_count=len(judged.faults), by=self.citizen.pk),
        )

    def back_to(self, request: HttpRequest) -> str:
        return reverse("scorecards:drafts")


def standing_of(draft: ScorecardDraft, *, fault_count: int, by: int) -> dict[str, Any]:
    """What stands before publishing, for the list of gates and the buttons beside them."""
    run = latest_run(draft)
    done = run if run is not None and run.state == ShadowRun.State.DONE and run.against.is_current else None
    result = cast(dict[str, Any], done.result) if done else None
    is_open = not fault_count and result is not None and result["fairness"]["passed"]
    return {
        "run": run,
        "result": result,
        "fault_count": fault_count,
        "is_blocked": result is not None and not result["fairness"]["passed"],
        "fairness_text": shadow_words.fairness_text(result["fairness"]) if result else "",
        "may_submit": draft.state in EDITABLE and is_open and bool(draft.note),
        "may_publish": draft.state == State.SUBMITTED
        and is_open
        and draft.submitted_by_id != by
        and not draft.writers.filter(pk=by).exists(),
        "is_open": is_open,
    }


class Edit(DraftPage):
    """The form over the document. It may be kept with faults; each stands beside its field."""

    template_name = "operator/scorecards/edit.html"

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft = self.draft
        if draft.state not in EDITABLE:
            return redirect("scorecards:draft", draft.public_id)
        return self.form(draft, draft.document, draft.note, draft.revision)

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft = self.draft
        document = document_from_fields(request.POST, request.POST.getlist)
        note, act = request.POST.get("note", "")[:LONGEST_NOTE], request.POST.get("do", "save")
        revision = _whole(request.POST.get("revision"))
        if act == "save" and "version" in request.POST:
            try:
                kept = save_draft(draft=draft, document=document, note=note, revision=revision, by=self.citizen)
            except DomainError as refusal:
                return self.form(draft, document, note, revision, problem={"title": said(refusal), "detail": ""})
            count = len(judge_document(kept.document).faults)
            messages.success(request, f"Saved. {count} to correct." if count else "Saved.")
            return redirect("scorecards:edit" if count else "scorecards:draft", kept.public_id)
        if act.startswith("add:"):
            document = with_item(document, act.removeprefix("add:"))
        elif act.startswith("remove:"):
            document = without_item(document, act.removeprefix("remove:"))
        return self.form(draft, document, note, revision, is_unsaved=True)

    def form(
        self, draft: ScorecardDraft, document: dict[str, Any], note: str, revision: int, **context: Any
    ) -> HttpResponse:
        judged = judge_document(document)
        return self.shown(draft, note=note, revision=revision, **form_of(document, judged), **context)


class Check(DraftPage):
    """The faults of what is being typed, for the script; nothing is kept."""

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        self.draft  # noqa: B018  (only who may see a draft may check one)
        document = document_from_fields(request.POST, request.POST.getlist)
        told = said_beside(document, judge_document(document))
        return JsonResponse({"faults": told.faults, "warnings": told.warnings, "count": told.fault_count})


class Yaml(DraftPage):
    """The same document as YAML, for those who keep theirs in a file. It is kept only when it has no fault."""

    template_name = "operator/scorecards/yaml.html"

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft = self.draft
        return self.shown(draft, text=scorecard_yaml(draft.document), revision=draft.revision)

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, text = self.draft, request.POST.get("text", "").replace("\x00", "").replace("\r\n", "\n")
        revision = _whole(request.POST.get("revision"))
        try:
            document = load_scorecard(text).document
        except InvalidScorecard as refusal:
            return self.faulty(draft, text, revision, refusal.errors)
        judged = judge_document(document)
        if judged.faults or request.POST.get("do") == "check":
            return self.faulty(draft, text, revision, judged.faults, warnings=judged.warnings, is_checked=True)
        try:
            kept = save_draft(draft=draft, document=document, note=draft.note, revision=revision, by=self.citizen)
        except DomainError as refusal:
            problem = {"title": said(refusal), "detail": ""}
            return self.shown(draft, text=text, revision=revision, problem=problem)
        messages.success(request, "Saved.")
        return redirect("scorecards:draft", kept.public_id)

    def faulty(
        self, draft: ScorecardDraft, text: str, revision: int, faults: list[Problem] | tuple[Problem, ...], **more: Any
    ) -> HttpResponse:
        return self.shown(draft, text=text, revision=revision, faults=faults, **more)


def _whole(text: str | None) -> int:
    """The revision a form was made from; 0, which no draft has, for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


class Submit(DraftPage):
    """Ask another operator to publish it."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        submit_draft(draft=self.draft, revision=_whole(request.POST.get("revision")), by=self.citizen)
        messages.success(request, "It waits for another operator, who publishes it or sends it back.")
        return redirect(self.back_to(request))


class Publish(DraftPage):
    """Put it in force, as the second operator."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        row = publish_draft(draft=self.draft, by=self.citizen)
        messages.success(request, f"{row.version} is in force. Everybody’s score follows, and they read why.")
        return redirect("scorecards:drafts")


class ReasonForm(forms.Form):
    """Why it goes back, to those who wrote it."""

    reason = PlainText(max_length=500, multiline=True)


class RefuseDraft(DraftPage):
    """Send it back, with a reason."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, form = self.draft, ReasonForm(request.POST)
        if not form.is_valid():
            messages.error(request, "Nothing was decided. Say why: those who wrote it read it.")
            return redirect(self.back_to(request))
        refuse_draft(draft=draft, by=self.citizen, reason=form.cleaned_data["reason"])
        messages.success(request, "It went back, with your reason.")
        return redirect(self.back_to(request))


class Withdraw(DraftPage):
    """Give it up."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        withdraw_draft(draft=self.draft, by=self.citizen)
        messages.success(request, "The draft is withdrawn.")
        return redirect("scorecards:drafts")


class RunPage(DraftPage):
    """The shadow run: what the draft would change for everybody, in totals."""

    template_name = "operator/scorecards/run.html"

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft = self.draft
        judged = judge_document(draft.document)
        faults = () if draft.published_id else judged.faults
        standing = standing_of(draft, fault_count=len(faults), by=self.citizen.pk)
        run = standing["run"]
        context: dict[str, Any] = {}
        if run is not None and run.result is not None:
            context = {
                "result": run.result,
                "moved": shadow_words.moved(run.result),
                "figures": shadow_words.figures(run.result),
                "bars": shadow_words.bars(run.result["moves"]),
                "rows": shadow_words.rows(run.result),
                "perks": (perks := [one for one in run.result["perks"] if one["opens"] or one["closes"]]),
                "perks_quiet": len(run.result["perks"]) - len(perks),
                "bands_up": shadow_words.people_in(run.result["bands"], ["up"]),
                "bands_down": shadow_words.people_in(run.result["bands"], ["down"]),
            }
        if run is not None and run.result is None:
            context["progress_text"] = progress_text(run.done_count, run.total_count)
        return self.shown(draft, **standing | context)

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        start_shadow_run(draft=self.draft, by=self.citizen)
        return redirect("scorecards:run", draft_id)


class RunState(DraftPage):
    """How far the run is, for the script that shows it."""

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        run = latest_run(self.draft)
        if run is None:
            return JsonResponse({"is_over": True, "done": 0, "total": 0, "text": ""})
        return JsonResponse(
            {
                "done": run.done_count,
                "total": run.total_count,
                "is_over": run.state != ShadowRun.State.RUNNING,
                "text": progress_text(run.done_count, run.total_count),
            }
        )


class CancelRun(DraftPage):
    """Stop the run; what it had added up is forgotten."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        run = latest_run(self.draft)
        if run is not None:
            cancel_shadow_run(run=run, by=self.citizen)
        return redirect("scorecards:run", draft_id)
