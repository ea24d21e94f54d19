"""What a request or an activity does to the store as a whole.

Every function takes the session and the present instant, and leaves the commit to its caller. This room must not know
who calls (HTTP, Temporal, the command line) nor how mail is sent.
"""
