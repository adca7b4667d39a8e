"""Forms with files: `multipart/form-data` within bounds, read into the same plain values as JSON is.

The bound holds for pages too: it stands in front of Django's own upload handlers (`FILE_UPLOAD_HANDLERS`).
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any, Final

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadhandler import FileUploadHandler
from django.utils.datastructures import MultiValueDict
from rest_framework.exceptions import ParseError
from rest_framework.parsers import MultiPartParser

from citizen_app.api.parsers import MEBIBYTE
from citizen_app.api.problems import MalformedBody
from citizen_app.errors import TooLarge
from citizen_app.exact_json import Unreadable, read_json

MOST_BYTES: Final = 12 * MEBIBYTE


class UploadBounds(FileUploadHandler):
    """Refuses a form of more than twelve mebibytes, by its stated length, before any of it is read."""

    def handle_raw_input(
        self, input_data: Any, META: dict[str, str], content_length: int, boundary: str, encoding: str | None = None
    ) -> None:
        if content_length > MOST_BYTES:
            raise RequestDataTooBig("At most 12 MiB are read here.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data  # for the handlers after this one

    def file_complete(self, file_size: int) -> None:
        return None


class FormParser(MultiPartParser):
    """Reads `multipart/form-data` of at most twelve mebibytes; a field sent several times is a list.

    A view names the fields that are lists, however often they are sent (`list_fields`); one text may hold all in JSON.
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            read = super().parse(stream, media_type, parser_context)
        except RequestDataTooBig:
            raise TooLarge("At most 12 MiB are read here.", most_bytes=MOST_BYTES) from None
        except (ParseError, TooManyFieldsSent, TooManyFilesSent, ValueError) as error:
            raise MalformedBody("The form cannot be read to its end.") from error
        view = (parser_context or {}).get("view")
        return plain(read.data, read.files, list_fields=getattr(view, "list_fields", frozenset()))


def plain(*parts: MultiValueDict[str, Any], list_fields: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A form's fields and files as one mapping: single values, and lists where they are sent or expected."""
    together: MultiValueDict[str, Any] = MultiValueDict()
    for part in parts:
        for name, sent in part.lists():
            together.setlist(name, [*together.getlist(name), *sent])
    values = {}
    for name, sent in together.lists():
        if any(isinstance(one, str) and "\x00" in one for one in [name, *sent]):
            raise MalformedBody("A text contains the character NUL.")
        if name in list_fields:
            values[name] = _members(sent)
        else:
            values[name] = sent if len(sent) > 1 else sent[0]
    return values


def _members(sent: list[Any]) -> list[Any]:
    """A list's members: the field sent for each of them, or once as the list in JSON."""
    if len(sent) == 1 and isinstance(sent[0], str) and sent[0].startswith("["):
        with suppress(Unreadable):
            read: list[Any] = read_json(sent[0].encode())
            return read
    return sent
