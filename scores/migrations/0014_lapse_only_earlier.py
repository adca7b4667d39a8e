"""An entry's facts never change and its lapse only moves earlier: the database refuses anything else (P8)."""

from django.db import migrations

from scores import entry_guards


class Migration(migrations.Migration):
    dependencies = [("scores", "0013_scorecard_drafts_and_shadow_runs")]

    operations = [migrations.RunPython(entry_guards.install, entry_guards.remove)]
