"""Values as others write them: dates, numbers, time zones, languages, each read in one place for the whole product.

What cannot be read is None, never a guess: whoever asked says so. It must not know who asks, nor what time it is.
"""
