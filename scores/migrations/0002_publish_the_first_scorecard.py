"""The reference data every deployment starts with: the first scorecard, the consent texts, the platform source."""

from django.db import migrations


def load(apps, schema_editor):
    from scores.services.publishing import load_reference_data

    load_reference_data(get_model=apps.get_model)


class Migration(migrations.Migration):
    dependencies = [
        ("scores", "0001_enrolments_sources_entries_and_scores"),
        ("citizen_app", "0001_people_consents_and_plumbing"),
    ]

    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
