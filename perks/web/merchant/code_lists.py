"""Lists of the merchant's own codes: generating and uploading them, how far they are, withdrawing them."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from citizen_app import audit
from citizen_app.errors import DomainError, InvalidInput, Kind
from citizen_app.web.pages import paged
from perks.api.merchant.code_lists import CodeListBody, csv_answer, rows_of
from perks.code_files import MOST_CODES, USUAL_LENGTH, read_codes
from perks.models import CodeList
from perks.services import code_lists
from perks.web.merchant.console import ConsolePage
from perks.web.merchant.forms import judged, place_error
from perks.web.merchant.refusals import in_words

LARGEST_HERE = 12  # MiB: what any form of a page may bring


class GenerateForm(forms.Form):
    """New codes, made here."""

    name = forms.CharField(max_length=120, label="Name", help_text="For you alone, such as Spring in the web shop.")
    count = forms.IntegerField(min_value=1, max_value=MOST_CODES, label="How many")
    begins_with = forms.CharField(max_length=16, required=False, label="Each begins with", help_text="Such as SPRING-.")
    length = forms.IntegerField(label="Random characters", initial=USUAL_LENGTH, help_text="10 to 32.")

    def body(self) -> dict[str, Any]:
        said = self.cleaned_data
        generate = {"count": said["count"], "prefix": said["begins_with"], "length": said["length"]}
        generate = {name: value for name, value in generate.items() if value}
        return {"name": said["name"], "generate": generate}


class UploadForm(forms.Form):
    """Codes of the merchant's own."""

    name = forms.CharField(max_length=120, label="Name")
    file = forms.FileField(
        label="File", help_text=f"CSV or text, one code a line, up to {LARGEST_HERE} MiB; larger ones through the API."
    )


class CodeLists(ConsolePage):
    """Every list with its progress, and two ways to a new one."""

    template_name = "merchant/code_lists.html"
    action = "code lists"
    back = "merchant:code_lists"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown(GenerateForm(prefix="new"), UploadForm(prefix="own"))

    def post(self, request: HttpRequest) -> HttpResponse:
        is_upload = "upload" in request.POST
        generate = GenerateForm(None if is_upload else request.POST, prefix="new")
        upload = UploadForm(request.POST, request.FILES, prefix="own") if is_upload else UploadForm(prefix="own")
        form: forms.Form = upload if is_upload else generate
        if not form.is_valid():
            return self._shown(generate, upload)
        try:
            made = self._upload(upload) if is_upload else self._generate(generate)
        except InvalidInput as refusal:
            for error in refusal.facts["errors"]:
                member = error["pointer"].rpartition("/")[2]
                place_error(form, {"prefix": "begins_with", "": "file"}.get(member, member), error["detail"])
            return self._shown(generate, upload)
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise
            return self._shown(generate, upload, problem=in_words(refusal))
        messages.success(request, "It is being made. This page shows how far it is.")
        return redirect("merchant:code_list", made.public_id)

    def _generate(self, form: GenerateForm) -> CodeList:
        said = judged(CodeListBody, form.body())
        return code_lists.generate_codes(merchant=self.merchant, by=self.citizen, name=said["name"], **said["generate"])

    def _upload(self, form: UploadForm) -> CodeList:
        said = form.cleaned_data
        lines = read_codes(said["file"].file)
        return code_lists.receive_codes(merchant=self.merchant, by=self.citizen, name=said["name"], lines=lines)

    def _shown(self, generate: GenerateForm, upload: UploadForm, **context: Any) -> HttpResponse:
        lists = CodeList.objects.of(self.merchant)
        told = paged(self.request, lists, shape=lambda rows: [code_lists.code_list_line(one) for one in rows])
        return self.show(lists=told["results"], page=told, generate=generate, upload=upload, **context)


class CodeListPage(ConsolePage):
    """One list: how far it is, what is left, which lines were rejected."""

    template_name = "merchant/code_list.html"
    action = "code lists"
    back = "merchant:code_lists"

    def get(self, request: HttpRequest, list_id: str) -> HttpResponse:
        code_list = CodeList.objects.of(self.merchant).named(list_id)
        uses = code_lists.uses_of(code_list)
        return self.show(
            codes=code_lists.code_list_line(code_list),
            uses=[{"id": perk.public_id, "title": perk.version_read.title} for perk in uses],
            zone=self.zone_of(self.open_branches()),
        )

    def post(self, request: HttpRequest, list_id: str) -> HttpResponse:
        """Withdraw it."""
        code_list = CodeList.objects.of(self.merchant).named(list_id)
        code_lists.withdraw_codes(code_list=code_list, by=self.citizen)
        messages.success(request, "Withdrawn. What people were given stays theirs.")
        return redirect("merchant:code_list", list_id)


class CodesFile(ConsolePage):
    """Every code of a list with its state; each download is on record."""

    action = "code lists"

    def get(self, request: HttpRequest, list_id: str) -> HttpResponseBase:
        code_list = CodeList.objects.of(self.merchant).named(list_id)
        audit.record(by=self.citizen, action="code_list.download", on=code_list.public_id)
        return csv_answer(rows_of(code_list), name=code_list.public_id)
