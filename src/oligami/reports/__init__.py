"""Results as tables, figures and documents a person wants to read."""
