"""What becomes of a signature that is right: it is used once, and kept as evidence with the batch it was on."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import rfc8785
from django.db import IntegrityError, transaction
from django.utils import timezone

from citizen_app.bulk import write_values
from citizen_app.db import violated
from citizen_app.models import OAuthApplication
from scores.errors import SignatureReplayed
from scores.models import EntryProof, SignedBatch, Source, SourceKey, UsedNonce
from scores.signing import AHEAD, MAX_AGE, Claim, Proof

NONCES_KEPT: Final = MAX_AGE + AHEAD + timedelta(minutes=5)
"""Longer than any signature is taken for new, also where our machines' clocks differ."""
PROOFS_LOOKED_AT_AFTER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that is right, and whose."""

    key: SourceKey
    claim: Claim
    proof: Proof


def live_keys(*, client: OAuthApplication, keyids: Iterable[str]) -> dict[str, SourceKey]:
    """Those of a client's keys that are in force, by their ids, each with its source."""
    keys = SourceKey.objects.live().select_related("source__furnisher")
    return {key.keyid: key for key in keys.filter(keyid__in=list(keyids), source__application=client)}


def use_once(signature: Signature, *, now: datetime | None = None) -> None:
    """Take a signature for the first and only time, whatever becomes of its request; else `SignatureReplayed`."""
    try:
        with transaction.atomic():
            UsedNonce.objects.create(key=signature.key, nonce=signature.claim.nonce, used_at=now or timezone.now())
    except IntegrityError as error:
        if violated(error) == "signature_used_once":
            raise SignatureReplayed from error
        raise


def hash_of_row(row: dict[str, Any]) -> str:
    """The hash of a row's own canonical bytes (RFC 8785), whatever else was in its batch.

    A value that is taken has thirteen digits at most, so that a float is its exact decimal.
    """
    plain = {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()}
    return hashlib.sha256(rfc8785.dumps(plain)).hexdigest()


def keep_evidence(
    signature: Signature, hashes: Iterable[tuple[int, str]], *, source: Source, now: datetime
) -> SignedBatch:
    """Keep what proves who sent these entries (each key with its row's hash), in the transaction that records them."""
    batch = SignedBatch.objects.create(
        source=source,
        key=signature.key,
        created_at=signature.claim.created,
        nonce=signature.claim.nonce,
        target_uri=signature.proof.target_uri,
        content_digest=signature.proof.content_digest,
        signature_params=signature.proof.parameters,
        signature=signature.proof.signature,
        recorded_at=now,
    )
    write_values(
        EntryProof, ("entry_id", "batch_id", "row_sha256"), ((entry_id, batch.pk, told) for entry_id, told in hashes)
    )
    return batch


def forget_nonces(*, now: datetime) -> int:
    """Forget the nonces of signatures that are too old to be taken again anyway."""
    return UsedNonce.objects.filter(used_at__lt=now - NONCES_KEPT).delete()[0]


def forget_proofs_of_nothing(*, now: datetime, limit: int) -> int:
    """Erase up to `limit` batches' evidence of which no entry is left (P8)."""
    old = SignedBatch.objects.filter(recorded_at__lt=now - PROOFS_LOOKED_AT_AFTER)
    of_nothing = old.filter(proofs=None).order_by("recorded_at").values_list("pk", flat=True)[:limit]
    return SignedBatch.objects.filter(pk__in=list(of_nothing)).delete()[0]
