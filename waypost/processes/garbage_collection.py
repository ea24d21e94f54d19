"""The garbage collector, told what a server knows: what is there at its start stays, and a batch makes much at once."""

import gc

THRESHOLDS = (20_000, 20, 50)


def freeze_loaded() -> None:
    """To be called when everything has been loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
