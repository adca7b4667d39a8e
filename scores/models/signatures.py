"""Who signed what a source sent: the keys of its client, the nonces they have used, and what proves a batch."""

from django.db import models
from django.db.models import F, Q

from citizen_app.models.keys import NamedQuerySet, UUIDNamed
from scores.models.entries import Entry
from scores.models.sources import Source


class SourceKeyQuerySet(NamedQuerySet):
    def live(self) -> "SourceKeyQuerySet":
        return self.filter(revoked_at=None)


class SourceKey(UUIDNamed):
    """A public key (Ed25519) with which a source's client signs its requests; the row stays when it is revoked.

    `keyid` follows from the key alone (its RFC 7638 thumbprint), so that a client can sign with it before we know it.
    """

    prefix = "key"
    source = models.ForeignKey(Source, models.RESTRICT, related_name="keys")
    keyid = models.CharField(max_length=43)
    public_key = models.CharField(max_length=43)  # 32 bytes in base64url, the `x` of its JWK
    name = models.CharField(max_length=60, blank=True)
    registered_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    objects = SourceKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            # For good and for everybody: a revoked key never comes back, and no signature is good for two sources.
            models.UniqueConstraint(fields=["keyid"], name="source_key_registered_once"),
            models.CheckConstraint(
                condition=Q(revoked_at=None) | Q(revoked_at__gte=F("registered_at")),
                name="source_key_revoked_after_it_was_registered",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class UsedNonce(models.Model):
    """That a signature was used, for as long as it could be used again."""

    id = models.BigAutoField(primary_key=True)
    # The key stands first in the constraint's index.
    key = models.ForeignKey(SourceKey, models.CASCADE, db_index=False, related_name="nonces")
    nonce = models.CharField(max_length=128)
    used_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "nonce"], name="signature_used_once"),
        ]
        indexes = [
            # Forgetting those whose signature is too old to be accepted.
            models.Index(fields=["used_at"], name="used_nonce_by_time"),
        ]

    def __str__(self) -> str:
        return f"nonce {self.pk}"


class SignedBatch(models.Model):
    """What proves who sent a batch: the signature and what it covers. Of the body only its digest is here.

    It is kept for as long as one of its entries is.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(Source, models.RESTRICT, related_name="signed_batches")
    key = models.ForeignKey(SourceKey, models.RESTRICT, related_name="batches")
    created_at = models.DateTimeField()  # as the signer says
    nonce = models.CharField(max_length=128)
    target_uri = models.CharField(max_length=400)  # of the address that takes batches: it names nobody
    content_digest = models.CharField(max_length=400)  # the whole field, as it is signed
    signature_params = models.CharField(max_length=800)  # the last line of what is signed
    signature = models.CharField(max_length=88)  # 64 bytes in base64
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [
            # Forgetting those whose entries are all gone, the oldest first.
            models.Index(fields=["recorded_at"], name="signed_batch_by_time"),
        ]

    def __str__(self) -> str:
        return f"batch {self.pk}"


class EntryProof(models.Model):
    """The hash of one entry's row as its furnisher signed it (RFC 8785); it goes when the entry does."""

    entry = models.OneToOneField(Entry, models.CASCADE, primary_key=True, related_name="proof")
    batch = models.ForeignKey(SignedBatch, models.RESTRICT, related_name="proofs")
    row_sha256 = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"proof of {self.entry_id}"
