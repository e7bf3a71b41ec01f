"""Read tables for list pages, posted in the transaction that writes the records; dropped and rebuilt at will."""
