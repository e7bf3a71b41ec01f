"""The protocol as frozen typed objects: one module a file of the protocol folder."""
