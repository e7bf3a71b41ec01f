"""The read tables of the ledger."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates the tables."""

    initial = True

    dependencies = ()

    operations = (
        migrations.CreateModel(
            name="Posted",
            fields=[
                ("trial", models.TextField(primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField()),
                ("layout", models.IntegerField()),
            ],
            options={
                "db_table": "ledger_posted",
            },
        ),
        migrations.CreateModel(
            name="DataQuery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("trial", models.TextField()),
                ("subject", models.TextField()),
                ("query", models.TextField()),
                ("site", models.TextField()),
                ("form", models.TextField()),
                ("occurrence", models.IntegerField()),
                ("item", models.TextField(null=True)),
                ("text", models.TextField()),
                ("answer", models.TextField(null=True)),
                ("status", models.TextField()),
                ("raised_at", models.DateTimeField()),
            ],
            options={
                "db_table": "ledger_query",
                "indexes": [models.Index(fields=["trial", "status", "site"], name="ledger_query_status")],
                "constraints": [models.UniqueConstraint(fields=("trial", "subject", "query"), name="ledger_query_key")],
            },
        ),
        migrations.CreateModel(
            name="Form",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("trial", models.TextField()),
                ("subject", models.TextField()),
                ("form", models.TextField()),
                ("occurrence", models.IntegerField()),
                ("site", models.TextField()),
                ("visit", models.TextField(null=True)),
                ("state", models.TextField()),
                ("submitted_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("verified", models.BooleanField()),
                ("signed", models.BooleanField()),
                ("locked", models.BooleanField()),
                ("corrections", models.IntegerField()),
                ("warnings", models.IntegerField()),
                ("open_queries", models.IntegerField()),
                ("protocol_version", models.TextField()),
                ("seq", models.BigIntegerField()),
            ],
            options={
                "db_table": "ledger_form",
                "indexes": [models.Index(fields=["trial", "site", "state"], name="ledger_form_site")],
                "constraints": [
                    models.UniqueConstraint(fields=("trial", "subject", "form", "occurrence"), name="ledger_form_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="Registration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("trial", models.TextField()),
                ("subject", models.TextField()),
                ("stage", models.TextField()),
                ("site", models.TextField()),
                ("registration_date", models.DateField()),
                ("protocol_version", models.TextField()),
                ("annulled", models.BooleanField()),
                ("seq", models.BigIntegerField()),
            ],
            options={
                "db_table": "ledger_registration",
                "indexes": [models.Index(fields=["trial", "stage", "registration_date"], name="ledger_registration_date")],
                "constraints": [models.UniqueConstraint(fields=("trial", "subject", "stage"), name="ledger_registration_key")],
            },
        ),
        migrations.CreateModel(
            name="Site",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("trial", models.TextField()),
                ("site", models.TextField()),
                ("name", models.TextField()),
                ("fictitious", models.BooleanField()),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("subjects", models.IntegerField()),
                ("randomized", models.IntegerField()),
            ],
            options={
                "db_table": "ledger_site",
                "constraints": [models.UniqueConstraint(fields=("trial", "site"), name="ledger_site_key")],
            },
        ),
        migrations.CreateModel(
            name="Subject",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("trial", models.TextField()),
                ("subject", models.TextField()),
                ("site", models.TextField()),
                ("status", models.TextField()),
                ("arm", models.TextField(null=True)),
                ("randomization_date", models.DateField(null=True)),
                ("open_queries", models.IntegerField()),
                ("seq", models.BigIntegerField()),
            ],
            options={
                "db_table": "ledger_subject",
                "indexes": [models.Index(fields=["trial", "site", "subject"], name="ledger_subject_site")],
                "constraints": [models.UniqueConstraint(fields=("trial", "subject"), name="ledger_subject_key")],
            },
        ),
    )
