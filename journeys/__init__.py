"""The journey core: what happens next to a customer, and why.

Everything in this room is pure. It decides by `machine.advance`, a function from a program, a state and an input to
the next state and the commands that must be carried out. It must not know Temporal, the database, mail, the clock or
chance: instants and identifiers arrive in inputs, facts about a customer are asked for by a command.
"""
