"""How often somebody may try to sign in: guessing costs a guesser, and asking for links fills nobody's inbox.

Counted by address on the network and by the account that is named. Whoever is kept out of an account by somebody else's
guesses still comes in by a link.
"""

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from api.errors import ApiError

WRONG_THERE = parse("30/minute")
"""Wrong passwords of one address on the network: an office may stand behind one."""

WRONG_FOR = parse("10/15 minutes")
"""Wrong passwords for one account: a person tries three or four; argon2 and this leave a guesser a thousand a day."""

LINKS_THERE = parse("20/hour")
"""Links that one address on the network asks for."""

LINKS_FOR = parse("5/hour")
"""Links that are asked for one account: as many mails as a person puts up with."""

PROVIDER_THERE = parse("60/minute")
"""Ways to the provider and back of one address on the network: each makes us ask the provider."""


class SignInRates:
    """Counts in this process."""

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def check_password(self, network: str, email: str) -> None:
        """Raise where too many wrong passwords came from there, or for this account."""
        if not (self._limiter.test(WRONG_THERE, "there", network) and self._limiter.test(WRONG_FOR, "for", email)):
            detail = "too many wrong passwords; wait a quarter of an hour, or ask for a link by mail"
            raise ApiError("rate-limited", detail, {"Retry-After": "900"})

    def wrong_password(self, network: str, email: str) -> None:
        """One more was wrong."""
        self._limiter.hit(WRONG_THERE, "there", network)
        self._limiter.hit(WRONG_FOR, "for", email)

    def link(self, network: str, email: str) -> None:
        """One more link is asked for; raise where there were too many."""
        if not (self._limiter.hit(LINKS_THERE, "links", network) and self._limiter.hit(LINKS_FOR, "link", email)):
            detail = "too many links were asked for; look into your inbox, or wait an hour"
            raise ApiError("rate-limited", detail, {"Retry-After": "3600"})

    def provider(self, network: str) -> None:
        """One more way to the provider, or back; raise where there were too many."""
        if not self._limiter.hit(PROVIDER_THERE, "provider", network):
            raise ApiError("rate-limited", "too many sign-ins from here; wait a minute", {"Retry-After": "60"})
