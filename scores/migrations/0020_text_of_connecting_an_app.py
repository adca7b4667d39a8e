"""Publish the text people agree to when they connect an app, where the texts were loaded before there was one."""

from django.db import migrations


def publish(apps, schema_editor):
    from scores.services.publishing import load_consent_texts

    load_consent_texts(get_model=apps.get_model)


class Migration(migrations.Migration):
    dependencies = [("scores", "0019_reach")]

    operations = [migrations.RunPython(publish, migrations.RunPython.noop)]
