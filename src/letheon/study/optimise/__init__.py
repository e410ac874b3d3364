"""Optimisation: search for regimens that no other beats in all goals."""
