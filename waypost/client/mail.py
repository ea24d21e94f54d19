"""Calls about mail: templates, messages, topics, suppressions, and the ways out."""

from collections.abc import Iterator
from typing import Any

from waypost.client import models as m
from waypost.client.connection import Connection


class MailCalls(Connection):
    """Templates, messages, topics, suppressions, channels and hooks."""

    def templates(self) -> Iterator[m.TemplateOut]:
        """Every template by key: those kept in the store, and those that are files."""
        return self._list("/v1/templates")

    def put_template(
        self, key: str, subject: str, html: str, text: str = "", if_match: str | None = None, **more: Any
    ) -> m.TemplateStored:
        """Store a new version, sent from now on; `warnings` say what an inbox may not like.

        `more` may hold `preheader`, and `locales` with the same texts in other languages. Raises ApiProblem
        `invalid-template` where it could give no mail.
        """
        body = {"subject": subject, "html": html, "text": text, **more}
        return self._put("/v1/templates/{}", key, json=body, if_match=if_match).body

    def template_usage(self, key: str) -> m.TemplateUsageOut:
        """How many planned mails would carry a new version of it, who sends it, and who is pinned to a version."""
        return self.call("GET", "/v1/templates/{}/usage", key)

    def preview(self, key: str, **asked: Any) -> m.PreviewOut:
        """A template as it would go; nothing is sent.

        `asked`: a `customer`, or made-up `attributes`; `enrollment`, `locale`, `subject`, `version`.
        """
        return self.call("POST", "/v1/templates/{}/preview", key, json=asked)

    def messages(self, **filters: Any) -> Iterator[m.MessageOut]:
        """The newest first; `filters`: `customer`, `journey`, `broadcast`, `step`, `status`, `template`, `limit`."""
        return self._list("/v1/messages", **filters)

    def message(self, message: str) -> m.MessageWhole:
        """One mail: the very text that was rendered, and everything its provider reported."""
        return self.call("GET", "/v1/messages/{}", message)

    def decide(self, verdict: str, *, count: int | None = None, **filters: Any) -> m.DecidedMany:
        """Decide (`accepted`, `resend`, `failed`) about all mails of which nobody can tell whether they went.

        Without `count` they are counted alone; with the number that was told, an operation does it, to `watch`. Raises
        ApiProblem `refused` where there are more or fewer by then. `filters`: `journey`, `broadcast`, `template`,
        `status`, `reason`, `since`, `until`.
        """
        return self.call("POST", "/v1/messages/decide", json={"as": verdict, "count": count, **filters})

    def send_now(self, message: str, reason: str) -> m.MessageOut:
        """Let a mail past the quiet hours, send window or cap that hold it; `reason` goes to the audit log."""
        return self.call("POST", "/v1/messages/{}/send-now", message, json={"reason": reason})

    def suppress(self, email: str, reason: str = "manual") -> m.SuppressionOut:
        """Never write to an address again, transactional mail included; the first reason stays."""
        return self._put("/v1/suppressions/{}", email, json={"reason": reason}).body

    def unsuppress(self, email: str) -> None:
        """Let an address be written to again; bounces and complaints bring the suppression back."""
        self.call("DELETE", "/v1/suppressions/{}", email)

    def put_topic(self, key: str, **terms: Any) -> m.TopicOut:
        """Create or change a topic; a term that is left out has its default.

        `terms`: `name`, `consent` (opt_in, opt_out, double_opt_in), `transactional`, `cap` ({max, per}).
        """
        return self._put("/v1/topics/{}", key, json=terms).body

    def channels(self) -> m.ChannelsOut:
        """The ways out, open or closed, what waits in each lane, and the hold of all lanes where there is one."""
        return self.call("GET", "/v1/channels")

    def hold(self, reason: str = "") -> m.ChannelsOut:
        """Hold all lanes: nothing goes out until `release`; a hold that is there stays as it is."""
        return self.call("POST", "/v1/lanes/hold", json={"reason": reason})

    def release(self) -> m.ChannelsOut:
        """Let all lanes go."""
        return self.call("POST", "/v1/lanes/release")

    def hooks(self, **filters: Any) -> Iterator[m.HookOut]:
        """Webhooks and notes to colleagues, by `journey`, `customer` or `status`."""
        return self._list("/v1/hooks", **filters)
