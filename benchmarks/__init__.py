"""Benchmarks: Letheon against named peers, interleaved in one run."""
