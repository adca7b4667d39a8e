"""What merchants offer, from the first draft to the end: writing, review by an operator, publishing, pausing.

What was published never changes: a change of what binds the citizen is a new version, which an operator approves while
the one in force stays. Everything else changes at once.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from citizen_app import audit
from citizen_app.errors import FieldError, InvalidInput, WrongState
from citizen_app.models import Citizen, OAuthApplication
from perks import hours, states, tiers, translations
from perks.errors import FairTermsMissing, MerchantNotActive, NotApproved, PerkHeld
from perks.models import Branch, Merchant, Perk, PerkCategory, PerkDay, PerkImage, PerkVersion, Redemption
from perks.services import plan_limits, ramp
from perks.services.found_by import write_what_it_is_found_by
from perks.services.keeping import pass_on
from perks.services.kinds import rules_of
from perks.services.merchants import require_impartial_operator
from perks.services.perk_body import BINDING, WORDING, PerkBody, read_body
from perks.services.registered import require_good_standing
from perks.services.telling import tell_perk
from perks.services.thresholds import check_thresholds, retire_thresholds, use_thresholds

By = Citizen | OAuthApplication


@transaction.atomic
def draft_perk(
    *, merchant: Merchant, by: By, body: Mapping[str, Any], is_demo: bool = False, now: datetime | None = None
) -> Perk:
    """Write a perk that only its team sees. `body` is the contract's perk body; mistakes are `InvalidInput`."""
    now = now or timezone.now()
    read = read_body(body, merchant=merchant)
    perk = Perk.objects.create(
        merchant=merchant, kind=read.kind, purpose=merchant.purpose, made_at=now, is_demo=is_demo, **read.perk
    )
    perk.pending = _new_version(perk, read.version, now)
    perk.save(update_fields=["pending"])
    _write_beside(perk, read)
    audit.record(by=by, action="perk.draft", on=perk.public_id, merchant=merchant.public_id)
    return perk


@transaction.atomic
def edit_perk(*, perk: Perk, by: By, body: Mapping[str, Any], now: datetime | None = None) -> Perk:
    """Change a perk: a draft as a whole; past review, what binds the citizen waits for an operator's approval.

    Raises `WrongState` while it is being reviewed and when it has ended, and for published tiers the probing rule's
    refusals.
    """
    now = now or timezone.now()
    perk = _locked(perk)
    if perk.state in (Perk.State.REVIEW, Perk.State.ENDED):
        raise WrongState(f"A perk in {perk.state!r} cannot be changed.")
    read = read_body(body, merchant=perk.merchant, perk=perk)
    changes: dict[str, Any] = {**read.perk, "refusal": perk.refusal}
    if perk.state == Perk.State.DRAFT:
        changes["kind"] = read.kind
        PerkVersion.objects.filter(pk=perk.version_written.pk).update(**read.version)
    else:
        changes |= _change_of_versions(perk, read, now)
    before = (perk.limit_per_day, perk.zone)
    Perk.objects.filter(pk=perk.pk).update(**changes, revision=F("revision") + 1)
    _write_beside(perk, read)
    if read.perk["stock"] is not None:
        pass_on(perk.pk, now=now)
    perk.refresh_from_db()
    write_what_it_is_found_by(perk)
    if perk.limit_per_day is not None and before != (perk.limit_per_day, perk.zone):
        _count_today(perk, now)
    audit.record(by=by, action="perk.edit", on=perk.public_id, fields=sorted(body))
    return perk


@transaction.atomic
def submit_perk(*, perk: Perk, by: By) -> Perk:
    """Hand a draft to the operators. Only with fair terms is it taken."""
    perk = _locked(perk)
    _require(perk, "submit")
    if not perk.version_written.fair_terms.strip():
        raise FairTermsMissing
    if perk.kind == Perk.Kind.DEPOSIT_WAIVER and perk.version_written.deposit is None:
        raise InvalidInput(FieldError("/deposit", "required", "Say which deposits are waived, and the most claimed."))
    if (
        perk.kind in (Perk.Kind.PRIORITY, Perk.Kind.DEPOSIT_WAIVER)
        and not Branch.objects.filter(merchant_id=perk.merchant_id, closed_at=None).exists()
    ):
        raise InvalidInput(FieldError("/branches", "required", "It is given at a branch: add one first."))
    return _move(perk, "submit", by, refusal="")


