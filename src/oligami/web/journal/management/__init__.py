"""Commands of the database: `django-admin NAME --settings oligami.web.settings`."""
