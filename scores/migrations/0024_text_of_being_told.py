"""Publish the text people agree to when they want to be told by mail or on a browser."""

from django.db import migrations


def publish(apps, schema_editor):
    from scores.services.publishing import load_consent_texts

    load_consent_texts(get_model=apps.get_model)


class Migration(migrations.Migration):
    dependencies = [("scores", "0023_what_people_were_told")]

    operations = [migrations.RunPython(publish, migrations.RunPython.noop)]
