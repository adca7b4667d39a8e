"""The furnisher's keys: what its client signs with, registered with proof, changed with overlap, revoked."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import client_of
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import StrictSerializer, Text, read_body
from scores import signing
from scores.api.signed import SourceApiView
from scores.models import SourceKey
from scores.services.source_keys import register_key, revoke_key


class SourceKeyInput(StrictSerializer):
    public_key = Text(max_length=64, help_text="the 32 bytes of an Ed25519 public key in base64url, without padding")
    name = Text(max_length=60, required=False, allow_blank=True, help_text="for you to tell your keys apart")

    def validate_public_key(self, public_key: str) -> str:
        try:
            signing.raw_key(public_key)
        except signing.BadKey as bad:
            raise serializers.ValidationError(str(bad), "invalid") from bad
        return public_key


class SourceKeySerializer(serializers.Serializer):
    id = serializers.CharField()
    keyid = serializers.CharField(help_text="what a signature names: the key's thumbprint (RFC 7638)")
    public_key = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(["live", "revoked"])
    registered_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)


def _told(keys: list[SourceKey]) -> list[dict[str, Any]]:
    rows = [
        {
            "id": key.public_id,
            "keyid": key.keyid,
            "public_key": key.public_key,
            "name": key.name,
            "state": "live" if key.revoked_at is None else "revoked",
            "registered_at": key.registered_at,
            "revoked_at": key.revoked_at,
        }
        for key in keys
    ]
    return list(SourceKeySerializer(rows, many=True).data)


class SourceKeysView(SourceApiView):
    """The keys your server signs with."""

    query_serializer = {"get": PageQuery}
    most_signatures = 2

    def must_be_signed(self, request: Request) -> bool:
        # The signature is the proof of having the key, wherever nothing else need be signed.
        return request.method == "POST" or super().must_be_signed(request)

    def keys_named(self, request: Request, message: signing.SignedMessage, keyids: list[str]) -> dict[str, SourceKey]:
        """A registration may be signed by the very key it brings, which is not known yet."""
        keys = super().keys_named(request, message, keyids)
        if request.method != "POST" or all(keyid in keys for keyid in keyids):
            return keys
        # It stands in the body, so that is read first here: a mebibyte at most, and only if it is what was signed.
        signing.check_digest(message, self.body_of(request))
        public_key = read_body(request, SourceKeyInput)["public_key"]
        brought = SourceKey(source=super().source(request), keyid=signing.thumbprint(public_key), public_key=public_key)
        return {brought.keyid: brought} | keys

    @extend_schema(operation_id="list_source_keys", responses=page_of("SourceKeyPage", SourceKeySerializer))
    def get(self, request: Request) -> Response:
        """Return your source's keys, the latest first; those you revoked, too."""
        return page(request, self.source(request).keys.all(), order=("-registered_at", "-id"), shape=_told)

    @extend_schema(
        operation_id="register_source_key",
        request=SourceKeyInput,
        responses={201: SourceKeySerializer, 200: SourceKeySerializer},
    )
    def post(self, request: Request) -> Response:
        """Register a public key, at most four at a time; 200 when it is in force already.

        The request is signed by the new key: that proves you have it. Where you have keys in force, it is signed by one
        of those, too (a second signature under another label). To change keys, register the new one, sign with it,
        and revoke the old.
        """
        body = read_body(request, SourceKeyInput)
        key, is_new = register_key(
            source=self.source(request),
            public_key=body["public_key"],
            name=body.get("name", ""),
            signatures=self.signatures,
            by=client_of(request),
        )
        return Response(_told([key])[0], status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)


class SourceKeyView(SourceApiView):
    """One of your keys."""

    @extend_schema(operation_id="revoke_source_key", responses={204: None})
    def delete(self, request: Request, key_id: str) -> Response:
        """Take a key out of force for good, at once; safe to repeat. The key may revoke itself."""
        key = SourceKey.objects.filter(source=self.source(request)).select_related("source").named(key_id)
        revoke_key(key=key, by=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
