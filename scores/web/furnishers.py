"""The public pages of who furnishes records: what they may tell of, and what became of what they sent."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.generic import View

from citizen_app.errors import NotFound
from scores import catalogue
from scores.models import Furnisher
from scores.services.furnisher_record import public_records
from scores.web.words import figure_word, furnisher_word


class Furnishers(View):
    """Everybody who furnishes records here, by name."""

    def get(self, request: HttpRequest) -> HttpResponse:
        everybody = list(Furnisher.objects.order_by("name", "id"))
        return render(request, "citizen/furnishers.html", {"furnishers": [*map(_told, public_records(everybody))]})


class FurnisherPage(View):
    """One furnisher's record."""

    def get(self, request: HttpRequest, furnisher_id: str) -> HttpResponse:
        try:
            furnisher = Furnisher.objects.named(furnisher_id)
        except NotFound as unknown:
            raise Http404 from unknown
        return render(request, "citizen/furnisher.html", {"furnisher": _told(public_records([furnisher])[0])})


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """The record in words."""
    record = row["record"]
    return {
        "id": row["id"],
        "name": row["name"],
        "what": ", ".join(furnisher_word(one) for one in row["furnishes_as"]).capitalize(),
        "is_demo": any(source["is_demo"] for source in row["sources"]),
        "sources": [
            {"name": source["name"], "kinds": [catalogue.kind(code).title for code in source["kinds"]]}
            for source in row["sources"]
        ],
        "since": record["since"],
        "figures": [
            ("Records taken", figure_word(record["accepted"])),
            ("Records that contradicted an earlier one, and were not taken", figure_word(record["contradicted"])),
            ("Disputes received", figure_word(record["disputes"]["received"])),
            ("Disputes lost", figure_word(record["disputes"]["lost"])),
            ("Disputes left unanswered", figure_word(record["disputes"]["unanswered"])),
        ],
    }
