"""What a body and a query may say: known fields only, exact types, clean text; every mistake named by its pointer."""

import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from citizen_app.api.multipart import plain
from citizen_app.api.problems import field_errors
from citizen_app.errors import DomainError, FieldError, InvalidInput, Kind

FROM_QUERY = "from_query"
# Unicode's Bidi_Control property: what makes a text read differently from what it says.
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and signs without ink
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,19}", re.ASCII)


class UnknownParameter(DomainError):
    code, kind, title = "unknown_parameter", Kind.INVALID, "The address does not know a query parameter you sent."
    remedy = "Leave out the parameters that `parameters` names."


class StrictSerializer(serializers.Serializer):
    """Refuses fields it does not know and text that is not what it looks like; normalises text to NFC."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError({"non_field_errors": ["Send an object."]})
        unknown = [name for name in data if name not in self.fields or self.fields[name].read_only]
        errors: dict[str, Any] = {
            name: [serializers.ErrorDetail("There is no such field.", "unknown_field")] for name in unknown
        }
        if self.parent is not None and getattr(self.root, "partial", False):
            # A change may leave out fields of the body; an object inside it is sent whole.
            errors |= {
                name: [serializers.ErrorDetail(str(field.error_messages["required"]), "required")]
                for name, field in self.fields.items()
                if field.required and name not in data
            }
        cleaned = {}
        for name, value in data.items():
            if name in unknown:
                continue
            try:
                refuse_disguised(self.fields[name], value)
                cleaned[name] = clean(value, multiline=_is_multiline(self.fields[name]))
            except serializers.ValidationError as refusal:
                errors[name] = refusal.detail
        try:
            values: dict[str, Any] = super().to_internal_value(cleaned)
        except serializers.ValidationError as refusal:
            # A field left out because its text was refused is not also "required".
            said: dict[str, Any] = dict(refusal.detail)  # type: ignore[arg-type]
            raise serializers.ValidationError(said | errors) from None
        if errors:
            raise serializers.ValidationError(errors)
        return values


class Text(serializers.CharField):
    """A text (never a number in disguise), trimmed, at most `max_length` characters; `multiline` allows line breaks."""

    default_error_messages = {"blank": "Write something that can be seen."}

    def __init__(self, *, max_length: int, multiline: bool = False, **options: Any) -> None:
        self.multiline = multiline
        super().__init__(max_length=max_length, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and data and not any(map(_has_ink, data)):
            data = ""
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field(OpenApiTypes.BINARY)
class Upload(serializers.Field):
    """One file of a form; what is inside it is judged by whoever keeps it (`citizen_app.uploads`)."""

    default_error_messages = {"invalid": "Send one file, as a part of a form."}

    def to_internal_value(self, data: Any) -> UploadedFile:
        if not isinstance(data, UploadedFile):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return None


class BoundedInteger(serializers.IntegerField):
    """A whole number from `minimum` to `maximum`: in a body a JSON number, in a query its digits."""

    default_error_messages = {"invalid": "Send a whole number."}

    def __init__(self, minimum: int, maximum: int, **options: Any) -> None:
        super().__init__(min_value=minimum, max_value=maximum, **options)

    def to_internal_value(self, data: Any) -> int:
        if self.context.get(FROM_QUERY) and isinstance(data, str) and _INTEGER.fullmatch(data):
            return int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class StrictBoolean(serializers.BooleanField):
    """true or false; in a query also 1 or 0."""

    default_error_messages = {"invalid": "Send true or false."}

    def to_internal_value(self, data: Any) -> bool:
        words = {"true": True, "1": True, "false": False, "0": False}
        if isinstance(data, bool):
            return data
        if self.context.get(FROM_QUERY) and data in words:
            return words[data]
        raise serializers.ValidationError(self.error_messages["invalid"], "invalid")


class LocalDate(serializers.DateField):
    """A date, `YYYY-MM-DD` and no other of ISO 8601's forms."""

    default_error_messages = {"invalid": "Send a date that exists, as YYYY-MM-DD."}

    def to_internal_value(self, value: Any) -> date:
        if isinstance(value, str) and _DATE.fullmatch(value):
            with suppress(ValueError):
                return date.fromisoformat(value)
        raise serializers.ValidationError(self.error_messages["invalid"], "invalid")


class Instant(serializers.DateTimeField):
    """A moment with its offset (RFC 3339), kept in UTC."""

    default_error_messages = {"invalid": "Send a moment that exists, with its offset, as 2026-11-30T09:00:00Z."}

    def to_internal_value(self, value: Any) -> datetime:
        if isinstance(value, str) and _INSTANT.fullmatch(value):
            with suppress(ValueError, OverflowError):
                return datetime.fromisoformat(value).astimezone(UTC)
        raise serializers.ValidationError(self.error_messages["invalid"], "invalid")


