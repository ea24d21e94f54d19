"""Splits as experiments: what their variants did, whether one is better, and when one is taken for the winner."""
