"""Migrations of the app `identity`."""
