"""The operators' page of sources: who may send what, and registering one more."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from citizen_app.errors import DomainError, InvalidInput
from citizen_app.models import OperatorRole
from citizen_app.web.back_office import BackOfficePage
from citizen_app.web.pages import said
from scores import catalogue
from scores.models import Furnisher, Source
from scores.services.furnishers import create_source
from scores.web.words import furnisher_word

OUTSIDERS = [one for one in catalogue.FURNISHERS if one not in (catalogue.PLATFORM, catalogue.PEER)]
"""Who can be registered: the platform and people who vouch for each other are here already."""


class SourceForm(forms.Form):
    """A new channel: of somebody known, or of somebody new and what they are."""

    code = forms.CharField(
        max_length=40, label="Code", help_text="2 to 40 of a–z 0–9 _ -. It never changes: programs use it."
    )
    name = forms.CharField(max_length=120, label="Name", help_text="What citizens read.")
    furnisher = forms.ChoiceField(required=False, label="Furnisher")
    furnisher_name = forms.CharField(
        required=False, max_length=120, label="Name of the new furnisher", help_text="Left empty, the source’s own."
    )
    furnishes_as = forms.MultipleChoiceField(
        required=False,
        label="What the new furnisher is",
        choices=[(one, furnisher_word(one).capitalize()) for one in OUTSIDERS],
        widget=forms.CheckboxSelectMultiple,
    )
    kinds = forms.MultipleChoiceField(
        label="Kinds of record it may send",
        choices=[
            (kind.code, f"{kind.title} ({', '.join(sorted(kind.furnished_by & set(OUTSIDERS)))})")
            for kind in catalogue.KINDS
            if kind.furnished_by & set(OUTSIDERS)
        ],
        widget=forms.CheckboxSelectMultiple,
    )
    redirect_url = forms.URLField(
        required=False,
        label="Its page for link codes",
        help_text="Where a citizen goes with a code. Begins with https://",
        assume_scheme="https",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = Furnisher.objects.exclude(sources__code=Source.PLATFORM).order_by("name", "id")
        self.known = {furnisher.public_id: furnisher for furnisher in known}
        chosen = [(public_id, furnisher.name) for public_id, furnisher in self.known.items()]
        self.fields["furnisher"].choices = [("", "A new one"), *chosen]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not said.get("furnisher") and not said.get("furnishes_as"):
            self.add_error("furnishes_as", "Say what the new furnisher is.")
        return said


class Sources(BackOfficePage):
    """Every source with its furnisher, and the form for one more, whose secret is shown this once."""

    template_name = "operator/sources.html"
    back = "operator_sources"
    roles = frozenset({OperatorRole.Role.SCORING})

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown(SourceForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SourceForm(request.POST)
        if not form.is_valid():
            return self._shown(form)
        asked = form.cleaned_data
        furnisher = form.known.get(asked["furnisher"])
        try:
            made = create_source(
                code=asked["code"],
                kinds=asked["kinds"],
                name=asked["name"],
                furnisher=furnisher,
                furnisher_name=asked["furnisher_name"],
                furnishes_as=None if furnisher else asked["furnishes_as"],
                redirect_url=asked["redirect_url"],
                by=self.citizen,
            )
        except InvalidInput as refusal:
            for error in refusal.facts["errors"]:
                form.add_error(error["pointer"].strip("/").split("/")[0], error["detail"])
            return self._shown(form)
        except DomainError as refusal:
            return self._shown(form, problem={"title": said(refusal), "detail": ""})
        fresh = {
            "name": made.source.name,
            "client_id": made.client.client_id,
            "client_secret": made.client.client_secret,
        }
        return self._shown(SourceForm(), fresh=fresh)

    def _shown(self, form: SourceForm, **context: Any) -> HttpResponse:
        sources = [
            {
                "code": source.code,
                "name": source.name,
                "furnisher": source.furnisher,
                "what": ", ".join(furnisher_word(one) for one in source.furnisher.furnishes_as),
                "kinds": [catalogue.kind(code).title for code in source.kinds],
                "is_demo": source.is_demo,
            }
            for source in Source.objects.select_related("furnisher").order_by("name", "id")
        ]
        return self.show(sources=sources, form=form, **context)
