import citizen_app.public_ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scores', '0011_disputes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Seed',
            fields=[
                ('id', models.UUIDField(default=citizen_app.public_ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(max_length=150)),
                ('proposed_at', models.DateTimeField()),
                ('confirmed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='TrustDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(unique=True)),
                ('done_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Vouch',
            fields=[
                ('id', models.UUIDField(default=citizen_app.public_ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('given_at', models.DateTimeField()),
                ('counts_from', models.DateField()),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('declined_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name_plural': 'vouches',
            },
        ),
        migrations.CreateModel(
            name='VouchMark',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('mark', models.CharField(max_length=64)),
                ('until', models.DateField()),
            ],
        ),
        migrations.CreateModel(
            name='VouchRequest',
            fields=[
                ('id', models.UUIDField(default=citizen_app.public_ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('token_hash', models.CharField(max_length=64, unique=True)),
                ('made_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(condition=models.Q(('kind_number', 17), models.Q(('status', 'struck'), _negated=True)), fields=['enrolment', 'id'], name='entry_of_vouches_standing'),
        ),
        migrations.AddField(
            model_name='seed',
            name='confirmed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='seed',
            name='enrolment',
            field=models.OneToOneField(db_column='citizen_id', on_delete=django.db.models.deletion.RESTRICT, related_name='seed', to='scores.enrolment'),
        ),
        migrations.AddField(
            model_name='seed',
            name='proposed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='vouch',
            name='giver',
            field=models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name='vouches_given', to='scores.enrolment'),
        ),
        migrations.AddField(
            model_name='vouch',
            name='receiver',
            field=models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name='vouches_received', to='scores.enrolment'),
        ),
        migrations.AddIndex(
            model_name='vouchmark',
            index=models.Index(fields=['mark', 'until'], name='vouch_mark_of_person'),
        ),
        migrations.AddIndex(
            model_name='vouchmark',
            index=models.Index(fields=['until'], name='vouch_mark_by_end'),
        ),
        migrations.AddField(
            model_name='vouchrequest',
            name='enrolment',
            field=models.ForeignKey(db_column='citizen_id', on_delete=django.db.models.deletion.CASCADE, related_name='vouch_requests', to='scores.enrolment'),
        ),
        migrations.AddConstraint(
            model_name='seed',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('confirmed_at', None), ('confirmed_by', None)), models.Q(('confirmed_at__isnull', False), ('confirmed_by__isnull', False)), _connector='OR'), name='seed_confirmed_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='seed',
            constraint=models.CheckConstraint(condition=models.Q(('confirmed_by', None), models.Q(('confirmed_by', models.F('proposed_by')), _negated=True), _connector='OR'), name='seed_takes_two_operators'),
        ),
        migrations.AddConstraint(
            model_name='seed',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('enrolment', models.F('proposed_by')), _negated=True), models.Q(('confirmed_by', None), models.Q(('enrolment', models.F('confirmed_by')), _negated=True), _connector='OR')), name='seed_is_chosen_by_others'),
        ),
        migrations.AddIndex(
            model_name='vouch',
            index=models.Index(condition=models.Q(('withdrawn_at__isnull', False), ('declined_at__isnull', False), _connector='OR'), fields=['withdrawn_at', 'declined_at'], name='vouch_ended'),
        ),
        migrations.AddConstraint(
            model_name='vouch',
            constraint=models.UniqueConstraint(condition=models.Q(('declined_at', None), ('withdrawn_at', None)), fields=('giver', 'receiver'), name='vouch_one_live_per_pair'),
        ),
        migrations.AddConstraint(
            model_name='vouch',
            constraint=models.CheckConstraint(condition=models.Q(('giver', models.F('receiver')), _negated=True), name='vouch_is_for_somebody_else'),
        ),
        migrations.AddIndex(
            model_name='vouchrequest',
            index=models.Index(fields=['expires_at'], name='vouch_request_by_expiry'),
        ),
        migrations.AddConstraint(
            model_name='vouchrequest',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('made_at'))), name='vouch_request_ends_after_it_began'),
        ),
    ]
