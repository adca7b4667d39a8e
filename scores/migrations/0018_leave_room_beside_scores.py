"""A run over everybody updates every score: room on its page lets PostgreSQL put the new row beside the old one."""

from django.db import migrations


def on_postgresql(statement):
    def run(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(statement)

    return run


class Migration(migrations.Migration):
    dependencies = [("scores", "0017_tell_what_furnishers_are")]

    operations = [
        migrations.RunPython(
            on_postgresql("ALTER TABLE scores_score SET (fillfactor = 50)"),
            on_postgresql("ALTER TABLE scores_score RESET (fillfactor)"),
        )
    ]
