"""How a receipt of leaving or closing is told."""

from rest_framework import serializers


class KeptSerializer(serializers.Serializer):
    what = serializers.CharField()
    why = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True)


class ReceiptSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    erased = serializers.DictField(child=serializers.IntegerField(), help_text="rows by table")
    kept = KeptSerializer(many=True)
