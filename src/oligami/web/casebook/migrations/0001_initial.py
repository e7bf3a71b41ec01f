"""The table of drafts."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Make the table."""

    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar[list[migrations.operations.base.Operation]] = [
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("trial", models.TextField()),
                ("person", models.TextField()),
                ("subject", models.TextField(blank=True)),
                ("form", models.TextField()),
                ("occurrence", models.IntegerField(default=0)),
                ("visit", models.TextField(blank=True)),
                ("site", models.TextField(blank=True)),
                ("version", models.TextField(blank=True)),
                ("raw", models.JSONField(default=dict)),
                ("command", models.CharField(max_length=32)),
                ("seen", models.BigIntegerField(null=True)),
                ("edition", models.IntegerField(default=0)),
                ("saved_at", models.DateTimeField()),
            ],
            options={
                "db_table": "casebook_draft",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("trial", "person", "subject", "form", "occurrence", "visit"), name="casebook_draft_once"
                    )
                ],
            },
        ),
    ]
