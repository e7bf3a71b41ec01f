"""Forms from the protocol: filled, corrected, signed, with drafts and history."""
