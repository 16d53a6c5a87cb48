"""A table comes in: read, matched, checked, and taken over when a person has decided."""
