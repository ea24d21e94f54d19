"""What a version changes of another, told in the words of the language: one row a kind of change."""

import pytest

from journeys.changes.diff import diff
from journeys.changes.text_diff import text_diff
from journeys.changes.version_changes import COUNTED, VersionChange, summary
from journeys.checks import source
from journeys.language.definition import Definition

FIRST = """journey: j
enter: [{on: Signed Up}]
start: trial
stages:
  trial:
    steps:
      - send: a
      - wait: 3 days
      - {id: tour, send: b}
      - wait_for: {event: Tour Watched, up_to: 7 days, else: [{send: still}]}
      - branch: [{if: customer.plan == "team", then: [{send: c}]}, {else: [{send: d}]}]
      - split: {id: tips, variants: {short: {weight: 50, steps: [{send: e}]}, none: {weight: 50, holdout: true}}}
      - {set: {seen: true}, id: mark}
    transitions: [{on: Paid, to: paying}, {after: 30 days, to: gone}]
  paying: {steps: [{send: thanks}, {send: more}]}
  gone: {}
"""


def read(text: str) -> Definition:
    return Definition.model_validate(source.parse(text).data)


def changes(*pairs: tuple[str, str]) -> list[VersionChange]:
    """What FIRST becomes with these texts in place of those."""
    text = FIRST
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return [*diff(read(FIRST), read(text))]


@pytest.mark.parametrize(
    ("old", "new", "kind", "place", "sentence"),
    [
        ("3 days", "5 days", "step_retimed", "trial/wait:5 days", "In stage 'trial', the wait behind 'send a' is 5 days instead of 3 days."),
        (
            "up_to: 7 days", "up_to: 9 days", "step_retimed", "trial/wait_for:Tour Watched",
            "In stage 'trial', 'wait for Tour Watched' waits up to 9 days instead of 7 days.",
        ),
        ("send: b}", "send: b2}", "mail_changed", "tour", "In stage 'trial', 'tour' has the template b2 instead of b."),
        (
            "send: b}", "send: {template: b, subject: Hi}}", "mail_changed", "tour",
            "In stage 'trial', 'tour' has the subject Hi instead of nothing.",
        ),
        (
            '"team"', '"pro"', "guard_changed", "trial/branch",
            "In stage 'trial', 'branch' asks customer.plan == \"pro\", then else instead of customer.plan == \"team\", then else.",
        ),
        (
            "short: {weight: 50", "short: {weight: 80", "step_changed", "trial/split:tips",
            "In stage 'trial', 'split tips' divides short 80 · none 50 (holdout) instead of short 50 · none 50 (holdout).",
        ),
        (
            "{id: tips,", "{id: tips, winner: short,", "step_changed", "trial/split:tips",
            "In stage 'trial', 'split tips' has the winner short instead of nothing.",
        ),
        (
            "{id: tips,", "{id: tips, decide: {after: 7 days}, ", "step_changed", "trial/split:tips",
            "In stage 'trial', 'split tips' is decided by {\"by\": \"conversion\", \"after\": \"7 days\", \"confidence\": 0.95} instead of nothing.",
        ),
        (
            "seen: true", "seen: false", "step_changed", "mark",
            "In stage 'trial', 'mark' says {\"seen\": false} instead of {\"seen\": true}.",
        ),
        (
            "{send: more}", "{send: more}, {send: last}", "step_added", "paying/send:last",
            "'send last' is new in stage 'paying', behind 'send more'.",
        ),
        (
            "[{send: still}]", "[]", "step_removed", "trial/send:still", "'send still' is gone from stage 'trial'.",
        ),
        (
            "[{send: thanks}, {send: more}]", "[{send: more}, {send: thanks}]", "step_moved", "paying/send:more",
            "'send more' stands elsewhere: in stage 'paying', as the first step.",
        ),
        ("gone: {}", "gone: {}\n  late: {}", "stage_added", "late", "Stage 'late' is new, with 0 steps."),
        ("gone: {}", "gone: {mailable: false}", "stage_changed", "gone", "'mailable' of stage 'gone' is false instead of true."),
        (
            "30 days", "40 days", "transition_changed", "trial",
            "In stage 'trial', the transition after 40 days to 'gone' takes the place of the transition after 30 days to "
            "'gone'.",
        ),
        (
            "{on: Paid, to: paying}, ", "", "transition_removed", "trial",
            "In stage 'trial', the transition on Paid to 'paying' is gone.",
        ),
        (
            "to: gone}]", "to: gone}, {inactive: 9 days, of: Paid, to: gone}]", "transition_added", "trial",
            "In stage 'trial', the transition after 9 days without Paid to 'gone' is new.",
        ),
        (
            "{on: Paid, to: paying}, {after: 30 days, to: gone}", "{after: 30 days, to: gone}, {on: Paid, to: paying}",
            "transition_changed", "trial", "In stage 'trial', its transitions are tried in another order.",
        ),
        ("start: trial", "priority: 1\nstart: trial", "setting_changed", "priority", "'priority' is 1 instead of 3."),
        (
            "start: trial", "defaults: {topic: news}\nstart: trial", "setting_changed", "defaults.topic",
            "'defaults.topic' is \"news\" instead of nothing.",
        ),
        (
            "[{on: Signed Up}]", "[{on: Joined}]", "setting_changed", "enter",
            "'enter' is [{\"on\": \"Joined\"}] instead of [{\"on\": \"Signed Up\"}].",
        ),
    ],
)  # fmt: skip
def test_each_change_is_told_in_a_sentence(old: str, new: str, kind: str, place: str, sentence: str) -> None:
    (found,) = changes((old, new))
    assert (found.kind, found.place, found.sentence) == (kind, place, sentence)


