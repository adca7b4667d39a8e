"""What scores refuse, each with a code that stays and a sentence that says what would change it."""

from citizen_app.errors import DomainError, Kind, NotFound, WrongState


class AdultRequired(DomainError):
    code, kind, title = "adult_required", Kind.FORBIDDEN, "Only adults can be scored."
    remedy = "Enrol once you are of age here, and declare it with `adult: true`."


class ConsentOutdated(DomainError):
    """Carries `current_version`, the number of the text to show now."""

    code, kind, title = "consent_outdated", Kind.CONFLICT, "This is not the consent text in force."
    remedy = "Show the text of `/api/v1/consent-texts/current` and send its version."


class NotEnrolled(DomainError):
    code, kind, title = "not_enrolled", Kind.NOT_FOUND, "You are not enrolled, so there is nothing about you here."
    remedy = "Enrol with `POST /api/v1/me/enrolment`."


class AlreadyEnrolledElsewhere(DomainError):
    code, kind = "already_enrolled_elsewhere", Kind.CONFLICT
    title = "The person of this document is enrolled with another account."
    remedy = "Leave with the other account first: a person has one live enrolment."


class UnknownSource(NotFound):
    """A source code nobody has; the same answer as for anything else that is not there."""


class SourceExists(DomainError):
    code, kind, title = "source_exists", Kind.CONFLICT, "There is a source of this code already."
    remedy = "Choose another code."


class KindNotFurnished(DomainError):
    """Carries `kinds`, the codes that this furnisher may not send."""

    code, kind, title = (
        "kind_not_furnished",
        Kind.UNPROCESSABLE,
        "A furnisher of this sort may not furnish such records.",
    )
    remedy = "Register only kinds that the catalogue lets it furnish: a bank tells of payments, a city of recycling."


class NotLinked(WrongState):
    title = "This source is not linked."
    remedy = "Link it first with `POST /api/v1/me/sources/{code}/link`."


class PlatformStaysLinked(WrongState):
    title = "The platform's own records are linked for as long as you are enrolled."
    remedy = "Switch them off instead, or leave: then they are erased."


class UnknownLinkCode(DomainError):
    """One answer for a wrong, an old and a used code, and for another source's."""

    code, kind = "unknown_link_code", Kind.NOT_FOUND
    title = "This link code is wrong, too old or already used."
    remedy = "Ask the citizen for a new one: it works once, for 15 minutes, for the source it was made for."


class SubjectTaken(DomainError):
    code, kind, title = "subject_taken", Kind.CONFLICT, "This subject is linked to another citizen."
    remedy = "Send the subject id under which you know this citizen, or have the other link ended first."


class AlreadyLinked(DomainError):
    code, kind = "already_linked", Kind.CONFLICT
    title = "This citizen is linked to your source under another subject."
    remedy = "The citizen ends that link first, which erases what was recorded under it."


class TooManyEntries(DomainError):
    """Carries `limit`."""

    code, kind, title = "too_many_entries", Kind.TOO_LARGE, "There are too many entries in one batch."
    remedy = "Send at most 10,000 entries in a batch."


class UnlinkedBatch(DomainError):
    """Nothing of the batch was stored; carries `not_linked` and `limit`, counts of rows."""

    code, kind = "unlinked_batch", Kind.UNPROCESSABLE
    title = "Too many rows are about people who have not linked you. Nothing of the batch was stored."
    remedy = "Read `GET /api/v1/sources/links` and send only entries about the subjects it lists."


class ScorecardIsPublished(WrongState):
    title = "A published scorecard never changes."
    remedy = "Give the changed scorecard a new version."


class ConsentTextIsPublished(WrongState):
    title = "A numbered consent text never changes."
    remedy = "Give the changed text a new version."


class DocumentOfAnother(WrongState):
    title = "This account's document was checked before, and it was another person's."
    remedy = "An account is one person's: the other person signs up for their own."


class DocumentNotAccepted(DomainError):
    code, kind, title = "document_not_accepted", Kind.FORBIDDEN, "The document check did not say that you are of age."
    remedy = "Have a document checked that shows your date of birth."


class OwnDocument(DomainError):
    code, kind, title = "own_document", Kind.FORBIDDEN, "Nobody checks their own document."
    remedy = "Another operator checks it."


class AnswerNotGenuine(DomainError):
    """One answer for a wrong signature, an old one and a message that is none."""

    code, kind, title = "answer_not_genuine", Kind.FORBIDDEN, "This is no answer of the document check."
    remedy = "Sign the message as it is sent, with the secret of this deployment, within five minutes."


class UnknownVisit(DomainError):
    code, kind, title = "unknown_visit", Kind.NOT_FOUND, "Nobody is at the document check under this token."
    remedy = "A visit takes one answer, within a day; the citizen can start another."
