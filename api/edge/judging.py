"""What a definition is judged by where it is to run: for the API's calls and for the pages."""

from api.deps.backend import Backend
from journeys.checks.lint import ValidationContext
from services.definitions.journey_versions import validation_context


def validation_around(parts: Backend, key: str | None) -> ValidationContext:
    """What a definition of this journey is judged by: what there is in the installation."""
    with parts.database.reading() as session:
        return validation_context.load(session, key, parts.templates(), parts.beside_store)