def test_a_stage_that_is_gone_is_told_with_its_steps() -> None:
    found = [*diff(read(FIRST + "  old: {steps: [{send: z}]}\n"), read(FIRST))]
    assert [(one.kind, one.place) for one in found] == [("stage_removed", "old"), ("step_removed", "old/send:z")]


def test_a_step_that_goes_into_the_other_arm_stands_elsewhere() -> None:
    (found,) = changes(("then: [{send: c}]}, {else: [{send: d}]}", "then: []}, {else: [{send: c}, {send: d}]}"))
    assert (found.kind, found.place) == ("step_moved", "trial/send:c")


def test_the_order_of_stages_and_what_is_spelled_out_are_no_change() -> None:
    assert changes(("start: trial", "priority: 3\nreentry: never\nstart: trial")) == []
    turned = FIRST.replace("  gone: {}\n", "").replace("stages:\n", "stages:\n  gone: {}\n")
    assert diff(read(FIRST), read(turned)) == []


def test_a_few_changes_are_told_in_their_words_and_more_are_counted() -> None:
    assert summary([]) == "Nothing is changed but how it is written."
    assert (
        summary(changes(("3 days", "5 days")))
        == "In stage 'trial', the wait behind 'send a' is 5 days instead of 3 days."
    )
    many = changes(("3 days", "5 days"), ("up_to: 7 days", "up_to: 9 days"), ("send: b}", "send: b2}"))
    assert summary(many) == "2 waits have another time, 1 mail is changed."


def test_every_kind_has_words_for_one_and_for_several() -> None:
    assert {kind: len({*said}) for kind, said in COUNTED.items()} == dict.fromkeys(COUNTED, 2)


def test_the_same_as_a_text() -> None:
    told = text_diff(read(FIRST), read(FIRST.replace("3 days", "5 days")), ("version 1", "version 2"))
    assert [line for line in told.splitlines() if line[0] in "+-"] == [
        "--- version 1", "+++ version 2", "-    - wait: 3 days", "+    - wait: 5 days",
    ]  # fmt: skip
