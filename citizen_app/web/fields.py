"""Fields of forms that hold a person's words to the same rules as the API does."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from rest_framework.exceptions import ValidationError as Refused

from citizen_app.api.serializers import clean


class PlainText(forms.CharField):
    """Text that is what it looks like: in NFC, without control characters or such as turn its direction."""

    def __init__(self, *, multiline: bool = False, **options: Any) -> None:
        self.multiline = multiline
        if multiline:
            options.setdefault("widget", forms.Textarea)
        super().__init__(**options)

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        try:
            return str(clean(text, multiline=self.multiline))
        except Refused as refusal:
            raise ValidationError("It contains a character that cannot be seen.", code="invalid") from refusal
