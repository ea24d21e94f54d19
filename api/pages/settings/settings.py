"""The settings of the installation: all of them in one form, and what a change of them does before it is made."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.signed_in import AdminUser, SupportUser
from api.deps.transactions import Now, Reading
from api.edge import etags, settings_changes
from api.edge.etags import Tags
from api.edge.own_pages import own_form
from api.errors import ApiError
from api.pages.frame import confirmations, differences, forms
from api.pages.frame.confirmations import ActionConfirmation
from api.pages.frame.differences import PartDifference
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from services.definitions.pausing import send_hours
from services.errors import InvalidInput
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings

router = APIRouter(prefix="/settings", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

EFFECTS: Mapping[str, str] = {
    "cap": "The cap holds at once, for mail that is planned already, too.",
    "quiet_hours": "Quiet hours hold at once: mail that is planned within them waits for their end.",
    "sandbox": "With a sandbox these addresses alone get mail, and everybody else's is skipped for good.",
    "control_group": "Who is in the control group gets no mail but transactional from now on.",
    "one_profile_per_address": "Customers with one address become one as they are identified. That cannot be undone.",
    "retention": "What is kept for fewer days now is deleted in the background, for good.",
    "timezone": "Customers and journeys without a zone of their own live by the other clock from their next wake on.",
}
"""What a change of a setting does that its name does not say; by its first name."""


class SettingsForm(BaseModel):
    """The settings as they are typed: what is empty is not set. `seen` is the mark of what the page showed.

    `confirmed` is the mark of what was asked once more.
    """

    model_config = ConfigDict(extra="ignore", str_max_length=20_000)

    timezone: str = ""
    locale: str = ""
    quiet_from: str = ""
    quiet_to: str = ""
    cap_max: str = ""
    cap_per: str = ""
    sandboxed: bool = False
    sandbox: str = Field(default="", max_length=200_000)
    control_group: str = "0"
    one_profile_per_address: bool = False
    opens: bool = False
    clicks: bool = False
    utm: bool = False
    utm_source: str = "waypost"
    utm_medium: str = "email"
    main_currency: str = ""
    attribution_window: str = ""
    attribution_transactional: bool = False
    unsure_after: str = ""
    unsure_then: str = "park"
    keep_bodies: str = ""
    keep_rejections: str = ""
    keep_operations: str = ""
    seen: str = ""
    confirmed: str = ""

    def wanted(self) -> InstallationSettings:
        """As they are kept; raise InvalidInput."""
        quiet = {"from": self.quiet_from, "to": self.quiet_to} if self.quiet_from or self.quiet_to else None
        return forms.read(
            InstallationSettings,
            {
                "timezone": self.timezone, "locale": self.locale, "quiet_hours": quiet,
                "cap": {"max": self.cap_max, "per": self.cap_per} if self.cap_max or self.cap_per else None,
                "sandbox": forms.lines(self.sandbox) if self.sandboxed else None,
                "control_group": self.control_group, "one_profile_per_address": self.one_profile_per_address,
                "tracking": {
                    "opens": self.opens, "clicks": self.clicks,
                    "utm": {"source": self.utm_source, "medium": self.utm_medium} if self.utm else None,
                },
                "main_currency": self.main_currency.strip().upper() or None,
                "attribution": {"window": self.attribution_window, "transactional": self.attribution_transactional},
                "unsure": {"after": self.unsure_after, "then": self.unsure_then},
                "retention": {
                    "bodies": self.keep_bodies or None, "rejections": self.keep_rejections or None,
                    "operations": self.keep_operations or None,
                },
            },
        )  # fmt: skip

    @classmethod
    def of(cls, kept: InstallationSettings) -> "SettingsForm":
        """As settings that are kept are typed."""
        quiet, cap, utm, keep = kept.quiet_hours, kept.cap, kept.tracking.utm, kept.retention
        return cls(
            timezone=kept.timezone, locale=kept.locale, quiet_from=quiet.begin if quiet else "",
            quiet_to=quiet.to if quiet else "", cap_max=str(cap.max) if cap else "", cap_per=cap.per if cap else "",
            sandboxed=kept.sandbox is not None, sandbox="\n".join(kept.sandbox or ()),
            control_group=str(kept.control_group), one_profile_per_address=kept.one_profile_per_address,
            opens=kept.tracking.opens, clicks=kept.tracking.clicks, utm=utm is not None,
            utm_source=utm.source if utm else "waypost", utm_medium=utm.medium if utm else "email",
            main_currency=kept.main_currency or "", attribution_window=kept.attribution.window,
            attribution_transactional=kept.attribution.transactional,
            unsure_after=kept.unsure.after, unsure_then=kept.unsure.then, keep_bodies=str(keep.bodies or ""),
            keep_rejections=str(keep.rejections or ""), keep_operations=str(keep.operations or ""),
            seen=etags.of(kept),
        )  # fmt: skip

    @property
    def hidden(self) -> Mapping[str, str]:
        """What a form carries on, but for what confirms it."""
        said = self.model_dump(exclude={"confirmed"})
        return {name: "true" if value is True else str(value) for name, value in said.items() if value is not False}


@router.get("", response_class=HTMLResponse)
def shown(frame: TheFrame, looks: SupportUser, session: Reading) -> HTMLResponse:
    """All of them; an admin changes them here."""
    return _form(frame, SettingsForm.of(installation_settings.load(session)))


@router.post("", response_class=RedirectResponse)
def save(frame: TheFrame, looks: AdminUser, now: Now, asked: Annotated[SettingsForm, Form()]) -> Response:
    """Store them, once what that does was told and confirmed."""
    try:
        wanted = asked.wanted()
        with frame.parts.database.reading() as session:
            present = installation_settings.load(session)
            send_hours.check_settings(session, wanted)
        if asked.seen != etags.of(present):
            return _changed_meanwhile(frame, asked, present, wanted)
        if asked.confirmed != etags.of(wanted):
            return _question(frame, asked, present, wanted)
        frame.parts.database.write(lambda session: _store(frame, session, asked, wanted, now))
    except InvalidInput as wrong:
        return _form(frame, asked, problem=str(wrong), status=422)
    except ApiError:
        with frame.parts.database.reading() as session:
            return _changed_meanwhile(frame, asked, installation_settings.load(session), asked.wanted())
    return RedirectResponse("/settings", 303)


def _changed_meanwhile(
    frame: Frame, asked: SettingsForm, present: InstallationSettings, wanted: InstallationSettings
) -> HTMLResponse:
    """The author's own, with what they would change now; shown once more, they are asked about just that."""
    found = "; ".join(f"{one.name} from {one.before} to {one.after}" for one in _differing(present, wanted))
    told = f"Somebody changed the settings meanwhile; nothing was written over. Yours now set {found or 'nothing'}."
    return _form(frame, asked.model_copy(update={"seen": etags.of(present)}), problem=told, status=412)


