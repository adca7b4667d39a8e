"""The merchant's perks: writing them, and the states they go through."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from citizen_app.errors import DomainError, Kind, NotFound, WrongState
from citizen_app.web.pages import paged
from perks import standing, states
from perks.models import Branch, CodeList, Merchant, Perk, PerkImage
from perks.services import catalogue
from perks.services.perk_body import body_of
from perks.services.reach import reach_steps, words_of
from perks.services.showing_merchants import perk_line, perk_lines, with_what_lines_show
from perks.services.showing_perks import languages_of
from perks.web.merchant.console import ConsolePage
from perks.web.merchant.perk_editor import PerkEditor
from perks.web.merchant.refusals import in_words

ACTIONS = {
    "submit": (catalogue.submit_perk, "It is with the operators now."),
    "publish": (catalogue.publish_perk, "It is live."),
    "pause": (catalogue.pause_perk, "Paused. Nobody can take it; what is reserved is honoured."),
    "resume": (catalogue.resume_perk, "It is live again."),
    "end": (catalogue.end_perk, "Ended. What is reserved is honoured."),
}


class PerkConsolePage(ConsolePage):
    """What the pages of perks share."""

    action = "perks"
    back = "merchant:perk_list"

    def own(self) -> Any:
        return with_what_lines_show(Perk.objects.of(self.merchant))

    def code_lists(self, perk: Perk | None = None) -> list[CodeList]:
        """The lists a perk can give out codes of, and the one it names though that was withdrawn."""
        open_ones = Q(pk__in=CodeList.objects.of(self.merchant).exclude(state__in=CodeList.CLOSED))
        named = Q(pk=perk.code_list_id) if perk is not None and perk.code_list_id else Q()
        return list(CodeList.objects.of(self.merchant).filter(open_ones | named).order_by("-pk")[:100])

    def reach(self, editor: PerkEditor) -> dict[str, Any]:
        """About how many members reach each threshold of the form, and where that changes along the scale."""
        for row in editor.tiers:
            row.reach = words_of(self.merchant, row["min_score"].value())
        return {"reach_steps": reach_steps(self.merchant)}


class PerkList(PerkConsolePage):
    """The merchant's perks, newest first."""

    template_name = "merchant/perk_list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        state = request.GET.get("state", "")
        perks = self.own().filter(state=state) if state in Perk.State.values else self.own()
        told = paged(request, perks, shape=perk_lines)
        return self.show(perks=told["results"], page=told, state=state, states=Perk.State.values)


class PerkPage(PerkConsolePage):
    """One perk as its team sees it, and what can be done with it now."""

    template_name = "merchant/perk.html"

    def get(self, request: HttpRequest, perk_id: str) -> HttpResponse:
        return self.shown(self.own().named(perk_id))

    def shown(self, perk: Perk, problem: dict[str, str] | None = None, image_form: Any = None) -> HttpResponse:
        line = perk_line(perk)
        line |= {
            "merchant": {"name": self.merchant.name},
            "refusal_reason": line["refusal"],
            "languages": languages_of(perk.version_read),
            "branches": [{"id": branch.public_id, "name": branch.name} for branch in perk.branches.all()],
        }
        actions = [action for action in states.PERK.actions(perk.state) if action in ACTIONS]
        return self.show(
            perk=line,
            actions=actions,
            may_edit=perk.state not in (Perk.State.REVIEW, Perk.State.ENDED),
            blocked=self._blocked(perk),
            problem=problem,
            image_form=image_form or _image_form(),
            most_images=PerkImage.MOST,
            may_change_images=perk.state not in (Perk.State.REVIEW, Perk.State.ENDED),
        )

    def _blocked(self, perk: Perk) -> str | None:
        """What stands in the way of the next step, before anybody presses its button."""
        if perk.state == Perk.State.DRAFT:
            if perk.pending is not None and not perk.pending.fair_terms.strip():
                return "Before it goes to review, write its fair terms: what people without a score get."
            needs_branch = perk.kind == Perk.Kind.PRIORITY and not self.open_branches()
            return "Priority is given at a branch. Add one first." if needs_branch else None
        waits = perk.state in (Perk.State.APPROVED, Perk.State.PAUSED)
        if waits and self.merchant.state == Merchant.State.PENDING:
            return "It can go live once an operator has approved you."
        if waits and self.merchant.state == Merchant.State.SUSPENDED:
            return "You are suspended: nothing can go live until an operator reinstates you."
        if waits and self.merchant.standing_state == standing.SUSPENDED:
            return "A grave penalty is not remedied: nothing can go live until the authority records the remedy."
        return None


