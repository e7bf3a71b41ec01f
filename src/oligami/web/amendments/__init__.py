"""A new version of the protocol: compared, rehearsed, adopted site by site."""
