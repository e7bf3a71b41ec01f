"""The sections of the report: each says its finding in a sentence, then shows the table and the figure it rests on."""
