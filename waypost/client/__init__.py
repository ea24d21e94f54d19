"""A client of the HTTP API: small, typed, and safe to repeat.

    from waypost.client import Waypost

    with Waypost("http://127.0.0.1:8000", key="wp_…") as waypost:
        waypost.identify("17", {"email": "ann@example.com", "first_name": "Ann"})
        waypost.track("17", "Signed Up")
        print(waypost.why("17", journey="welcome")["answer"])

Every POST carries an Idempotency-Key, so a call that is lost on the way is made again without being done twice. Shapes
are those of the OpenAPI document (`models`, generated from it).

    ApiProblem              the API refused; `code`, `detail` and `path` say what to change
    Unreachable             nothing answers at the address
"""

from waypost.client.api import Waypost
from waypost.errors import ApiProblem, Unreachable

__all__ = ["ApiProblem", "Unreachable", "Waypost"]
