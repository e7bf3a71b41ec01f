"""The table that names subjects."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates the tables."""

    initial = True

    dependencies = ()

    operations = (
        migrations.CreateModel(
            name="Identity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("trial", models.TextField()),
                ("subject", models.TextField()),
                ("site", models.TextField()),
                ("initials", models.CharField(blank=True, max_length=20)),
                ("chart_number", models.CharField(blank=True, max_length=40)),
                ("birth_date", models.DateField(null=True)),
                ("made_by", models.TextField()),
                ("made_at", models.DateTimeField()),
                ("changed_by", models.TextField(blank=True)),
                ("changed_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "identity_identity",
                "constraints": [models.UniqueConstraint(fields=("trial", "subject"), name="identity_once")],
            },
        ),
    )
