"""What others write, each read in one place for the whole product: dates, numbers, time zones, languages, hosts.

What cannot be read is None, never a guess: whoever asked says so. It must not know who asks, nor what time it is.
"""
