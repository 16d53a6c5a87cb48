"""What leaves the register: one file a form."""
