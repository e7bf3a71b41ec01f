"""The triggers that keep the access log as it was written."""

from typing import Any

from django.db import migrations

from oligami.web.accounts.guards import install


def _install(apps: Any, schema_editor: Any) -> None:
    install(schema_editor.connection)


class Migration(migrations.Migration):
    """Installs the triggers. There is no way back: the log is not to be left unguarded."""

    dependencies = (("accounts", "0001_initial"),)

    operations = (migrations.RunPython(_install),)
