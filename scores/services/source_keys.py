"""The keys of a source's client: registered with proof, several at once so that they can be changed, and revoked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from citizen_app.audit import record
from citizen_app.db import violated
from citizen_app.models import Citizen, OAuthApplication
from scores.errors import KeyKnown, KeyProofMissing, LiveKeyNeeded, TooManyKeys
from scores.models import Source, SourceKey
from scores.services.signatures import Signature, use_once
from scores.signing import thumbprint

MOST_LIVE_KEYS: Final = 4


@transaction.atomic
def register_key(
    *,
    source: Source,
    public_key: str,
    name: str = "",
    signatures: Sequence[Signature],
    by: OAuthApplication,
    now: datetime | None = None,
) -> tuple[SourceKey, bool]:
    """Take a key into force beside those that are; True when it is new.

    `signatures` are those of the registration, found right: one by the new key shows that its holder asks, and where
    there is a key in force one by it shows that whoever asks has more than a token. Raises `KeyProofMissing`,
    `LiveKeyNeeded`, `KeyKnown`, `TooManyKeys`.
    """
    now = now or timezone.now()
    keyid = thumbprint(public_key)
    own = next((each for each in signatures if each.claim.keyid == keyid), None)
    if own is None:
        raise KeyProofMissing
    Source.objects.select_for_update(no_key=True).get(pk=source.pk)
    live = {key.keyid: key for key in source.keys.live()}
    if keyid in live:
        return live[keyid], False
    if live and not any(each.claim.keyid in live for each in signatures):
        raise LiveKeyNeeded
    if len(live) >= MOST_LIVE_KEYS:
        raise TooManyKeys(limit=MOST_LIVE_KEYS)
    key = _insert_key(SourceKey(source=source, keyid=keyid, public_key=public_key, name=name, registered_at=now))
    use_once(Signature(key, own.claim, own.proof), now=now)
    record(by=by, action="source_key.register", on=f"source:{source.code}", key=key.public_id, keyid=keyid)
    return key, True


def _insert_key(key: SourceKey) -> SourceKey:
    try:
        with transaction.atomic():
            key.save(force_insert=True)
    except IntegrityError as error:
        if violated(error) == "source_key_registered_once":
            raise KeyKnown from error
        raise
    return key


@transaction.atomic
def revoke_key(*, key: SourceKey, by: Citizen | OAuthApplication | None, now: datetime | None = None) -> bool:
    """Take a key out of force for good: the next request signed by it is refused. True when it was in force."""
    now = now or timezone.now()
    if not SourceKey.objects.live().filter(pk=key.pk).update(revoked_at=now):
        return False
    on = f"source:{key.source.code}"
    record(by=by, action="source_key.revoke", on=on, key=key.public_id, keyid=key.keyid)
    return True
