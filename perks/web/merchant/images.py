"""The pictures of a perk on the console: adding one, saying what it shows, moving it, taking it away."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from citizen_app.errors import DomainError, Kind
from citizen_app.web.fields import PlainText
from perks.models import Perk
from perks.services.images import add_image, change_image, remove_image
from perks.web.merchant.perks import PerkPage
from perks.web.merchant.refusals import in_words

ALT = "What it shows, for people who cannot see it"


class ImageForm(forms.Form):
    """A new picture."""

    file = forms.FileField(
        label="Picture",
        help_text="JPEG, PNG or WebP, at most 5 MiB. Only what can be seen is kept: no place, time or camera.",
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )
    alt = PlainText(label=ALT, max_length=160, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class ImageChangeForm(forms.Form):
    """What a picture shows, and what is done with it."""

    alt = PlainText(label=ALT, max_length=160)
    position = forms.IntegerField(min_value=1)
    act = forms.ChoiceField(choices=[(act, act) for act in ("save", "earlier", "later", "remove")])


class ImageAdd(PerkPage):
    """Add a picture behind the others."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, perk_id: str) -> HttpResponse:
        perk = Perk.objects.of(self.merchant).named(perk_id)
        form = ImageForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._again(perk_id, form)
        said = form.cleaned_data
        try:
            add_image(perk=perk, by=self.citizen, uploaded=said["file"], alt=said["alt"])
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise
            if not refusal.code.startswith(("file", "picture")):
                return self.shown(self.own().named(perk_id), in_words(refusal, zone=self.citizen.zone))
            form.add_error("file", _words(refusal))
            return self._again(perk_id, form)
        messages.success(request, "The picture is added.")
        return redirect(_pictures_of(perk_id))

    def _again(self, perk_id: str, form: forms.Form) -> HttpResponse:
        return self.shown(self.own().named(perk_id), image_form=form)


class ImageAct(PerkPage):
    """Change or remove one picture."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, perk_id: str, image_id: str) -> HttpResponse:
        perk = Perk.objects.of(self.merchant).named(perk_id)
        image = perk.images.all().named(image_id)
        form = ImageChangeForm(request.POST)
        if not form.is_valid():
            problem = {"title": "Nothing was changed.", "detail": "Say what the picture shows."}
            return self.shown(self.own().named(perk_id), problem)
        said = form.cleaned_data
        if said["act"] == "remove":
            remove_image(image=image, by=self.citizen)
            messages.success(request, "The picture is gone.")
        else:
            change_image(image=image, by=self.citizen, alt=said["alt"], position=_place(image.position, said["act"]))
            messages.success(request, "Saved.")
        return redirect(_pictures_of(perk_id))

    def back_to(self, request: HttpRequest) -> str:
        return _pictures_of(self.kwargs["perk_id"])


def _place(now: int, act: str) -> int | None:
    return {"earlier": now - 1, "later": now + 1}.get(act)


def _pictures_of(perk_id: str) -> str:
    return f"{reverse('merchant:perk', args=[perk_id])}#pictures"


def _words(refusal: DomainError) -> Any:
    said = in_words(refusal)
    return said["title"] if said["title"] == said["detail"] else f"{said['title']} {said['detail']}"
