"""The pages of the person's own will: the doorway, enrolling, pausing, leaving, and the account."""

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.generic import View

from citizen_app.accounts.operators import is_operator
from citizen_app.accounts.profile import change_profile
from citizen_app.errors import DomainError
from citizen_app.models import Citizen
from citizen_app.web.closing import rows_in_words
from citizen_app.web.pages import Page, own_address
from citizen_app.web.panels import parts_of
from scores.models import Enrolment
from scores.services.consents import current_text
from scores.services.enrolment import enrol_citizen, leave, pause_enrolment, resume_enrolment
from scores.services.publishing import current_scorecard
from scores.web.forms import EnrolForm, ProfileForm, profile_of
from scores.wording import factor_title

THEME_CHOICES = (("auto", "As my device"), ("light", "Light"), ("dark", "Dark"))


class Welcome(View):
    """The public doorway; who is signed in goes on to where their work is."""

    def get(self, request: HttpRequest) -> HttpResponse:
        citizen = request.user
        if isinstance(citizen, Citizen):
            if Enrolment.objects.filter(pk=citizen.pk).exists():
                return redirect("scores:home")
            if console := parts_of("landing", citizen).get("console"):
                return redirect(console)
            return redirect("operator:queue" if is_operator(citizen) else "scores:enrol")
        factors = [
            {"code": factor.code, "title": factor_title(factor.code)} for factor in current_scorecard().card.factors
        ]
        return render(request, "citizen/welcome.html", {"factors": factors})


class Enrol(Page):
    """Asking to be scored, against the text in force."""

    template_name = "citizen/enrol.html"
    back = "scores:enrol"

    def get(self, request: HttpRequest) -> HttpResponse:
        if Enrolment.objects.filter(pk=self.citizen.pk).exists():
            return redirect(self._asked_from() or "scores:home")
        return self._shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        form = EnrolForm(request.POST)
        if not form.is_valid():
            return self._shown(form)
        enrol_citizen(
            citizen=self.citizen,
            consent_version=form.cleaned_data["consent_version"],
            adult=form.cleaned_data["adult"],
            language=current_text(language=self.citizen.language).language,
            via="web",
        )
        messages.success(request, "You are enrolled. Nothing counts until you switch a source on.")
        return redirect(self._asked_from() or "scores:sources")

    def _asked_from(self) -> str:
        """The page that sent them here because it is for enrolled people, such as one on which an app asks."""
        return own_address(self.request, self.request.GET.get("next"))

    def _shown(self, form: EnrolForm | None = None) -> HttpResponse:
        consent = current_text(language=self.citizen.language)
        form = form or EnrolForm(initial={"consent_version": consent.version})
        return self.show(consent=consent, form=form, next=self._asked_from())


class Pause(Page):
    """No new answers about the person until they resume."""

    template_name = "citizen/pause.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        Enrolment.objects.of(self.citizen.pk)
        held = parts_of("reservations", self.citizen).get("reservations", [])
        return self.show(reserved=len(held))

    def post(self, request: HttpRequest) -> HttpResponse:
        pause_enrolment(citizen=self.citizen)
        messages.success(request, "You are paused. Nobody gets an answer about you.")
        return redirect("scores:home")


class Resume(Page):
    """Answer again."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("scores:home")

    def post(self, request: HttpRequest) -> HttpResponse:
        resume_enrolment(citizen=self.citizen)
        messages.success(request, "You are back. Perks answer again.")
        return redirect("scores:home")


class Leave(Page):
    """Erase everything scored, and hand over the receipt."""

    template_name = "citizen/leave.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        Enrolment.objects.of(self.citizen.pk)
        return self._shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("sure") != "true":
            return self._shown({"title": "Nothing was erased.", "detail": "Tick the box if you are sure."})
        receipt = asdict(leave(citizen=self.citizen, via="web"))
        receipt["erased"] = rows_in_words(receipt["erased"])
        return render(request, "citizen/receipt.html", {"receipt": receipt})

    def _shown(self, problem: dict[str, str] | None = None) -> HttpResponse:
        return self.show(problem=problem, **parts_of("reservations", self.citizen))


class Account(Page):
    """The person's account, and everything they can switch."""

    template_name = "citizen/me.html"
    back = "me"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown(ProfileForm(initial=profile_of(self.citizen)))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ProfileForm(request.POST)
        if not form.is_valid():
            return self._shown(form)
        try:
            change_profile(citizen=self.citizen, **form.cleaned_data)
        except DomainError as refusal:
            return self.refused(request, refusal)
        messages.success(request, "Kept.")
        return redirect("me")

    def _shown(self, form: ProfileForm) -> HttpResponse:
        enrolment = Enrolment.objects.filter(pk=self.citizen.pk).first()
        document = None
        if enrolment is not None:
            document = {"checked": enrolment.person_key is not None, "at": enrolment.document_checked_at}
        return self.show(
            me={"first_name": self.citizen.first_name, "email": self.citizen.email},
            form=form,
            enrolment=enrolment,
            document=document,
            is_operator=is_operator(self.citizen),
            theme_choices=THEME_CHOICES,
            **parts_of("account", self.citizen),
        )
