"""Validation: trials that were never fitted, and how far the answer depends on single assumptions."""
