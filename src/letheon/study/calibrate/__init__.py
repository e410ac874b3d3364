"""Calibration: what trials reported, the likelihood of it, the sampler, and checks that the fit can be trusted."""
