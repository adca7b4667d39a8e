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


class ImportedElsewhere(WrongState):
    title = "Another process is importing this file, or has moved on in it."
    remedy = "Wait until it has ended, then start the import again: it goes on where the other stopped."


class ScorecardIsPublished(WrongState):
    title = "A published scorecard never changes."
    remedy = "Give the changed scorecard a new version."


class SelfApproval(DomainError):
    code, kind, title = "self_approval", Kind.FORBIDDEN, "Publishing takes two operators: nobody decides on their own."
    remedy = "Another operator, who has not written or submitted it, decides."


class DraftHasChanged(WrongState):
    title = "Somebody changed this draft after you read it. Nothing of yours was saved."
    remedy = "Read it again and make your change once more."


class DraftNotSound(WrongState):
    title = "The draft has faults, so it cannot be tried out or published."
    remedy = "Correct what its form shows."


class ShadowRunNeeded(WrongState):
    title = "What this draft would change is not known yet."
    remedy = "Make a shadow run of the draft as it is now, against the scorecard in force."


class GateShut(WrongState):
    title = "The shadow run stops this draft: nobody can override it."
    remedy = "Change the draft and run it again, or withdraw it."


class NoteMissing(WrongState):
    title = "The public reads what changes and why, and nothing is written there."
    remedy = "Write the note first."


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


class AlreadyDisputed(DomainError):
    """Carries `entries`, those that are in an open dispute."""

    code, kind, title = "already_disputed", Kind.CONFLICT, "A record is in a dispute that is still open."
    remedy = "Wait for its end, withdraw it, or leave out the records that `entries` names."


class EntryStruck(DomainError):
    """Carries `entries`, those that are struck."""

    code, kind, title = "entry_struck", Kind.CONFLICT, "A record is struck: it counts no more, and nothing is disputed."
    remedy = "Leave out the records that `entries` names."


class EvidenceNeeded(DomainError):
    """Carries `entries`, those that were disputed on this ground before."""

    code, kind = "evidence_needed", Kind.CONFLICT
    title = "A record was disputed on this ground before: that can be raised again only with new evidence."
    remedy = "Add a file that was not there the first time, or leave out the records that `entries` names."


class AppealTooLate(WrongState):
    title = "The days for an appeal are over."
    remedy = "An appeal is made within 30 days of the decision."


class AnswerTooLate(WrongState):
    title = "The days to answer are over: the records are struck."
    remedy = "Answer disputes by their `due_on`."


class NotAnsweredYet(WrongState):
    title = "The furnisher has not answered yet, and still has days to do so."
    remedy = "Uphold it if that is plain, or wait for the answer or for the due day."


class OwnDispute(DomainError):
    code, kind, title = "own_dispute", Kind.FORBIDDEN, "Nobody decides on their own records."
    remedy = "Another operator decides."


class SecondOperatorNeeded(DomainError):
    code, kind, title = "second_operator_needed", Kind.FORBIDDEN, "This takes another operator than the first."
    remedy = "Another operator of the same role does it."


class AlreadyProposed(DomainError):
    code, kind = "already_proposed", Kind.CONFLICT
    title = "Upholding this batch on this ground was proposed already."
    remedy = "Another operator confirms the proposal that stands, or it is dropped."


class UnknownVouchRequest(NotFound):
    """One answer for a link that nobody made, that has ended, that was used, and for one's own."""

    title = "This link asks for nothing: it has ended, was used, is your own, or never was one."
    remedy = "Ask whoever sent it for a new one: a link works once, for seven days, and for somebody else."


class TooManyVouchRequests(DomainError):
    """Carries `limit`."""

    code, kind = "too_many_vouch_requests", Kind.CONFLICT
    title = "You have as many open links as one person may have."
    remedy = "Use one of them, or wait until one has ended: each is open for seven days."


class EnrolledTooRecently(DomainError):
    """Carries `on`, the first day on which it will not stand in the way."""

    code, kind = "enrolled_too_recently", Kind.FORBIDDEN
    title = "You have not been enrolled for long enough to vouch for somebody."
    remedy = "Come back on the day that `on` names."


class AlreadyVouched(DomainError):
    code, kind, title = "already_vouched", Kind.CONFLICT, "You vouch for this person already."
    remedy = "One vouch counts once; there is nothing to do."


class VouchLimitReached(DomainError):
    """Carries `limit` and, where the limit is the year's, `on`: the day on which there is room again."""

    code, kind = "vouch_limit_reached", Kind.CONFLICT
    title = "You have given as many vouches as one person may."
    remedy = "Three can stand at once, and six can be given in twelve months: end one you gave, or wait."


class SeedExists(DomainError):
    code, kind, title = "seed_exists", Kind.CONFLICT, "This person is on the list of seeds already."
    remedy = "Another operator confirms a proposal; nothing else is needed."


class OwnSeed(DomainError):
    code, kind, title = "own_seed", Kind.FORBIDDEN, "Nobody makes a seed of themselves."
    remedy = "Two other operators choose."


