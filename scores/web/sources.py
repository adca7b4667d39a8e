"""The pages of where records come from: what counts, and every switch with what it would change told first."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from citizen_app.web.pages import Page
from scores import catalogue
from scores.errors import PlatformStaysLinked
from scores.models import Enrolment, Entry, Link, Source
from scores.services import consents
from scores.services.linking import (
    Preview,
    make_link_code,
    preview_switch,
    preview_switches,
    source_named,
    switch_source,
    unlink_source,
)
from scores.services.statements import source_row
from scores.web.words import PURPOSES, named


class Sources(Page):
    """What counts, with a switch for each."""

    template_name = "citizen/sources.html"
    back = "scores:sources"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.shown()

    def shown(self, link: dict[str, Any] | None = None) -> HttpResponse:
        Enrolment.objects.of(self.citizen.pk)
        linked = {link.source_id: link for link in Link.objects.filter(enrolment_id=self.citizen.pk)}
        sources = list(Source.objects.select_related("furnisher").order_by("name", "id"))
        switches = {source.code: not linked[source.pk].is_on for source in sources if source.pk in linked}
        previews = preview_switches(citizen=self.citizen, switches=switches)
        rows = []
        for source in sources:
            told = source_row(source, linked.get(source.pk))
            told["what"] = ", ".join(catalogue.kind(code).title for code in source.kinds[:4])
            if preview := previews.get(source.code):
                told["preview"] = {"before": preview.before.value, "after": preview.after.value}
            rows.append(told)
        # What somebody has let in stands first.
        rows.sort(key=lambda row: row["state"] == "unlinked")
        return self.show(sources=rows, link=link)


class SwitchSource(Sources):
    """Let a linked source count, or stop it at once; first the page that says what that would change."""

    def get(self, request: HttpRequest, code: str) -> HttpResponse:  # type: ignore[override]
        link = _link_of(self.citizen.pk, code)
        if link is None:
            return redirect(self.back)
        self.template_name = "citizen/source_confirm.html"
        preview = preview_switch(citizen=self.citizen, source_code=code, on=not link.is_on)
        return self.show(source=source_row(link.source, link), act="off" if link.is_on else "on", **_told(preview))

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        on = request.POST.get("on") == "true"
        link = switch_source(citizen=self.citizen, source_code=code, on=on, via="web")
        messages.success(request, f"{link.source.name} {'counts from now on' if on else 'no longer counts'}.")
        return redirect("scores:sources")


class LinkSource(Sources):
    """Make a code to hand to a source, or end its link; first the page that says what ending it would change."""

    def get(self, request: HttpRequest, code: str) -> HttpResponse:  # type: ignore[override]
        link = _link_of(self.citizen.pk, code)
        if link is None:
            return redirect(self.back)
        if code == Source.PLATFORM:
            raise PlatformStaysLinked
        self.template_name = "citizen/source_confirm.html"
        preview = preview_switch(citizen=self.citizen, source_code=code, on=False)
        records = Entry.objects.filter(link=link).count()
        return self.show(source=source_row(link.source, link), act="end", records=records, **_told(preview))

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        if request.POST.get("end") == "true":
            unlink_source(citizen=self.citizen, source_code=code, via="web")
            messages.success(request, "The link has ended, and what it brought is erased.")
            return redirect("scores:sources")
        made = make_link_code(citizen=self.citizen, source_code=code)
        return self.shown(
            link={
                "source": {"code": made.source.code, "name": made.source.name},
                "link_code": made.code,
                "expires_at": made.expires_at,
                "redirect_url": made.source.redirect_url,
                "consent": consents.current_text(consents.SOURCE, language=self.citizen.language),
            }
        )


def _link_of(citizen_id: int, code: str) -> Link | None:
    """The citizen's link to this source; None where there is none, or nobody is enrolled (the pages then say so)."""
    Enrolment.objects.of(citizen_id)
    source = source_named(code)
    return Link.objects.select_related("source__furnisher").filter(enrolment_id=citizen_id, source=source).first()


def _told(preview: Preview) -> dict[str, Any]:
    """Before and after, of the score and of each purpose."""
    rows = [("Your score", preview.before.value, preview.after.value)]
    rows += [
        (PURPOSES.get(code, named(code)), before.value, preview.after.purposes[code].value)
        for code, before in preview.before.purposes.items()
    ]
    return {
        "rows": [
            {
                "title": title,
                "before": before,
                "after": after,
                "difference": None if before is None or after is None else after - before,
            }
            for title, before, after in rows
        ],
        "changes": any(before != after for _, before, after in rows),
    }
