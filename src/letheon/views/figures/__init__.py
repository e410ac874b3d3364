"""Figures as plain dictionaries in Plotly's own form, made from typed results by pure functions."""
