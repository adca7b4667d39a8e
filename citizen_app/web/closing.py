"""The page where somebody closes their account."""

from collections.abc import Mapping
from dataclasses import asdict

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from citizen_app.accounts.closing import AccountInUse, close_account, reasons_to_wait
from citizen_app.web.exports import RecentPage


def rows_in_words(erased: Mapping[str, int]) -> dict[str, int]:
    """What was erased, for a page: tables that had nothing of the person's are left out."""
    return {table.replace("_", " ").capitalize(): rows for table, rows in erased.items() if rows}


class CloseAccount(RecentPage):
    """Say what closing means and what stands in its way; close, and hand over the receipt."""

    template_name = "citizen/close.html"
    back = "close"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        self.require_recent()
        if request.POST.get("sure") != "true":
            return self._shown({"title": "Nothing was erased.", "detail": "Tick the box if you are sure."})
        try:
            receipt = asdict(close_account(citizen=self.citizen, via="web"))
        except AccountInUse as refusal:
            return self._shown({"title": refusal.title, "detail": "Nothing was erased."})
        receipt["erased"] = rows_in_words(receipt["erased"])
        logout(request)
        answer = render(request, "citizen/closed.html", {"receipt": receipt})
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _shown(self, problem: dict[str, str] | None = None) -> HttpResponse:
        reasons = reasons_to_wait(citizen=self.citizen)
        return self.show(problem=problem, reasons=reasons, press_again=self.is_to_press_again and not problem)