class MoneySerializer(StrictSerializer):
    """An amount in minor units of this deployment's currency."""

    amount = BoundedInteger(0, 10**12)
    currency = serializers.CharField(min_length=3, max_length=3)

    def validate_currency(self, currency: str) -> str:
        if currency != settings.CURRENCY:
            raise serializers.ValidationError(f"Amounts here are in {settings.CURRENCY}.")
        return currency


class NoBody(StrictSerializer):
    """For actions that need no body: nothing, or an empty object."""


def read_body(
    request: Request, serializer_class: type[serializers.Serializer], *, partial: bool = False, **context: Any
) -> dict[str, Any]:
    """Return the body's values as `serializer_class` reads them, or refuse it with a pointer to each mistake."""
    context = {"request": request, **context}
    data = request.data
    if isinstance(data, QueryDict):
        # A browser's form, which the check of its token has read already.
        view = (request.parser_context or {}).get("view")
        data = plain(data, list_fields=getattr(view, "list_fields", frozenset()))
    if (request.content_type or "").startswith("multipart/form-data"):
        context[FROM_QUERY] = True  # a form's values are texts, like a query's
    return _values(serializer_class(data=data, partial=partial, context=context))


def read_query(request: Request, serializer_class: type[serializers.Serializer], **context: Any) -> dict[str, Any]:
    """Return the query's values; a parameter that is not declared or is given twice is refused."""
    given: QueryDict = request.query_params
    context = {"request": request, FROM_QUERY: True, **context}
    serializer = serializer_class(data=given.dict(), context=context)
    refuse_unknown_parameters(request, set(serializer.fields))
    twice = [name for name in given if len(given.getlist(name)) > 1]
    if twice:
        raise InvalidInput(*(FieldError(f"/{name}", "invalid", "Give this parameter once.") for name in twice))
    return _values(serializer)


def refuse_unknown_parameters(request: Request, known: set[str] | frozenset[str] = frozenset()) -> None:
    """Refuse the request when its query names anything but `known` parameters."""
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise UnknownParameter(parameters=unknown)


def refuse_disguised(field: serializers.Field, value: Any) -> None:
    """Refuse a number in a text's place, a text or a yes in a number's: REST framework would read one as the other.

    A query and a form have only texts.
    """
    right = True
    if value is None:
        return
    if isinstance(field, serializers.CharField):
        right = isinstance(value, str)
    elif isinstance(field, serializers.FloatField) and not field.context.get(FROM_QUERY):
        right = not isinstance(value, str | bool)
    elif isinstance(field, serializers.ListField) and isinstance(value, list):
        errors: dict[int, Any] = {}
        for place, inner in enumerate(value):
            try:
                refuse_disguised(field.child, inner)
            except serializers.ValidationError as refusal:
                errors[place] = refusal.detail
        if errors:
            raise serializers.ValidationError(errors)  # type: ignore[arg-type]
    if not right:
        raise serializers.ValidationError(field.error_messages["invalid"], "invalid")


def clean(value: Any, *, multiline: bool = True) -> Any:
    """Return a JSON value with its texts in NFC; refuse control and bidirectional control characters in them."""
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return value
        for character in value:
            if unicodedata.category(character) == "Cc" and not (multiline and character in "\n\r\t"):
                raise serializers.ValidationError("The text contains a control character.", "invalid")
            if character in _BIDI_CONTROLS:
                raise serializers.ValidationError("The text contains a character that turns its direction.", "invalid")
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return _cleaned_each(enumerate(value), multiline, list)
    if isinstance(value, Mapping):
        return _cleaned_each(value.items(), multiline, dict)
    return value


def _cleaned_each(items: Any, multiline: bool, kind: type) -> Any:
    kept, errors = [], {}
    for name, inner in items:
        try:
            kept.append((name, clean(inner, multiline=multiline)))
        except serializers.ValidationError as refusal:
            errors[name] = refusal.detail
    if errors:
        raise serializers.ValidationError(errors)
    return dict(kept) if kind is dict else [inner for _, inner in kept]


def _is_multiline(field: serializers.Field) -> bool:
    """Objects and lists judge their own texts when their turn comes; a plain text field is one line."""
    if isinstance(field, serializers.CharField):
        return bool(getattr(field, "multiline", False))
    return not (isinstance(field, serializers.ListField) and isinstance(field.child, serializers.CharField))


def _has_ink(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CZ" and character not in _BLANKS


def _values(serializer: serializers.Serializer) -> dict[str, Any]:
    if not serializer.is_valid():
        raise InvalidInput(*field_errors(serializer.errors))
    return dict(serializer.validated_data)
