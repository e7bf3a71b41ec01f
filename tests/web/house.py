"""A site that is made once and put back as it was before each test: the half of the time of tests that need no site of their own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from oligami.web.desk import open_desk


@contextmanager
def new_house(new_site: Any, folder: Path, protocol: Any) -> Iterator[Any]:
    """Yield a site with a few people and a copy of its database as it then was."""
    with new_site(folder, protocol) as site:
        for role in ("coordinator", "investigator", "administrator"):
            site.person(role)
        site.known = dict(site.people)
        connection.close()  # the last connection to close writes everything into the one file
        shutil.copy(settings.DATABASES["default"]["NAME"], folder / "as-it-was")
        yield site


def restore(site: Any) -> Any:
    """Put a site's database and its people back, and return it."""
    connection.close()
    path = Path(settings.DATABASES["default"]["NAME"])
    for rest in ("-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)
    shutil.copy(site.folder / "as-it-was", path)
    open_desk.cache_clear()  # it has read the journal as the test before left it
    site.people = dict(site.known)
    for account in site.people.values():
        account.refresh_from_db()
    return site
