"""What one asks to see of a template: for whom, in which language, which version, and on what it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from fastapi import Depends, Form, Query

from api.edge import form_values
from api.schemas.templates import PreviewIn

Look = Literal["desktop", "phone", "dark", "dark phone", "text"]

LOOKS: Mapping[Look, str] = {
    "desktop": "a desktop",
    "phone": "a phone",
    "dark": "a desktop in the dark",
    "dark phone": "a phone in the dark",
    "text": "plain text",
}
"""On what a mail is shown, in words."""

LAST = 2**31 - 1
"""What every database counts to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPreview:
    """Empty where nothing is asked: somebody made up, in the installation's language, of the newest version.

    `subject` stands in place of the template's own, as a broadcast has it.
    """

    customer: str = ""
    locale: str = ""
    subject: str = ""
    version: int = 0
    look: Look = "desktop"

    @property
    def given(self) -> Mapping[str, str | int]:
        """What was asked, for an address."""
        every: dict[str, str | int] = {
            "customer": self.customer, "locale": self.locale, "subject": self.subject, "version": self.version,
            "look": self.look,
        }  # fmt: skip
        return {name: value for name, value in every.items() if value and value != "desktop"}

    @property
    def dark(self) -> bool:
        """Whether it is shown as in the dark."""
        return self.look.startswith("dark")

    @property
    def narrow(self) -> bool:
        """Whether it is as wide as a phone."""
        return self.look.endswith("phone")

    def wanted(self) -> PreviewIn:
        """As a preview takes it; raise InvalidInput."""
        given = {
            "customer": self.customer or None, "locale": self.locale or None, "subject": self.subject or None,
            "version": self.version or None,
        }  # fmt: skip
        return form_values.read(PreviewIn, given)


def by_address(
    customer: Annotated[str, Query(max_length=320)] = "",
    locale: Annotated[str, Query(max_length=35)] = "",
    version: Annotated[int, Query(ge=0, le=LAST)] = 0,
    look: Annotated[Look, Query()] = "desktop",
) -> AskedPreview:
    """What an address asks."""
    return AskedPreview(customer=customer.strip(), locale=locale, version=version, look=look)


def by_form(
    customer: Annotated[str, Form(max_length=320)] = "",
    locale: Annotated[str, Form(max_length=35)] = "",
    subject: Annotated[str, Form(max_length=400)] = "",
    version: Annotated[int, Form(ge=0, le=LAST)] = 0,
    look: Annotated[Look, Form()] = "desktop",
) -> AskedPreview:
    """What a form asks."""
    return AskedPreview(customer=customer.strip(), locale=locale, subject=subject, version=version, look=look)


TheAsked = Annotated[AskedPreview, Depends(by_address)]


def with_subject(asked: TheAsked, subject: Annotated[str, Query(max_length=400)] = "") -> AskedPreview:
    """What an address asks that a broadcast leads to. Whoever may send a test may write a subject; others may not."""
    return replace(asked, subject=subject)


TheAskedForTest = Annotated[AskedPreview, Depends(with_subject)]
TheAskedByForm = Annotated[AskedPreview, Depends(by_form)]
