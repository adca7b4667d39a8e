"""The public pages of enterprises: a merchant with its standing, and the register of what authorities recorded."""

from typing import Any

from django import forms
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.generic import View

from citizen_app.api.pagination import InvalidCursor
from citizen_app.errors import NotFound
from citizen_app.web.fields import PlainText
from citizen_app.web.pages import paged
from perks import standing
from perks.models import Enterprise, Merchant, Register
from perks.services.showing_merchants import merchant_page
from perks.services.showing_standing import enterprise_pages

ON_A_PAGE = 50


class SearchForm(forms.Form):
    """What somebody looks for in the register."""

    q = PlainText(required=False, max_length=80, label="Name")
    standing = forms.ChoiceField(
        required=False,
        choices=[("", "All"), (standing.SUSPENDED, "Suspended"), (standing.RED_LIST, "Red list (the best)")],
    )


class MerchantPage(View):
    """One merchant, as everybody may know it."""

    def get(self, request: HttpRequest, merchant_id: str) -> HttpResponse:
        merchant = _found(Merchant.objects.filter(approved_at__isnull=False), merchant_id)
        return render(request, "citizen/merchant.html", {"merchant": merchant_page(merchant)})


class RegisterPage(View):
    """The register: every enterprise an authority has told of, by name."""

    def get(self, request: HttpRequest) -> HttpResponse:
        form = SearchForm(request.GET)
        form.is_valid()
        said = form.cleaned_data
        found = Enterprise.objects.select_related("register")
        for word in said.get("q", "").split()[:8]:
            found = found.filter(Q(name__icontains=word) | Q(address__icontains=word))
        if said.get("standing") == standing.SUSPENDED:
            found = found.filter(state=standing.SUSPENDED)
        elif said.get("standing") == standing.RED_LIST:
            found = found.filter(has_badge=True)
        try:
            told = paged(request, found, order=("name", "id"), shape=_lines, limit=ON_A_PAGE)
        except InvalidCursor:
            return redirect(request.path)
        context = {
            "enterprises": told["results"],
            "page": told,
            "form": form,
            "chosen": said.get("standing", ""),
            "registers": list(Register.objects.filter(as_of__isnull=False).order_by("authority")),
        }
        return render(request, "citizen/register.html", context)


class EnterprisePage(View):
    """One registered enterprise with its records."""

    def get(self, request: HttpRequest, enterprise_id: str) -> HttpResponse:
        one = _found(Enterprise.objects.select_related("register"), enterprise_id)
        return render(request, "citizen/enterprise.html", {"enterprise": enterprise_pages([one])[0]})


def _found(rows: Any, public_id: str) -> Any:
    try:
        return rows.named(public_id)
    except NotFound as unknown:
        raise Http404 from unknown


def _lines(rows: list[Enterprise]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.public_id,
            "name": one.name,
            "address": ", ".join(part for part in (one.address, one.city) if part),
            "standing": {**standing.NOTHING_KNOWN, **one.summary},
        }
        for one in rows
    ]
