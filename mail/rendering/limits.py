"""How much one render may take; here, so that nobody loads a renderer to know it."""

LARGEST = 2_000_000
"""Characters of output: twenty times what Gmail shows of a mail (`mail.linting.CLIPPED`)."""

LONGEST_SUBJECT = 500
"""Characters of a subject: inboxes show a tenth of it, and a header of 2,000,000 is refused by every provider."""

MEMORY = 512 * 1024 * 1024
"""Bytes of address space, beyond what the process has when it starts; a usual mail needs some MB."""

SECONDS = 5.0
"""What one render may take; a usual one takes a thousandth of a second."""

QUARANTINE = 60.0
"""Seconds for which a template that killed its process twice is refused."""
