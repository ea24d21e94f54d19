"""The composition root: settings, wiring, the command line and the processes. It imports everything; nothing imports it."""

__version__ = "0.1.0"
