"""The journals of all trials in one table that only grows."""
