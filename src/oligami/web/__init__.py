"""The trial in the browser: a Django project. So far the database under it: journal, desk, ledger; the pages come next."""
