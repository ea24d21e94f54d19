"""How much one render may take; here, so that nobody loads a renderer to know it."""

LARGEST_TEMPLATE = 2_000_000
"""Characters of a template's HTML, or its text: twenty times what Gmail shows of a mail (`mail.linting.CLIPPED`)."""

LARGEST = 3 * LARGEST_TEMPLATE
"""Characters of output: the largest template, with its loops run and its CSS inlined."""

LONGEST_SUBJECT = 500
"""Characters of a subject: inboxes show a tenth of it, and a header of 2,000,000 is refused by every provider."""

MEMORY = 512 * 1024 * 1024
"""Bytes of address space, beyond what the process has when it starts; a usual mail needs some MB."""

SECONDS = 5.0
"""What one render may take; a usual one takes a thousandth of a second."""

SECONDS_PER_MILLION = 5.0
"""What it may take beyond that for each million characters of a template: compiled once, its largest takes four."""

QUARANTINE = 60.0
"""Seconds for which a template that killed its process twice is refused."""
