"""What ought to be: the protocol folder as frozen typed objects."""
