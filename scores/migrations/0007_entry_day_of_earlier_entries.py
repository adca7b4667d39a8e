"""Entries recorded before the column was there get their day."""

from django.db import migrations

from scores.models.entries import DayNumber


def fill(apps, schema_editor):
    apps.get_model("scores", "Entry").objects.filter(day=0).update(day=DayNumber("occurred_on"))


class Migration(migrations.Migration):
    dependencies = [("scores", "0006_entry_day_and_covering_index")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
