"""A table comes in: a file that somebody made becomes records that can be compared with the register."""