class PerkAct(PerkPage):
    """Move a perk to its next state."""

    http_method_names = ["post"]

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if kwargs["act"] == "publish":
            self.action = "publish"

    def post(self, request: HttpRequest, perk_id: str, act: str) -> HttpResponse:
        if act not in ACTIONS:
            raise NotFound
        service, done = ACTIONS[act]
        perk = Perk.objects.of(self.merchant).named(perk_id)
        try:
            service(perk=perk, by=self.citizen)
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise
            return self.shown(self.own().named(perk_id), in_words(refusal, zone=self.citizen.zone))
        messages.success(request, done)
        return redirect("merchant:perk", perk_id)


class PerkNew(PerkConsolePage):
    """Write a draft."""

    template_name = "merchant/perk_form.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        branches = self.open_branches()
        return self._shown(
            PerkEditor.empty(branches=branches, zone=self.zone_of(branches), code_lists=self.code_lists())
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        editor = PerkEditor(branches=self.open_branches(), data=request.POST, code_lists=self.code_lists())
        if not editor.is_valid():
            return self._shown(editor)
        try:
            perk = catalogue.draft_perk(merchant=self.merchant, by=self.citizen, body=editor.body())
        except DomainError as refusal:
            editor.place(refusal, zone=self.citizen.zone)
            return self._shown(editor)
        messages.success(request, "Saved. Send it to review when it is ready.")
        return redirect("merchant:perk", perk.public_id)

    def _shown(self, editor: PerkEditor) -> HttpResponse:
        return self.show(perk=None, **editor.shown(), **self.reach(editor))


class PerkEdit(PerkConsolePage):
    """Change a perk: a draft as a whole; later, what binds the guest waits for an operator."""

    template_name = "merchant/perk_form.html"

    def get(self, request: HttpRequest, perk_id: str) -> HttpResponse:
        perk = self._editable(perk_id)
        version = perk.pending or perk.in_force
        if version is None:
            raise NotFound
        body = body_of(perk, version)
        return self._shown(perk, self._editor(perk, body=body, revision=perk.revision))

    def post(self, request: HttpRequest, perk_id: str) -> HttpResponse:
        perk = self._editable(perk_id)
        editor = self._editor(perk, data=request.POST)
        if not editor.is_valid():
            return self._shown(perk, editor)
        try:
            changed = self._change(perk, editor)
        except DomainError as refusal:
            editor.place(refusal, zone=self.citizen.zone)
            return self._shown(perk, editor)
        waits = changed.pending_id is not None and changed.in_force_id is not None
        messages.success(request, "Saved. What binds people waits for an operator." if waits else "Saved.")
        return redirect("merchant:perk", perk_id)

    def _change(self, perk: Perk, editor: PerkEditor) -> Perk:
        with transaction.atomic():
            # Held before it is compared: two people who opened the same page cannot both save it.
            held = Perk.objects.of(self.merchant).select_for_update(of=("self",)).get(pk=perk.pk)
            if editor.revision != held.revision:
                raise WrongState
            return catalogue.edit_perk(perk=held, by=self.citizen, body=editor.body())

    def _editable(self, perk_id: str) -> Perk:
        perk: Perk = self.own().named(perk_id)
        return perk

    def _branches(self, perk: Perk) -> list[Branch]:
        """The open branches, and those the perk names that have closed since."""
        is_open = self.open_branches()
        return is_open + [branch for branch in perk.branches.all() if branch not in is_open]

    def _editor(self, perk: Perk, **content: Any) -> PerkEditor:
        return PerkEditor(branches=self._branches(perk), code_lists=self.code_lists(perk), **content)

    def _shown(self, perk: Perk, editor: PerkEditor) -> HttpResponse:
        version = perk.in_force or perk.pending
        shown = {"id": perk.public_id, "title": version.title if version else "", "state": perk.state}
        return self.show(perk=shown, **editor.shown(), **self.reach(editor))


def _image_form() -> Any:
    from perks.web.merchant.images import ImageForm  # its pages are built on this one

    return ImageForm()
