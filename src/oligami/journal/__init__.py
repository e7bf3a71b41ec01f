"""What was said: append-only, hash-chained records."""
