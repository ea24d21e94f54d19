"""What `waypost simulate` and `waypost backtest` do: who goes through a journey, what comes of it, and its pictures.

It runs the interpreter of production on a virtual clock: without Temporal, without a mail, and nothing is stored.
"""
