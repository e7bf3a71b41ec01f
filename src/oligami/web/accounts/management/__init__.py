"""Management commands of the app `accounts`."""
