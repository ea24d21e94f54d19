"""The composition root: settings, wiring, command line, processes. It imports everything; nothing imports it."""

__version__ = "0.1.0"
