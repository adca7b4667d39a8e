"""The page on which a citizen has their document checked, and the address to which a provider answers."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from citizen_app.api.problems import problem_response
from citizen_app.errors import DomainError
from citizen_app.web.pages import Page, own_address
from scores.errors import AnswerNotGenuine
from scores.services.documents import document_state, is_at_the_desk, start_document_check, take_document_answer


class MyDocument(Page):
    """How to have a document checked, and what came of it."""

    template_name = "citizen/document.html"
    back = "scores:document"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        where = start_document_check(citizen=self.citizen)
        if where is None:
            messages.info(request, "Here an operator checks it with you: there is nothing to start.")
        return self._shown(where)

    def _shown(self, where: str | None = None) -> HttpResponse:
        state = document_state(citizen=self.citizen)
        then = own_address(self.request, self.request.GET.get("next"))
        return self.show(state=state, where=where, at_the_desk=is_at_the_desk(), email=self.citizen.email, next=then)


@method_decorator(csrf_exempt, name="dispatch")
class DocumentAnswer(View):
    """Where a provider says what came of a check; its signature is its only credential."""

    LONGEST = 16_384

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            if _length_of(request) > self.LONGEST:
                raise AnswerNotGenuine
            take_document_answer(headers=_lowered(request), body=request.body)
        except DomainError as refusal:
            detail = refusal.detail or refusal.remedy
            return problem_response(refusal.kind.value, refusal.code, refusal.title, detail, request)
        return HttpResponse(status=204)


def _length_of(request: HttpRequest) -> int:
    said = request.headers.get("Content-Length") or "0"
    return int(said) if said.isascii() and said.isdigit() else DocumentAnswer.LONGEST + 1


def _lowered(request: HttpRequest) -> dict[str, Any]:
    return {name.lower(): value for name, value in request.headers.items()}
