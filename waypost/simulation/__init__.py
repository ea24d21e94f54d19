"""`waypost simulate` and `waypost backtest`: run, and told."""