@transaction.atomic
def approve_perk(*, perk: Perk, by: Citizen, revision: int | None = None, now: datetime | None = None) -> Perk:
    """Let a perk, or the waiting version of one, be offered. Never by somebody of the merchant's own team.

    `revision` is the one the operator has read: what its merchant changed since is not approved unread (`WrongState`).
    """
    now = now or timezone.now()
    perk = _locked(perk)
    require_impartial_operator(by, perk.merchant)
    _require_revision(perk, revision)
    version = _waiting(perk)
    PerkImage.objects.filter(perk=perk, looked_at=None).update(looked_at=now)  # the operator has seen them beside it
    if perk.state == Perk.State.REVIEW:
        _put_in_force(perk, version, by, now)
        return _move(perk, "approve", by)
    if perk.published_at is not None:
        require_good_standing(perk.merchant)
        ramp.check_terms(perk, version, now)
        offered = tiers.read_tiers(version.tiers)
        rules_of(perk.kind).may_publish(perk, offered=offered, deposit=version.deposit)
        check_thresholds(perk=perk, wanted=offered, now=now)
        use_thresholds(perk=perk, wanted=offered, now=now)
    _put_in_force(perk, version, by, now)
    audit.record(by=by, action="perk.approve", on=perk.public_id, version=version.number)
    return perk


@transaction.atomic
def refuse_perk(*, perk: Perk, by: Citizen, reason: str, revision: int | None = None) -> Perk:
    """Send a perk back to its draft, or its waiting version away, with the reason its team reads.

    `revision` as in `approve_perk`.
    """
    perk = _locked(perk)
    require_impartial_operator(by, perk.merchant)
    _require_revision(perk, revision)
    version = _waiting(perk)
    if perk.state == Perk.State.REVIEW:
        return _move(perk, "refuse", by, refusal=reason)
    Perk.objects.filter(pk=perk.pk).update(pending=None, refusal=reason, revision=F("revision") + 1)
    audit.record(by=by, action="perk.refuse", on=perk.public_id, version=version.number)
    perk.refresh_from_db()
    return perk


@transaction.atomic
def publish_perk(*, perk: Perk, by: By, now: datetime | None = None) -> Perk:
    """Offer an approved perk to everybody who reaches it.

    Raises `NotApproved`, `MerchantNotActive`, `PlanLimitReached`, and what the probing rule refuses:
    `ThresholdsTooClose`, `ThresholdUnreachable`.
    """
    now = now or timezone.now()
    perk = _locked_with_merchant(perk, now)
    if perk.state in (Perk.State.DRAFT, Perk.State.REVIEW):
        raise NotApproved
    _require(perk, "publish")
    _require_active(perk.merchant)
    ramp.check_publishing(perk, now)
    plan_limits.check_publishing(perk)
    if not perk.version_in_force.fair_terms.strip():
        raise FairTermsMissing
    if perk.valid_until_at is not None and perk.valid_until_at <= now:
        raise WrongState("Its validity is over; move `valid_until` first.")
    wanted = tiers.read_tiers(perk.version_in_force.tiers)
    rules_of(perk.kind).may_publish(perk, offered=wanted, deposit=perk.version_in_force.deposit)
    check_thresholds(perk=perk, wanted=wanted, now=now)
    use_thresholds(perk=perk, wanted=wanted, now=now)
    perk = _move(perk, "publish", by, published_at=now)
    tell_perk(perk, "published", now=now)
    return perk


@transaction.atomic
def pause_perk(*, perk: Perk, by: By, now: datetime | None = None) -> Perk:
    """Stop a perk from being taken; what is reserved is honoured."""
    perk = _move(_locked(perk), "pause", by)
    tell_perk(perk, "paused", now=now or timezone.now())
    return perk


@transaction.atomic
def hold_perk(*, perk: Perk, by: Citizen, reason: str, now: datetime | None = None) -> Perk:
    """Pause a perk in an operator's name: its merchant cannot resume it, and what is reserved is honoured."""
    perk = _locked(perk)
    require_impartial_operator(by, perk.merchant)
    if perk.state not in states.ON_OFFER:
        raise WrongState(f"A perk in {perk.state!r} is not on offer.")
    Perk.objects.filter(pk=perk.pk).update(hold_reason=reason, revision=F("revision") + 1)
    audit.record(by=by, action="perk.hold", on=perk.public_id)
    if perk.state == Perk.State.PUBLISHED:
        return pause_perk(perk=perk, by=by, now=now)
    perk.refresh_from_db()
    return perk


