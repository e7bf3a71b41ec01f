"""The triggers that keep records from being changed."""

from typing import Any

from django.db import migrations

from oligami.web.journal.guards import install


def _install(apps: Any, schema_editor: Any) -> None:
    install(schema_editor.connection)


class Migration(migrations.Migration):
    """Installs the triggers. There is no way back: a journal is not to be left unguarded."""

    dependencies = (("journal", "0001_initial"),)

    operations = (migrations.RunPython(_install),)
