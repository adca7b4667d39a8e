"""The operators' document check: the one file of a citizen that is opened here, and they read that it was."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from citizen_app.errors import DomainError, InvalidInput
from citizen_app.models import OperatorRole
from citizen_app.web.back_office import BackOfficePage
from citizen_app.web.pages import said
from scores.services.documents import check_document_of


class DocumentCheckForm(forms.Form):
    """Whose document, why it is looked at, and what it says."""

    email = forms.EmailField(
        max_length=254, label="E-mail of the citizen", widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    reason = forms.CharField(
        max_length=150, label="Reason", help_text="The citizen reads it, such as: asked at the Lisbon desk."
    )
    reference = forms.CharField(
        max_length=200,
        label="The check’s reference of the person",
        help_text="The same for the same person every time.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    over_18 = forms.BooleanField(required=False, label="The document shows that they are of age")


class DocumentCheck(BackOfficePage):
    """Record that a document was checked."""

    template_name = "operator/document_check.html"
    back = "document_check"
    roles = frozenset({OperatorRole.Role.SUPPORT, OperatorRole.Role.SCORING})

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(form=DocumentCheckForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = DocumentCheckForm(request.POST)
        if not form.is_valid():
            return self.show(form=form)
        asked = form.cleaned_data
        try:
            check_document_of(
                email=asked["email"],
                reason=asked["reason"],
                reference=asked["reference"],
                of_age=asked["over_18"],
                by=self.citizen,
            )
        except InvalidInput as refusal:
            for error in refusal.facts["errors"]:
                name = error["pointer"].strip("/")
                form.add_error(name if name in form.fields else None, error["detail"])
            return self.show(form=form)
        except DomainError as refusal:
            return self.show(form=form, problem={"title": said(refusal), "detail": ""})
        messages.success(request, f"Recorded for {asked['email']}. They see that you did.")
        return redirect("document_check")