class AnswerNotGenuine(DomainError):
    """One answer for a wrong signature, an old one and a message that is none."""

    code, kind, title = "answer_not_genuine", Kind.FORBIDDEN, "This is no answer of the document check."
    remedy = "Sign the message as it is sent, with the secret of this deployment, within five minutes."


class UnknownVisit(DomainError):
    code, kind, title = "unknown_visit", Kind.NOT_FOUND, "Nobody is at the document check under this token."
    remedy = "A visit takes one answer, within a day; the citizen can start another."


class OwnFile(DomainError):
    code, kind, title = "own_file", Kind.FORBIDDEN, "Nobody opens their own file, or that of somebody they vouch with."
    remedy = "Another operator can. What is recorded about yourself is on your own pages."


class FileLimitReached(DomainError):
    """Carries `limit`, how many look-ups the operator may make today."""

    code, kind, title = "file_limit_reached", Kind.CONFLICT, "You have looked up as many people today as you may alone."
    remedy = "Ask another operator to allow you more for today; the count begins anew at midnight UTC."


class FileClosed(DomainError):
    code, kind, title = "file_closed", Kind.CONFLICT, "This file is closed."
    remedy = "A file closes after 30 minutes, and when you open another. Open it again, with a reason."


class AllowanceWaits(DomainError):
    code, kind, title = "allowance_waits", Kind.CONFLICT, "You have asked for more already."
    remedy = "Another operator decides; nothing else is needed."


class SignatureRefused(DomainError):
    """What all refusals of a signature share: they ask for one, as HTTP says it (RFC 9421, section 5.1)."""

    kind = Kind.UNAUTHENTICATED
    headers = {
        "WWW-Authenticate": 'Signature realm="sources"',
        "Accept-Signature": 'sig=("@method" "@target-uri" "content-digest");created;tag="furnisher-v1"',
    }


class SignatureMissing(SignatureRefused):
    code, title = "signature_missing", "A furnisher signs what it sends here, and this request is not signed."
    remedy = (
        "Sign it as RFC 9421 says, with Ed25519 and a key registered with `POST /api/v1/sources/keys`: send "
        "`Content-Digest`, `Signature-Input` and `Signature`."
    )


class SignatureMalformed(SignatureRefused):
    """The detail says what is missing or not as it should be."""

    code, title = "signature_malformed", "The request's signature is not of the form that is read here."
    remedy = (
        'Cover exactly "@method", "@target-uri" and "content-digest", with `created`, `keyid`, `nonce` (16 to 128 of '
        'A–Z a–z 0–9 . _ ~ + / = -) and `tag="furnisher-v1"`.'
    )


class SignatureExpired(SignatureRefused):
    """Carries `created`, `now` (both in seconds since 1970) and `max_age`."""

    code, title = "signature_expired", "The signature is too old, or made in the future."
    remedy = "Sign each request when you send it, with `created` and a new nonce; look that your clock is right."


class SignatureKeyUnknown(SignatureRefused):
    """One answer for a key nobody registered, for a revoked one and for another source's."""

    code, title = "signature_key_unknown", "The signature names a key that is not one of your source's in force."
    remedy = "Sign with a key that `GET /api/v1/sources/keys` lists as live, or register one first."


class SignatureInvalid(SignatureRefused):
    code, title = "signature_invalid", "The signature is not this request's: something it covers differs, or the key."
    remedy = "Sign the method, the address as it is sent (with its query) and the digest of the body as it is sent."


class DigestMismatch(SignatureRefused):
    code, title = "digest_mismatch", "The header `Content-Digest` is not the SHA-256 of this body."
    remedy = "Send `Content-Digest: sha-256=:…:` of the very bytes of the body; of no body, that of no bytes."


class SignatureReplayed(DomainError):
    code, kind, title = "signature_replayed", Kind.CONFLICT, "This signature was used already: nothing was done again."
    remedy = "Sign the request anew, with a new nonce; a batch that is sent again is harmless."


class KeyProofMissing(SignatureRefused):
    code, title = "key_proof_missing", "The registration is not signed by the key it registers."
    remedy = "Sign the request with the new key, too: that proves that you have it."


class LiveKeyNeeded(SignatureRefused):
    code, title = "live_key_needed", "A source with a key in force registers others with a signature by that one."
    remedy = "Sign the request twice, by the new key and by one that is in force. Are all lost, ask us to revoke them."


class KeyKnown(DomainError):
    code, kind = "key_known", Kind.CONFLICT
    title = "This key was registered before: for another source, or until it was revoked."
    remedy = "Make a new key: each is registered once, for one source, and never comes back."


class TooManyKeys(DomainError):
    """Carries `limit`."""

    code, kind, title = "too_many_keys", Kind.CONFLICT, "Your source has as many keys in force as it may have."
    remedy = "Revoke one that you no longer use with `DELETE /api/v1/sources/keys/{id}`."
