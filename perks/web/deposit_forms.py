"""What people write about deposits: a claim with photographs, an objection with evidence, a decision."""

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.forms import formset_factory

from citizen_app.web.fields import PlainText
from perks.models import HoldRefund
from perks.money import decimals_of, minor_units, written
from perks.services.deposit_claims import LONGEST_ITEM
from perks.services.deposit_files import MOST_FILES

ACCEPTED: Final = "image/jpeg,image/png,image/webp,application/pdf"
FILE_HELP: Final = (
    f"Up to {MOST_FILES} pictures (JPEG, PNG, WebP) or PDFs, 5 MB each and 12 MB together. Place, time and camera are "
    "taken out of pictures. Both sides and operators see them; they are erased 90 days after the end."
)
ROWS: Final = 5


class SeveralFiles(forms.FileInput):
    allow_multiple_selected = True


class Files(forms.FileField):
    """Any number of files, as a list; what is inside them is judged by whoever keeps them."""

    def __init__(self, **options: Any) -> None:
        widget = SeveralFiles(attrs={"accept": ACCEPTED})
        super().__init__(required=False, help_text=FILE_HELP, widget=widget, **options)

    def clean(self, data: Any, initial: Any = None) -> Any:
        sent: Sequence[UploadedFile] = data if isinstance(data, list | tuple) else [data] if data else []
        return [forms.FileField.clean(self, one, initial) for one in sent]


class Lines(PlainText):
    """A few lines of text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(multiline=True, widget=forms.Textarea(attrs={"rows": 4}), **options)

    def to_python(self, value: Any) -> str:
        return super().to_python(value).replace("\r\n", "\n")


class ItemForm(forms.Form):
    """One damage and what it costs."""

    text = PlainText(required=False, max_length=LONGEST_ITEM, label="Damage")
    amount = forms.DecimalField(
        required=False,
        label=f"Amount, {settings.CURRENCY}",
        max_digits=14,
        decimal_places=decimals_of(settings.CURRENCY),
        min_value=0,
    )

    @property
    def is_used(self) -> bool:
        return any(self.cleaned_data.get(name) not in (None, "") for name in self.fields)

    def item(self) -> dict[str, Any]:
        text, amount = self.cleaned_data["text"], self.cleaned_data["amount"]
        said: dict[str, Any] = {"text": text} if text else {}
        return said if amount is None else said | {"amount": minor_units(amount, settings.CURRENCY)}


ItemRows = formset_factory(ItemForm, extra=0, min_num=ROWS, max_num=ROWS, absolute_max=ROWS, validate_max=True)


class ClaimForm(forms.Form):
    """The photographs of a claim, and the key of its one act."""

    photographs = Files(label="Photographs")
    idempotency_key = forms.CharField(widget=forms.HiddenInput, max_length=255)


class RefundForm(forms.Form):
    """What is given back of what was charged, and why."""

    amount = forms.DecimalField(
        label=f"Amount, {settings.CURRENCY}", max_digits=14, decimal_places=decimals_of(settings.CURRENCY), min_value=0
    )
    reason = Lines(max_length=HoldRefund.LONGEST_REASON, label="Why", help_text="Your guest reads it.")
    idempotency_key = forms.CharField(widget=forms.HiddenInput, max_length=255)

    def money(self) -> dict[str, Any]:
        return dict(minor_units(self.cleaned_data["amount"], settings.CURRENCY))


class ContestForm(forms.Form):
    """What is wrong with a claim, and what shows it."""

    statement = Lines(
        max_length=4000, label="What is wrong with the claim", help_text="The desk and an operator read it."
    )
    evidence = Files(label="Something that shows it")
    idempotency_key = forms.CharField(widget=forms.HiddenInput, max_length=255)


class DecisionForm(forms.Form):
    """What is owed of a contested claim, and why."""

    amount = forms.DecimalField(
        label=f"Owed, {settings.CURRENCY}", max_digits=14, decimal_places=decimals_of(settings.CURRENCY), min_value=0
    )
    reason = Lines(max_length=2000, label="Why", help_text="The citizen and the merchant read it.")

    def __init__(self, *args: Any, claimed: int, **options: Any) -> None:
        super().__init__(*args, **options)
        most = written({"amount": claimed, "currency": settings.CURRENCY})
        self.fields["amount"].help_text = f"From 0 to {most}, what is claimed."

    def units(self) -> int:
        return int(minor_units(self.cleaned_data["amount"], settings.CURRENCY)["amount"])
