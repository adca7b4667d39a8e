"""A score keeps its factors and what its latest change came to; every line is computed when it is read."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scores", "0002_publish_the_first_scorecard")]

    operations = [
        migrations.AddField("score", "factors", models.JSONField(default=dict)),
        migrations.AddField("score", "kept", models.JSONField(default=dict)),
        migrations.AddField("score", "compared_upto", models.BigIntegerField(null=True)),
    ]
