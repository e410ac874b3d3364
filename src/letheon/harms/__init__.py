"""Harms of a regimen: acute effects, circulation, liver, bladder; and the mood of those with depression."""