@transaction.atomic
def release_perk(*, perk: Perk, by: Citizen) -> Perk:
    """Let a merchant resume what an operator had paused; it stays paused until the merchant does."""
    perk = _locked(perk)
    require_impartial_operator(by, perk.merchant)
    if not perk.hold_reason:
        raise WrongState("No operator holds this perk.")
    Perk.objects.filter(pk=perk.pk).update(hold_reason="", revision=F("revision") + 1)
    audit.record(by=by, action="perk.release", on=perk.public_id)
    perk.refresh_from_db()
    return perk


@transaction.atomic
def resume_perk(*, perk: Perk, by: By, now: datetime | None = None) -> Perk:
    """Offer a paused perk again. What an operator paused (`PerkHeld`) goes on when an operator lets it.

    It counts as a publishing: `PlanLimitReached`.
    """
    now = now or timezone.now()
    perk = _locked_with_merchant(perk, now)
    _require(perk, "resume")
    _require_active(perk.merchant)
    if perk.hold_reason:
        raise PerkHeld(reason=perk.hold_reason)
    ramp.check_publishing(perk, now)
    plan_limits.check_publishing(perk)
    perk = _move(perk, "resume", by)
    tell_perk(perk, "published", now=now)
    return perk


@transaction.atomic
def end_perk(*, perk: Perk, by: By | None, now: datetime | None = None) -> Perk:
    """End a perk for good; what is reserved is honoured. `by` None is its validity running out."""
    now = now or timezone.now()
    perk = _move(_locked(perk), "end", by, ended_at=now)
    retire_thresholds(perk=perk, now=now)
    return perk


def end_lapsed_perks(*, now: datetime, limit: int = 500) -> int:
    """End the perks whose validity is over; return how many. A perk is judged ended at once, this only files it."""
    lapsed = Perk.objects.filter(state__in=states.ON_OFFER, valid_until_at__lte=now).order_by("pk")
    ended = 0
    for perk in list(lapsed[:limit]):
        with transaction.atomic():
            held = _locked(perk)
            # Judged again under the lock: its merchant may have moved the end, or ended it, meanwhile.
            if held.state in states.ON_OFFER and held.valid_until_at is not None and held.valid_until_at <= now:
                end_perk(perk=held, by=None, now=now)
                ended += 1
    return ended


def _locked(perk: Perk) -> Perk:
    """Return the perk as it is now, held until the transaction ends."""
    held = Perk.objects.select_for_update(of=("self",)).select_related("merchant", "in_force", "pending")
    found: Perk = held.get(pk=perk.pk)
    return found


def _locked_with_merchant(perk: Perk, now: datetime) -> Perk:
    """The same, and before it the merchant's row where its perks on offer are counted: new, or without a plan."""
    if ramp.is_in_ramp(perk.merchant, now) or plan_limits.allowed_perks(perk.merchant) is not None:
        ramp.hold_merchant(perk.merchant_id)
    return _locked(perk)


def _require_revision(perk: Perk, revision: int | None) -> None:
    if revision is not None and perk.revision != revision:
        raise WrongState("It was changed since it was read. Read it again.")


def _require(perk: Perk, action: str) -> None:
    if not states.PERK.allowed(perk.state, action):
        raise WrongState(f"A perk in {perk.state!r} cannot be moved by {action!r}.")


def _require_active(merchant: Merchant) -> None:
    if merchant.state != Merchant.State.ACTIVE:
        raise MerchantNotActive(state=merchant.state)
    require_good_standing(merchant)


def _move(perk: Perk, action: str, by: By | None, **changes: Any) -> Perk:
    """Move a perk by a guarded update, put it on record and return it as it is now."""
    _require(perk, action)
    moved = Perk.objects.filter(pk=perk.pk, state__in=states.PERK.sources(action)).update(
        state=states.PERK.target(action), revision=F("revision") + 1, **changes
    )
    if not moved:
        raise WrongState
    audit.record(by=by, action=f"perk.{action}", on=perk.public_id)
    perk.refresh_from_db()
    return perk


