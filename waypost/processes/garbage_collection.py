"""The garbage collector, told what a server knows: what is there at its start stays, and a batch makes much at once."""

import gc

THRESHOLDS = (20_000, 20, 50)
"""Objects more than were freed, and rounds: a batch of events makes tens of thousands that live to its end, so Python's
700 would look through them in vain again and again."""


def freeze_loaded() -> None:
    """To be called when everything has been loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
