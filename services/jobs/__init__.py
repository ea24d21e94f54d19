"""The kinds of long work, each a function that yields pages: transactions to be done one after the other."""
