"""The desk: one field that takes a typed code or a whole pass, and what came of it."""

import secrets
from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from citizen_app.errors import DomainError, InvalidInput, Kind
from perks.api.merchant.bodies import ScanBody
from perks.models import Branch, Perk
from perks.money import minor_units
from perks.passes import PREFIX
from perks.services.gift_cards import has_cards
from perks.services.redemptions import reverse_redemption
from perks.services.scans import Shown, scan_code
from perks.services.showing_desk import last_scans, scan_result
from perks.web.merchant.console import TILL, ConsolePage
from perks.web.merchant.forms import amount_field, judged, place_error, place_errors
from perks.web.merchant.refusals import in_words

LONGEST_PASS = 512


class ScanForm(forms.Form):
    """What a guest shows; the nonce makes sending the page twice the same scan."""

    code = forms.CharField(
        max_length=LONGEST_PASS,
        label="Code or pass",
        widget=forms.TextInput(
            attrs={
                "class": "code",
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "enterkeyhint": "go",
                "translate": "no",
            }
        ),
        error_messages={"required": "Type the code, or scan the pass."},
    )
    branch = forms.ChoiceField(label="Branch", error_messages={"required": "Say at which branch this is."})
    amount = amount_field(f"Amount, {settings.CURRENCY}", "Only for a gift card: what to take off it.")
    nonce = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, branches: Sequence[Branch], has_cards: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_cards:
            del self.fields["amount"]
        if len(branches) > 1:
            choices = [("", "Choose"), *((branch.public_id, branch.name) for branch in branches)]
            self.fields["branch"].choices = choices  # type: ignore[attr-defined]
        else:
            del self.fields["branch"]

    def body(self) -> dict[str, Any]:
        """The scan as the API takes it: a pass is known by how it begins, and a scanner's Caps Lock is forgiven."""
        said, shown = self.cleaned_data, self.cleaned_data["code"]
        is_pass = shown.upper().startswith(PREFIX)
        body: dict[str, Any] = {"pass": shown.upper()} if is_pass else {"code": shown[:64]}
        if (amount := said.get("amount")) is not None:
            body["amount"] = minor_units(amount, settings.CURRENCY)
        return body | {name: said[name] for name in ("nonce", "branch") if said.get(name)}


class ScanPage(ConsolePage):
    """Check a code, and see what to give."""

    template_name = "merchant/scan.html"
    action = "scan"
    back = "merchant:scan"

    def get(self, request: HttpRequest) -> HttpResponse:
        branches = self.open_branches()
        return self._shown(branches, self._fresh(branches))

    def post(self, request: HttpRequest) -> HttpResponse:
        branches = self.open_branches()
        form = ScanForm(request.POST, branches=branches, has_cards=has_cards(self.merchant))
        if not form.is_valid():
            return self._shown(branches, self._again(form))
        now = timezone.now()
        branch = self._branch(form.cleaned_data.get("branch"), branches)
        try:
            said = judged(ScanBody, form.body())
            scan, _ = scan_code(
                merchant=self.merchant,
                by=self.citizen,
                shown=Shown(
                    code=said.get("code"),
                    whole_pass=said.get("pass"),
                    amount=said["amount"]["amount"] if "amount" in said else None,
                ),
                nonce=said["nonce"],
                branch=branch,
                now=now,
            )
        except InvalidInput as refusal:
            place_errors(form, refusal, {"pass": "code"})
            return self._shown(branches, self._again(form))
        except DomainError as refusal:
            if refusal.kind not in (Kind.TOO_MANY, Kind.CONFLICT):
                raise
            problem = in_words(refusal, zone=self.citizen.zone)
            return self._shown(branches, self._fresh(branches), problem=problem, status=refusal.kind.value)
        if branch is not None:
            self.request.session[TILL] = branch.public_id
        return self._shown(branches, self._fresh(branches), scan=scan_result(scan, now=now))

    def _fresh(self, branches: list[Branch]) -> ScanForm:
        initial = {"nonce": secrets.token_urlsafe(24), "branch": self.request.session.get(TILL)}
        return ScanForm(initial=initial, branches=branches, has_cards=has_cards(self.merchant))

    def _again(self, form: ScanForm) -> ScanForm:
        """The same form with its mistakes; one whose nonce was tampered with gets a new one."""
        if form.errors.get("nonce"):
            form.data = {**form.data.dict(), "nonce": secrets.token_urlsafe(24)}  # type: ignore[attr-defined]
            place_error(form, "", "Scan again.")
        return form

    def _branch(self, wanted: str | None, branches: list[Branch]) -> Branch | None:
        return next((branch for branch in branches if branch.public_id == wanted), None)

    def _shown(self, branches: list[Branch], form: ScanForm, status: int = 200, **context: Any) -> HttpResponse:
        at = self.request.POST.get("branch") or self.request.session.get(TILL)
        branch = self._branch(at, branches) or (branches[0] if len(branches) == 1 else None)
        return self.show(
            status=status,
            form=form,
            branch=branch,
            zone=branch.zone if branch else self.zone_of(branches),
            now=timezone.now(),
            scans=last_scans(self.merchant, till=self.citizen),
            **context,
        )


class ScanUndo(ConsolePage):
    """Take the scan back within its ten minutes, as if it had not been."""

    http_method_names = ["post"]
    action = "take back"
    back = "merchant:scan"

    def post(self, request: HttpRequest, redemption_id: str) -> HttpResponse:
        redemption = self.acting.redemptions().named(redemption_id)
        try:
            reverse_redemption(
                redemption=redemption,
                by=self.citizen,
                only_own_undo=self.acting.only_undoes_own,
                scan_id=request.POST.get("scan", ""),
            )
        except InvalidInput:
            messages.error(request, "The ten minutes are over. Give a reason to reverse it.")
            return redirect("merchant:redemption", redemption_id)
        is_card = redemption.perk.kind == Perk.Kind.GIFT_CARD
        again = "The money is back on the card." if is_card else "It is reserved again, as if it had not been scanned."
        messages.success(request, f"Undone. {again}")
        return redirect("merchant:scan")
