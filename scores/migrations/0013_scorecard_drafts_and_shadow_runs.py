"""Drafts of scorecards and their shadow runs; and what is published never changes, whoever asks the database."""

import citizen_app.public_ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Table, columns that are fixed, and when they are: a scorecard that is published, a draft that became one.
FIXED = {
    "scorecard_published_never_changes": (
        "scores_scorecard", ("version", "document", "sha256", "note"), "OLD.published_at IS NOT NULL"
    ),
    "scorecard_draft_published_never_changes": (
        "scores_scorecarddraft", ("document", "note", "state", "published_id", "based_on_id"), "OLD.state = 'published'"
    ),
}


def fix(apps, schema_editor):
    for name, (table, columns, when) in FIXED.items():
        named = ", ".join(columns)
        if schema_editor.connection.vendor == "postgresql":
            changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
            schema_editor.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"RAISE EXCEPTION 'What is published never changes.' "
                f"USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = '{name}'; END $$"
            )
            schema_editor.execute(
                f"CREATE TRIGGER {name} BEFORE UPDATE OF {named} ON {table} FOR EACH ROW "
                f"WHEN ({when} AND ({changed})) EXECUTE FUNCTION {name}()"
            )
        else:
            changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in columns)
            schema_editor.execute(
                f"CREATE TRIGGER {name} BEFORE UPDATE OF {named} ON {table} FOR EACH ROW "
                f"WHEN {when} AND ({changed}) "
                f"BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: {name}'); END"
            )


def loosen(apps, schema_editor):
    for name, (table, _, _) in FIXED.items():
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER {name} ON {table}")
            schema_editor.execute(f"DROP FUNCTION {name}()")
        else:
            schema_editor.execute(f"DROP TRIGGER {name}")


class Migration(migrations.Migration):

    dependencies = [
        ('scores', '0012_vouches'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='scorecard',
            name='note',
            field=models.TextField(blank=True),
        ),
        migrations.CreateModel(
            name='ScorecardDraft',
            fields=[
                ('id', models.UUIDField(default=citizen_app.public_ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('document', models.JSONField()),
                ('note', models.TextField(blank=True)),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('submitted', 'Submitted'), ('refused', 'Refused'), ('withdrawn', 'Withdrawn'), ('published', 'Published')], default='draft', max_length=10)),
                ('refusal', models.TextField(blank=True)),
                ('made_at', models.DateTimeField()),
                ('changed_at', models.DateTimeField()),
                ('submitted_at', models.DateTimeField(null=True)),
                ('decided_at', models.DateTimeField(null=True)),
                ('revision', models.PositiveIntegerField(default=1)),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('based_on', models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='scores.scorecard')),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('published', models.OneToOneField(null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='draft', to='scores.scorecard')),
                ('submitted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('writers', models.ManyToManyField(related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='ShadowRun',
            fields=[
                ('id', models.UUIDField(default=citizen_app.public_ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('draft_revision', models.PositiveIntegerField()),
                ('document', models.JSONField()),
                ('thresholds', models.JSONField(default=list)),
                ('state', models.CharField(choices=[('running', 'Running'), ('done', 'Done'), ('cancelled', 'Cancelled')], default='running', max_length=10)),
                ('as_of', models.DateField()),
                ('position', models.BigIntegerField(default=0)),
                ('done_count', models.PositiveIntegerField(default=0)),
                ('total_count', models.PositiveIntegerField()),
                ('tally', models.TextField(blank=True)),
                ('result', models.JSONField(null=True)),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('against', models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='scores.scorecard')),
                ('draft', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shadow_runs', to='scores.scorecarddraft')),
                ('started_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddIndex(
            model_name='scorecarddraft',
            index=models.Index(fields=['state', '-changed_at'], name='scorecard_draft_by_state'),
        ),
        migrations.AddConstraint(
            model_name='scorecarddraft',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'submitted', 'refused', 'withdrawn', 'published'])), name='scorecard_draft_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='scorecarddraft',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('published__isnull', False), ('state', 'published')), models.Q(models.Q(('state', 'published'), _negated=True), ('published__isnull', True)), _connector='OR'), name='scorecard_draft_published_has_its_scorecard'),
        ),
        migrations.AddIndex(
            model_name='shadowrun',
            index=models.Index(fields=['draft', '-started_at'], name='shadow_run_of_draft'),
        ),
        migrations.AddConstraint(
            model_name='shadowrun',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'running')), fields=('draft',), name='shadow_run_one_at_a_time_of_a_draft'),
        ),
        migrations.AddConstraint(
            model_name='shadowrun',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', True), ('state', 'running')), models.Q(('state__in', ['done', 'cancelled']), ('finished_at__isnull', False), ('tally', '')), _connector='OR'), name='shadow_run_keeps_no_tally_once_over'),
        ),
        migrations.AddConstraint(
            model_name='shadowrun',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('result__isnull', False), ('state', 'done')), models.Q(models.Q(('state', 'done'), _negated=True), ('result__isnull', True)), _connector='OR'), name='shadow_run_tells_only_when_done'),
        ),
        migrations.RunPython(fix, loosen),
    ]