def _store(frame: Frame, session: Session, asked: SettingsForm, wanted: InstallationSettings, now: Now) -> None:
    settings_changes.put(session, Trail(frame.request, session, now), Tags(Response(), asked.seen, None), wanted, now)


def _plain(settings: InstallationSettings) -> dict[str, Any]:
    return settings.model_dump(mode="json", by_alias=True)


def _differing(present: InstallationSettings, wanted: InstallationSettings) -> list[PartDifference]:
    return differences.between(_plain(present), _plain(wanted))


def _question(
    frame: Frame, asked: SettingsForm, present: InstallationSettings, wanted: InstallationSettings
) -> HTMLResponse:
    found = _differing(present, wanted)
    if not found:
        return _form(frame, asked, problem="Nothing differs from the settings as they are.", status=422)
    changed = {one.name.partition(".")[0] for one in found}
    told = [f"{one.name.replace('_', ' ')}: {one.before} becomes {one.after}" for one in found]
    return confirmations.ask(
        frame,
        ActionConfirmation(
            title="Change the settings?",
            told=[*told, *(EFFECTS[name] for name in EFFECTS if name in changed), "They hold for everybody."],
            action="/settings", verb="Change them", back="/settings", crumbs=[("Settings", "/settings")],
            call="/v1/settings", why="no", hidden={**asked.hidden, "confirmed": etags.of(wanted)},
        ),
    )  # fmt: skip


def _form(frame: Frame, asked: SettingsForm, *, problem: str = "", status: int = 200) -> HTMLResponse:
    with frame.parts.database.reading() as session:
        kept = installation_settings.load(session)
    return frame.page(
        "settings/settings.html", status=status, asked=asked, problem=problem, call="/v1/settings",
        as_json=kept.model_dump_json(indent=2, by_alias=True),
    )  # fmt: skip
