"""Refusals: facts with a code, a sentence and what would change it. Doors turn them into answers.

A subclass fixes `code` (stable: clients depend on it), `kind` (which status a door gives it), `title` and, where the
title does not say it, `remedy`: what would change the answer (`/docs/errors` shows it).
Facts given to the constructor travel in the answer, so they must be safe for its reader.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any


class Kind(Enum):
    """What sort of refusal it is; `citizen_app.api.problems` maps each to one HTTP status."""

    INVALID = 400
    UNAUTHENTICATED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    CONFLICT = 409
    PRECONDITION_FAILED = 412
    TOO_LARGE = 413
    UNPROCESSABLE = 422
    PRECONDITION_REQUIRED = 428
    TOO_MANY = 429
    BUSY = 503


class DomainError(Exception):
    """A refusal the caller can act on."""

    code: str
    kind: Kind
    title: str
    remedy: str = ""
    headers: Mapping[str, str] = {}  # of the answer, such as the challenge that every 401 carries

    def __init__(self, detail: str = "", **facts: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.facts = facts


class NotFound(DomainError):
    code, kind, title = "not_found", Kind.NOT_FOUND, "There is nothing here, or it is not yours to see."
    remedy = "Check the address and the id, and that you are signed in as the person or client it belongs to."


class WrongCaller(DomainError):
    code, kind, title = "wrong_caller", Kind.FORBIDDEN, "This address is for another kind of caller."
    remedy = "Call it with the credential its description names (person, or client with the scope)."


class WrongState(DomainError):
    code, kind, title = "wrong_state", Kind.CONFLICT, "Its state does not allow this."
    remedy = "Read it again: its `state` says what is possible now."


class MustEnrol(DomainError):
    """Something that is for enrolled people only, asked for by somebody who is not: nothing of theirs is missing."""

    code, kind, title = "not_enrolled", Kind.FORBIDDEN, "This is for enrolled people."
    remedy = "Enrol with `POST /api/v1/me/enrolment`."


class EnrolmentPaused(DomainError):
    code, kind, title = "enrolment_paused", Kind.FORBIDDEN, "Your enrolment is paused."
    remedy = "Resume with `POST /api/v1/me/enrolment/resume`."


class DocumentNeeded(DomainError):
    code, kind, title = "document_needed", Kind.FORBIDDEN, "This needs a document check."
    remedy = "Have a document checked by an operator, once."


class FieldError:
    """One thing wrong with the input, at an RFC 6901 pointer."""

    __slots__ = ("code", "detail", "pointer")

    def __init__(self, pointer: str, code: str, detail: str) -> None:
        self.pointer, self.code, self.detail = pointer, code, detail

    def as_dict(self) -> dict[str, str]:
        return {"pointer": self.pointer, "code": self.code, "detail": self.detail}


class InvalidInput(DomainError):
    """The request's body or query is not as the contract says; `errors` name each place."""

    code, kind, title = "invalid_input", Kind.INVALID, "The request is not valid."
    remedy = "Correct each place that `errors` names and send the request again."

    def __init__(self, *errors: FieldError, detail: str = "") -> None:
        super().__init__(detail, errors=[error.as_dict() for error in errors])


class Busy(DomainError):
    code, kind, title = "busy", Kind.BUSY, "Somebody else is changing the same thing. Try again in a moment."
    remedy = "Send the same request again, with the same `Idempotency-Key`, after `Retry-After` seconds."


class RateLimited(DomainError):
    """Too many calls in too short a time; `retry_after` is in seconds."""

    code, kind, title = "rate_limited", Kind.TOO_MANY, "Too many requests. Wait, then try again."
    remedy = "Wait for `Retry-After` seconds; the limits per kind of caller are published in the documentation."

    def __init__(self, detail: str = "", *, retry_after: int) -> None:
        super().__init__(detail, retry_after=retry_after)


class TooLarge(DomainError):
    code, kind, title = "too_large", Kind.TOO_LARGE, "The body is larger than this address reads."
    remedy = "Send less at a time; the limit is in the endpoint's description."


class FileTooLarge(TooLarge):
    """Carries `most_bytes`."""

    title = "The file is larger than is kept here."
    remedy = "Send a file of at most 5 MiB: a photograph at a lower quality, or fewer pages."


class FileNotAccepted(DomainError):
    code, kind, title = "file_not_accepted", Kind.INVALID, "Only pictures (JPEG, PNG, WebP) and PDF are accepted."
    remedy = "Send a photograph, a screenshot or a PDF. What a file is called does not matter, what is inside does."


class FileUnreadable(DomainError):
    code, kind, title = "file_unreadable", Kind.INVALID, "The file is damaged or is not whole."
    remedy = "Open it on your device to see whether it is whole, save it again and send that."


class PictureTooLarge(DomainError):
    """Carries `width`, `height` and `most_pixels`."""

    code, kind, title = "picture_too_large", Kind.INVALID, "The picture has more pixels than are read here."
    remedy = "Scale it down: 25 million pixels are read, of a WebP 12 million."


class PictureHasFrames(DomainError):
    code, kind, title = "picture_has_frames", Kind.INVALID, "The picture moves, or holds several pictures."
    remedy = "Send one still picture; take a screenshot of the one that matters."
