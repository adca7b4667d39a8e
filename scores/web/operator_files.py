"""The operators' pages of a person's file: looking one up by exact address or id, reading it, more in a day."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from citizen_app.errors import DomainError
from citizen_app.models import OperatorRole
from citizen_app.web.back_office import BackOfficePage
from citizen_app.web.pages import said
from citizen_app.web.panels import parts_of
from scores.models import FileAllowance, FileDay, FileOpening
from scores.models.files import OPENINGS_A_DAY
from scores.services.file_statements import file_statement
from scores.services.files import (
    FILE_ROLES,
    ask_for_more,
    close_file,
    decide_allowance,
    file_open_now,
    open_file_of,
    opened_file,
    unmask_field,
)


class FileForm(forms.Form):
    """Whose file, as what, and why."""

    person = forms.CharField(
        max_length=254,
        label="E-mail, phone number or id of the citizen",
        help_text="The whole of it, exactly: nothing is searched.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    role = forms.ChoiceField(label="As", help_text="It decides what you are shown.")
    reason = forms.ChoiceField(choices=[("", "Choose one"), *FileOpening.Reason.choices], label="Reason")
    note = forms.CharField(
        min_length=10,
        max_length=200,
        label="In your words",
        help_text="The citizen reads it at once, such as: you wrote that a code does not work.",
    )

    def __init__(self, *args: Any, held: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [(role.value, role.label) for role in OperatorRole.Role if role in held & FILE_ROLES]
        self.fields["role"].choices = roles  # type: ignore[attr-defined]


class MoreForm(forms.Form):
    """Why somebody needs to open more files today."""

    why = forms.CharField(min_length=10, max_length=300, label="Why you need more today")


class FilesPage(BackOfficePage):
    """A page for operators whose role opens files."""

    template_name = "operator/files.html"
    back = "operator_files"
    roles = FILE_ROLES


class Files(FilesPage):
    """Look somebody up; what is open; what is left of today."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.shown(FileForm(held=self.held))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = FileForm(request.POST, held=self.held)
        if not form.is_valid():
            return self.shown(form)
        try:
            opening = open_file_of(by=self.citizen, **form.cleaned_data)
        except DomainError as refusal:
            return self.shown(form, problem={"title": said(refusal), "detail": ""})
        if opening is None:
            form.add_error("person", "Nobody enrolled has exactly this address or id.")
            return self.shown(form)
        return redirect("operator_file", opening.public_id)

    def shown(self, form: FileForm, **context: Any) -> HttpResponse:
        today = timezone.now().date()
        count = FileDay.objects.filter(operator=self.citizen, day=today).values_list("count", "limit").first()
        used, limit = count or (0, OPENINGS_A_DAY)
        waiting = FileAllowance.objects.filter(day=today, decided_at=None).select_related("operator").order_by("id")
        asked = [
            {
                "id": one.public_id,
                "by": one.operator.first_name or one.operator.email,
                "reason": one.reason,
                "asked_at": one.asked_at,
                "is_mine": one.operator_id == self.citizen.pk,
            }
            for one in waiting
        ]
        return self.show(
            **{
                "form": form,
                "more": MoreForm(),
                "opening": file_open_now(by=self.citizen),
                "used": used,
                "limit": limit,
                "waits": any(one["is_mine"] for one in asked),
                "asked": [one for one in asked if not one["is_mine"]],
            }
            | context
        )


class File(FilesPage):
    """One person's file, while it is open."""

    template_name = "operator/file.html"

    def get(self, request: HttpRequest, opening_id: str) -> HttpResponse:
        opening = opened_file(opening_id=opening_id, by=self.citizen)
        added = parts_of(f"file:{opening.role}", opening.enrolment.citizen)
        return self.show(file=file_statement(opening), opening=opening, **added)


class Unmask(FilesPage):
    """Show one field in full."""

    def post(self, request: HttpRequest, opening_id: str) -> HttpResponse:
        unmask_field(opening_id=opening_id, field=request.POST.get("field", "")[:12], by=self.citizen)
        return redirect("operator_file", opening_id)


class CloseFile(FilesPage):
    """Close the file before its time."""

    def post(self, request: HttpRequest, opening_id: str) -> HttpResponse:
        close_file(opening_id=opening_id, by=self.citizen)
        messages.success(request, "Closed.")
        return redirect("operator_files")


class AskForMore(Files):
    """Ask another operator for more look-ups today."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        more = MoreForm(request.POST)
        if not more.is_valid():
            return self.shown(FileForm(held=self.held), more=more)
        ask_for_more(reason=more.cleaned_data["why"], by=self.citizen)
        messages.success(request, "Asked. Another operator decides.")
        return redirect("operator_files")


class DecideMore(FilesPage):
    """Decide what another operator asked for."""

    def post(self, request: HttpRequest, allowance_id: str) -> HttpResponse:
        is_granted = request.POST.get("decision") == "allow"
        decide_allowance(allowance_id=allowance_id, is_granted=is_granted, by=self.citizen)
        messages.success(request, "Allowed: ten more today." if is_granted else "Not allowed.")
        return redirect("operator_files")
