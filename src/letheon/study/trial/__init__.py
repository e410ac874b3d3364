"""Trials: what an arm shows under given parameters, and predictions for trials without results."""
