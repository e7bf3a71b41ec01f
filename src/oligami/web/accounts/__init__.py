"""People: accounts, signing on, second factors, the access log, identity data."""
