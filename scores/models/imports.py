"""How far a file of records has been imported. Counts and a hash: nothing here is about a person."""

from django.db import models
from django.db.models import Q

from scores.models.sources import Source


class FileImport(models.Model):
    """The position in one file for one source, moved in the transaction of the entries before it.

    `fingerprint` is the SHA-256 of the whole file: the same contents under another name are the same file.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(Source, models.CASCADE, related_name="imports")
    fingerprint = models.CharField(max_length=64)
    bytes_done = models.PositiveBigIntegerField(default=0)
    lines_done = models.PositiveBigIntegerField(default=0)
    accepted_count = models.PositiveBigIntegerField(default=0)
    duplicate_count = models.PositiveBigIntegerField(default=0)
    rejected_counts = models.JSONField(default=dict)  # {code: rows}
    started_at = models.DateTimeField()
    moved_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "fingerprint"], name="file_import_one_per_source_and_file"),
            models.CheckConstraint(condition=Q(moved_at__gte=models.F("started_at")), name="file_import_moves_on"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id}: {self.lines_done} lines"