def _waiting(perk: Perk) -> PerkVersion:
    """The version an operator is asked about, or `WrongState` when there is none."""
    standing = (Perk.State.APPROVED, Perk.State.PUBLISHED, Perk.State.PAUSED)
    if perk.pending is None or (perk.state != Perk.State.REVIEW and perk.state not in standing):
        raise WrongState("Nothing of this perk waits for a review.")
    return perk.pending


def _new_version(perk: Perk, words: Mapping[str, Any], now: datetime, **approved: Any) -> PerkVersion:
    last = PerkVersion.objects.filter(perk=perk).aggregate(last=Max("number"))["last"] or 0
    return PerkVersion.objects.create(perk=perk, number=last + 1, made_at=now, **words, **approved)


def _put_in_force(perk: Perk, version: PerkVersion, by: Citizen, now: datetime) -> None:
    PerkVersion.objects.filter(pk=version.pk).update(approved_at=now, approved_by=by)
    Perk.objects.filter(pk=perk.pk).update(
        **_reach_of(version.tiers), in_force=version, pending=None, refusal="", revision=F("revision") + 1
    )
    perk.refresh_from_db()
    write_what_it_is_found_by(perk)


def _reach_of(raw_tiers: list[dict[str, Any]]) -> dict[str, Any]:
    read = tiers.read_tiers(raw_tiers)
    return {"easiest_min_score": tiers.easiest_threshold(read), "has_open_tier": tiers.has_open_tier(read)}


def _change_of_versions(perk: Perk, read: PerkBody, now: datetime) -> dict[str, Any]:
    """Make the versions an edit of an approved perk needs; return what it changes on the perk."""
    in_force, pending = perk.version_in_force, perk.pending
    changes: dict[str, Any] = {}
    words = {name: read.version[name] for name in WORDING}
    words["translations"] = translations.with_new_wording(in_force.translations, read.version["translations"])
    if any(getattr(in_force, name) != value for name, value in words.items()):
        # Words that bind nobody change at once; what was published before stays as it was.
        bound = {name: getattr(in_force, name) for name in BINDING}
        approved = {"approved_at": in_force.approved_at, "approved_by": in_force.approved_by}
        changes["in_force"] = _new_version(perk, {**words, **bound}, now, **approved)
    if not _binds_otherwise(in_force, read):
        return {**changes, "pending": None}
    waits_already = pending is not None and not _binds_otherwise(pending, read)
    if perk.published_at is not None and not waits_already:
        # What waits as it is was judged when it was written, and is again at its approval: other words change at once.
        ramp.check_words(perk, tiers=read.version["tiers"], deposit=read.version["deposit"], now=now)
        rules_of(perk.kind).may_publish(perk, offered=read.tiers, deposit=read.version["deposit"])
        check_thresholds(perk=perk, wanted=read.tiers, now=now)
    if pending is not None:
        PerkVersion.objects.filter(pk=pending.pk).update(**read.version)
        return changes
    return {**changes, "pending": _new_version(perk, read.version, now), "refusal": ""}


def _binds_otherwise(version: PerkVersion, read: PerkBody) -> bool:
    """Whether what binds the citizen, in any language, is to be another than what a version says."""
    if any(getattr(version, name) != read.version[name] for name in BINDING):
        return True
    bound = [
        translations.part(one, translations.BINDING) for one in (version.translations, read.version["translations"])
    ]
    return bound[0] != bound[1]


def _write_beside(perk: Perk, read: PerkBody) -> None:
    perk.branches.set(read.branches)
    PerkCategory.objects.filter(perk=perk).exclude(code__in=read.categories).delete()
    PerkCategory.objects.bulk_create(
        [PerkCategory(perk=perk, code=code) for code in read.categories], ignore_conflicts=True
    )


def _count_today(perk: Perk, now: datetime) -> None:
    """Start the day's counter from what was taken today before there was a limit per day, or in another zone.

    Exact, because the perk's row is held and every taking ends with an update of it that names its revision.
    """
    PerkDay.objects.filter(perk=perk).delete()
    start, end = hours.day_bounds(now, perk.zone)
    taken = Redemption.objects.filter(perk=perk, counts_for_stock=True, taken_at__gte=start, taken_at__lt=end).count()
    PerkDay.objects.create(perk=perk, day=hours.local_day(now, perk.zone), taken_count=taken)
