"""Measurements, each as a ratio within one run against a hand-written floor. `make bench` prints them."""
