"""The tables of the journal."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates the tables."""

    initial = True

    dependencies = ()

    operations = (
        migrations.CreateModel(
            name="JournalHead",
            fields=[
                ("trial", models.TextField(primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField()),
                ("seal", models.TextField()),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "db_table": "journal_head",
            },
        ),
        migrations.CreateModel(
            name="JournalRecord",
            fields=[
                ("pk", models.CompositePrimaryKey("trial", "seq", blank=True, editable=False, primary_key=True, serialize=False)),
                ("trial", models.TextField()),
                ("seq", models.BigIntegerField()),
                ("body", models.TextField(null=True)),
                ("head", models.TextField()),
                ("seal", models.TextField()),
                ("kind", models.TextField()),
                ("subject", models.TextField(null=True)),
                ("command", models.TextField()),
                ("part", models.IntegerField()),
                ("redacts", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "journal_record",
                "indexes": [
                    models.Index(fields=["trial", "subject"], name="journal_record_subject"),
                    models.Index(
                        condition=models.Q(("redacts__isnull", False)), fields=["trial", "redacts"], name="journal_record_redacts"
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("trial", "command", "part"), name="journal_record_once")],
            },
        ),
    )
