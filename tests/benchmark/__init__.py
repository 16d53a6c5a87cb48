"""Measures the program beside the plain way: `python -m tests.benchmark`."""
