"""Shapes of requests and answers, generated from the OpenAPI document by `make docs`: change nothing here."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class ActionOut(TypedDict):
    """Something that will happen, unless one of `unless` comes before."""

    at: str
    local: str
    what: str
    stage: str
    step: str | None
    detail: dict[str, Any]
    unless: list[str]


class ApprovalIn(TypedDict):
    """What is asked for."""

    plan: NotRequired[str | None]
    in_flight: NotRequired[str | None]
    note: NotRequired[str]


class ApprovalOut(TypedDict):
    """A request that a draft be published."""

    id: str
    journey: str
    revision: int
    plan: str | None
    in_flight: str
    note: str
    status: ApprovalStatus
    asked_by: str
    created_at: str
    decided_by: str | None
    decided_at: str | None
    reason: str | None
    version: int | None


ApprovalStatus = Literal["open", "confirmed", "declined", "withdrawn"]


class ArchiveIn(TypedDict):
    """What becomes of those who are under way."""

    in_flight: NotRequired[str]


class AttributionIn(TypedDict):
    """Which mails are credited with an order, where their journey has no goal that says it."""

    window: NotRequired[str]
    transactional: NotRequired[bool]


class AttributionWindows(TypedDict):
    """How many days before an order a mail may have been accepted to be credited with it."""

    days: float
    journeys: dict[str, float]
    transactional: bool


class AudienceOut(TypedDict):
    """Who gets it and who does not, as it was planned."""

    recipients: int
    later: dict[str, int]
    skipped: dict[str, int]
    variants: dict[str, int]


class AuditOut(TypedDict):
    """Who changed what."""

    id: str
    at: str
    actor: str
    by: NotRequired[str | None]
    action: str
    kind: str
    target: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class BesideIn(TypedDict):
    """Names that a definition may use though they are not there yet: what is stored together with it."""

    templates: NotRequired[list[str]]
    segments: NotRequired[list[str]]
    topics: NotRequired[list[str]]
    journeys: NotRequired[list[str]]


class Body_act_hand_over__token__post(TypedDict):
    answer: NotRequired[HandOverAnswer | None]


class Body_act_preferences__token__post(TypedDict):
    topic: NotRequired[list[str] | None]


class Body_act_s__token__post(TypedDict):
    score: NotRequired[int | None]
    words: NotRequired[str | None]


class BookDifferenceOut(TypedDict):
    """Two places that should say the same, and do not: how many of a kind, where, and what is to be done."""

    kind: str
    place: str
    count: int
    repaired: int
    examples: list[str]
    told: str
    repair: str | None


class BroadcastBook(TypedDict):
    """The mails of a broadcast by what became of them."""

    broadcast: str
    messages: MessageBook
    differences: dict[str, int]


class BroadcastIn(TypedDict):
    """One mail to many. Without `segment` it goes to whom `POST /v1/imports?kind=recipients` has named."""

    name: NotRequired[str | None]
    segment: NotRequired[str | None]
    template: NotRequired[str | None]
    subject: NotRequired[str | None]
    topic: NotRequired[str]
    variants: NotRequired[dict[str, Any]]
    test: NotRequired[BroadcastTestIn | None]
    at: NotRequired[str | None]
    local: NotRequired[bool]
    late: NotRequired[str]
    send_window: NotRequired[SendWindow | None]
    expires: NotRequired[str]
    rate: NotRequired[str | None]
    priority: NotRequired[int]


class BroadcastOut(TypedDict):
    """A broadcast, and how far it is."""

    key: str
    status: str
    body: dict[str, Any]
    paused_at: str | None
    alarm: str | None
    start_at: str | None
    winner: str | None
    operation_id: str | None
    created_at: str
    updated_at: str
    finished_at: str | None


class BroadcastProgress(TypedDict):
    """With its numbers."""

    key: str
    status: str
    body: dict[str, Any]
    paused_at: str | None
    alarm: str | None
    start_at: str | None
    winner: str | None
    operation_id: str | None
    created_at: str
    updated_at: str
    finished_at: str | None
    named: int
    audience: AudienceOut | None
    messages: dict[str, int]
    rate: float | None
    seconds_left: int | None
    variants: dict[str, VariantOut]


BroadcastStatus = Literal["draft", "scheduled", "planning", "deciding", "sending", "sent", "cancelled"]


class BroadcastTestIn(TypedDict):
    """A sample gets the variants; the one that does best goes to everybody else."""

    sample: int
    winner: NotRequired[str]
    after: NotRequired[str]


class CalibrationOut(TypedDict):
    """What was expected of the time behind `learnt_until`, and what came."""

    learnt_until: str
    until: str
    customers: int
    expected: float
    came: int
    error: float | None
    kinds: list[ForetoldOut]


class CapIn(TypedDict):
    """At most `max` mails within any span of `per`."""

    max: int
    per: str


class ChannelOut(TypedDict):
    """A provider that mail goes out by. Closed, every lane waits; then one mail is tried."""

    name: str
    closed_until: str | None
    failures: int
    alarm: str | None
    updated_at: str


class ChannelsOut(TypedDict):
    """The channels that were used, the lanes, and the hold of all of them, where there is one."""

    channels: list[ChannelOut]
    lanes: list[LaneOut]
    held: HoldOut | None


class CohortOut(TypedDict):
    """Who entered in a month, and where they are now."""

    month: str
    entered: int
    stages: dict[str, int]
    ended: dict[str, int]


class CohortPeriodOut(TypedDict):
    """Who came back so many periods after the cohort's own (0: later in it)."""

    count: int
    n: int
    rate: float | None
    low: float
    high: float
    number: int


class CohortReport(TypedDict):
    """Retention as a triangle."""

    journey: str | None
    zone: str
    first: str
    returning: str
    by: str
    customers: int
    cohorts: list[CohortRowOut]
    all: list[CohortPeriodOut]
    told: str


CohortRowOut = TypedDict("CohortRowOut", {"from": "str", "to": "str", "customers": "int", "periods": "list[CohortShareOut]"})


class CohortShareOut(TypedDict):
    """The same of one cohort."""

    count: int
    n: int
    rate: float | None
    low: float
    high: float
    number: int
    running: bool


class CohortsIn(TypedDict):
    """The question of a triangle, as an operation is to answer it."""

    first: NotRequired[str | None]
    returning: NotRequired[str]
    by: NotRequired[str]
    journey: NotRequired[str | None]
    since: NotRequired[str | None]
    until: NotRequired[str | None]


class ColumnPreviewOut(TypedDict):
    """A column of a table, or a field of JSON: what it becomes, and how many of its values are what."""

    column: str
    becomes: str
    texts: int
    numbers: int
    other: int
    empty: int
    hint: str | None


class ComparedSideOut(TypedDict):
    """One of two versions that are compared."""

    number: int | None
    drafted_by: str | None
    published_by: str | None
    at: str


class ConfirmIn(TypedDict):
    """What is confirmed."""

    plan: str | None


class ConsentIn(TypedDict):
    """What a customer said about a topic."""

    granted: bool
    source: NotRequired[str]
    at: NotRequired[str | None]
    evidence: NotRequired[EvidenceIn | None]
    confirmed: NotRequired[bool]


class ConsentOut(TypedDict):
    """What holds of what a customer said about a topic."""

    topic: str
    granted: bool
    pending: bool
    source: str
    at: str
    evidence: dict[str, Any] | None


class ControlIn(TypedDict):
    """Why it is done; with a resume, what becomes of overdue mail; with a skip, what a mail goes past."""

    late: NotRequired[str | None]
    past_hours: NotRequired[bool]
    reason: NotRequired[str]


class CustomerIn(TypedDict):
    """Attributes to merge into a customer; null removes one."""

    attributes: dict[str, Any]


class CustomerOut(TypedDict):
    """A customer's profile."""

    id: str
    external_id: str | None
    email: str | None
    timezone: str | None
    attributes: dict[str, Any]
    events: dict[str, Any]
    segments: list[str]
    created_at: str


class CustomerStatus(TypedDict):
    """Where a customer is: the profile, the lifecycle stage, and every enrollment."""

    profiles: list[ProfileOut]
    customer: CustomerOut
    lifecycle_stage: str | None
    enrollments: list[EnrollmentOut]


class CustomerValueReport(TypedDict):
    """The last nightly fit; `refusal` says why there is none."""

    fitted_at: str | None
    refusal: str | None
    currency: str | None
    customers: int | None
    repeat_orders: int | None
    fit: OrdersModelOut | None
    money: MoneyModelOut | None
    calibration: CalibrationOut | None
    fifths: FifthsOut | None
    grid: NotRequired[list[list[int]] | None]


DecideIn = TypedDict("DecideIn", {"as": "str"})


DecideManyIn = TypedDict("DecideManyIn", {"as": "str", "journey": "NotRequired[str | None]", "broadcast": "NotRequired[str | None]", "template": "NotRequired[str | None]", "status": "NotRequired[str | None]", "reason": "NotRequired[str | None]", "since": "NotRequired[str | None]", "until": "NotRequired[str | None]", "count": "NotRequired[int | None]"})


class DecidedMany(TypedDict):
    """How many there are, and the operation that decides about them."""

    count: int
    operation: str | None


class DecisionLine(TypedDict):
    """A recorded why."""

    cursor: str
    id: str
    external_id: str | None
    customer_id: str
    journey: str
    enrollment_id: str | None
    number: int | None
    at: str
    what: str
    stage: str | None
    step: str | None
    visit: int | None
    entered_stage: str | None
    detail: dict[str, Any]


class DeclineIn(TypedDict):
    """Why not."""

    reason: NotRequired[str]


class DefinitionProblemOut(TypedDict):
    """One problem of a definition."""

    code: str
    severity: str
    path: str
    message: str
    found: NotRequired[str | None]
    expected: NotRequired[str | None]
    line: NotRequired[int | None]
    column: NotRequired[int | None]


class DeliveryEventOut(TypedDict):
    """Something that became of a mail after it was accepted."""

    kind: str
    at: str
    url: str | None
    reason: str | None
    machine: bool


class DifferenceOut(TypedDict):
    """How much more; 0.03 are three points."""

    by: float
    low: float
    high: float


class DispatchOut(TypedDict):
    """A row that goes to Temporal; it is gone when it has arrived."""

    id: int
    kind: str
    enrollment_id: str
    status: DispatchStatus
    attempts: int
    error: str | None
    not_before: str | None
    created_at: str


DispatchStatus = Literal["to_wake", "ready", "stuck"]


class DraftOut(TypedDict):
    """The draft that was stored, and what may be wrong with it."""

    journey: JourneyOut
    warnings: list[DefinitionProblemOut]


class EngagementOut(TypedDict):
    """How often, by people and machines together: whoever loads the picture, or follows a link, each time."""

    count: int
    first_at: str
    last_at: str


class EnrollIn(TypedDict):
    customer: NotRequired[str | None]
    segment: NotRequired[str | None]
    data: NotRequired[dict[str, Any]]


class EnrollmentOut(TypedDict):
    """One customer's run through a journey, and where it stands."""

    id: str
    journey: str
    version: int
    customer_id: str
    key: str
    run: int
    source: str
    status: str
    reason: str | None
    stage: str
    step: str | None
    visit: int
    paused: bool
    paused_by: str | None
    wakes_at: str | None
    stuck: str | None
    entered_at: str
    stage_since: str
    ended_at: str | None


EnrollmentStatus = Literal["live", "ended"]


class EntryCohortsIn(TypedDict):
    """Whose customers are told apart by the month in which they entered."""

    journey: NotRequired[str | None]


class EventLine(TypedDict):
    """Something that a customer did."""

    cursor: str
    id: str
    external_id: str | None
    customer_id: str
    message_id: str
    type: str
    name: str
    properties: dict[str, Any]
    at: str
    received_at: str
    said_at: str | None


class EventOut(TypedDict):
    """An event that was taken in."""

    id: str
    customer_id: str
    message_id: str
    type: str
    name: str
    properties: dict[str, Any]
    at: str
    received_at: str


class EvidenceIn(TypedDict):
    """What a customer agreed to, as a court would ask: the words, which wording, how, and from where."""

    text: str
    version: NotRequired[str | None]
    how: NotRequired[str | None]
    ip: NotRequired[str | None]


class ExperimentOut(TypedDict):
    """A split: its variants beside each other, and what that says in sentences."""

    split: str
    main_currency: str | None
    confidence: float
    variants: list[SplitVariantOut]
    lift: LiftOut | None
    needed: int | None
    mismatch: float | None
    winner: str | None
    decided_at: str | None
    decided_by: str | None
    next_look_at: str | None
    told: list[str]


class FifthsOut(TypedDict):
    """The four borders of the fifths: of last orders (Unix seconds), numbers of orders, and sums."""

    recency: list[float]
    frequency: list[float]
    monetary: list[float]


class FileFormOut(TypedDict):
    """How a file is written, as it was recognised or said."""

    format: str
    encoding: str
    delimiter: str | None
    line_ends: str


class Forecast(TypedDict):
    """What comes next for an enrollment if nothing happens."""

    enrollment: str
    journey: str
    stage: str
    step: str | None
    paused: bool
    actions: list[ActionOut]
    unless: list[str]


class ForetoldOut(TypedDict):
    """Of customers with so many repeat orders (the last: or more), the orders that were expected and that came."""

    repeat_orders: int
    customers: int
    expected: float
    came: int


class FunnelGroupOut(TypedDict):
    """The same of some of them."""

    group: str
    customers: int
    steps: list[GroupedStepOut]


FunnelIn = TypedDict("FunnelIn", {"from": "str", "via": "NotRequired[list[str]]", "to": "str", "within": "NotRequired[str]", "journey": "NotRequired[str | None]", "since": "NotRequired[str | None]", "until": "NotRequired[str | None]", "by": "NotRequired[str | None]", "split": "NotRequired[str | None]"})


class FunnelReport(TypedDict):
    """Of those who began, how many came how far, how fast, and where the others stand."""

    journey: str | None
    zone: str
    since: str
    until: str
    within: str
    by: str | None
    customers: int
    steps: list[FunnelStepOut]
    groups: list[FunnelGroupOut]
    told: str


class FunnelStepOut(TypedDict):
    """A step of the whole chain, with where the rest stands."""

    step: str
    customers: int
    of_all: ShareOut
    of_previous: ShareOut
    took: TookOut | None
    rest: int
    open: int
    stand: StandingOut


class GroupedStepOut(TypedDict):
    """A step of the chain."""

    step: str
    customers: int
    of_all: ShareOut
    of_previous: ShareOut
    took: TookOut | None
    rest: int
    open: int


class GuardProblemOut(TypedDict):
    """Why the guard fails for some customers."""

    problem: str
    count: int
    seen: dict[str, dict[str, Any]]


HandOverAnswer = Literal["taken", "done", "not_interested"]


class HandOverOut(TypedDict):
    """The notes of one step, each by its last answer."""

    journey: str
    stage: str
    step: str
    sent: int
    taken: int
    done: int
    not_interested: int
    unanswered: int
    answered: NotesAnsweredOut
    time_to_answer: TimeToAnswerOut | None


class HandOverReport(TypedDict):
    """The steps whose notes went to colleagues by mail; empty where none did."""

    hand_overs: list[HandOverOut]
    told: str


class Health(TypedDict):
    """`ok`, or `degraded` where the database, Temporal, room on the disk or a part of the worker is missing."""

    status: str
    database: NotRequired[bool]
    temporal: NotRequired[bool]
    room: NotRequired[bool]
    held: NotRequired[str | None]
    parts: NotRequired[list[PartOut]]


class HoldIn(TypedDict):
    """Why all lanes are held."""

    reason: NotRequired[str]


class HoldOut(TypedDict):
    """All lanes are held: nothing is claimed until somebody lets them go."""

    since: str
    by: str
    reason: str


class HookCountOut(TypedDict):
    """Webhooks and notes to colleagues that share step, status and last answer."""

    step: str
    status: HookStatus
    answer: int | None
    count: int


class HookOut(TypedDict):
    """One call of a step: when it is made next, or how it ended, with the receiver's last answer."""

    id: str
    kind: str
    journey: str
    enrollment_id: str
    customer_id: str
    stage: str
    step: str
    visit: int
    status: HookStatus
    attempts: int
    not_before: str
    answer: int | None
    error: str | None
    created_at: str
    updated_at: str


HookStatus = Literal["planned", "calling", "delivered", "failed", "stuck", "cancelled"]


class ImportPreviewOut(TypedDict):
    """What an import of a file would do; nothing of it was kept."""

    kind: str
    form: FileFormOut
    records: int
    columns: list[ColumnPreviewOut]
    rows: list[RecordPreviewOut]
    error_count: int
    errors: list[OperationErrorOut]
    placing: NotRequired[PlacingOut | None]


class InstallationSettings(TypedDict):
    """What holds for the whole installation."""

    timezone: NotRequired[str]
    quiet_hours: NotRequired[QuietHours | None]
    cap: NotRequired[CapIn | None]
    sandbox: NotRequired[list[str] | None]
    locale: NotRequired[str]
    tracking: NotRequired[TrackingIn]
    control_group: NotRequired[int]
    one_profile_per_address: NotRequired[bool]
    attribution: NotRequired[AttributionIn]
    main_currency: NotRequired[str | None]
    unsure: NotRequired[Unsure]
    retention: NotRequired[Retention]


class JourneyBook(TypedDict):
    """entered = live + ended; each difference has a name."""

    journey: str
    entered: int
    live: int
    ended: dict[str, int]
    erased: int
    dates_unknown: dict[str, int]
    messages: MessageBook
    differences: dict[str, int]


class JourneyChanged(TypedDict):
    """The journey after the change, and the operation that brings it to those who are under way."""

    operation: str | None
    key: str
    name: str | None
    live_version: int | None
    paused_at: str | None
    paused_stages: NotRequired[dict[str, str]]
    archived_at: str | None
    alarm: str | None
    draft: dict[str, Any] | None
    revision: int
    based_on: int | None
    drafted_by: str | None
    updated_at: str


class JourneyOut(TypedDict):
    """A journey with its draft."""

    key: str
    name: str | None
    live_version: int | None
    paused_at: str | None
    paused_stages: NotRequired[dict[str, str]]
    archived_at: str | None
    alarm: str | None
    draft: dict[str, Any] | None
    revision: int
    based_on: int | None
    drafted_by: str | None
    updated_at: str


class JourneyReport(TypedDict):
    """One journey: who entered, where they are, how they left, what it sent and what it reached."""

    journey: str | None
    stages: dict[str, int]
    places: list[StagePlace]
    steps: list[StepCount]
    movements: dict[str, int]
    time_in_stage: dict[str, StayOut]
    cohorts: NotRequired[list[CohortOut] | None]
    series: NotRequired[SeriesOut | None]
    entered: int
    ended: dict[str, int]
    converted: dict[str, int]
    messages: list[MessageCountOut]
    hooks: list[HookCountOut]
    experiments: list[ExperimentOut]


class KeyIn(TypedDict):
    """A key that is wanted."""

    name: str
    scopes: list[str]
    expires_at: NotRequired[str | None]
    rate: NotRequired[str | None]
    origins: NotRequired[list[str]]


class KeyMade(TypedDict):
    """A key with its text."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: str
    last_used_at: str | None
    expires_at: str | None
    rate: str | None
    origins: list[str]
    revoked_at: str | None
    key: str


class KeyOut(TypedDict):
    """A key, without its text."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: str
    last_used_at: str | None
    expires_at: str | None
    rate: str | None
    origins: list[str]
    revoked_at: str | None


class LaneOut(TypedDict):
    """What waits in a lane."""

    name: str
    waiting: int
    sending: int
    unknown: int
    parked: int


class LastCheckOut(TypedDict):
    """The last check of everything that came to its end."""

    checked_at: str
    operation: str
    differences: list[BookDifferenceOut]


class LifecycleReport(TypedDict):
    """Where customers are, and how they moved."""

    journey: str | None
    stages: dict[str, int]
    places: list[StagePlace]
    steps: list[StepCount]
    movements: dict[str, int]
    time_in_stage: dict[str, StayOut]
    cohorts: NotRequired[list[CohortOut] | None]
    series: NotRequired[SeriesOut | None]


LiftIn = TypedDict("LiftIn", {"event": "NotRequired[str | None]", "from": "NotRequired[str | None]"})


class LiftOut(TypedDict):
    """What everybody who is not held back does more than those who are."""

    than: str
    n: int
    of: int
    conversion: DifferenceOut
    revenue: list[RevenueDifference]


LiftReport = TypedDict("LiftReport", {"control_group": "int", "control_group_since": "str | None", "zone": "str", "from": "str", "to": "str", "event": "str | None", "main_currency": "str | None", "confidence": "float", "groups": "list[SplitVariantOut]", "lift": "LiftOut | None", "needed": "int | None", "mismatch": "float | None", "told": "list[str]"})


class MadeUpCustomer(TypedDict):
    """Somebody who goes through the journey and is nobody: attributes, what they do, which variants they get."""

    attributes: NotRequired[dict[str, Any]]
    events: NotRequired[list[MadeUpEvent]]
    variants: NotRequired[dict[str, str]]
    start: NotRequired[str | None]
    days: NotRequired[float]


class MadeUpEvent(TypedDict):
    """Something that a made-up customer does."""

    name: str
    after: NotRequired[str]
    properties: NotRequired[dict[str, Any]]


class MailLineOut(TypedDict):
    """Mails that are alike in what was asked for; null is what they were not put together by."""

    journey: NotRequired[str | None]
    stage: NotRequired[str | None]
    step: NotRequired[str | None]
    broadcast: NotRequired[str | None]
    template: NotRequired[str | None]
    variant: NotRequired[str | None]
    locale: NotRequired[str | None]
    source: NotRequired[str | None]
    sent: int
    delivered: MailShareOut
    opened: MailShareOut
    opened_by_machines: MailShareOut
    clicked: MailShareOut
    unsubscribed: MailShareOut
    complained: MailShareOut
    converted: MailShareOut
    revenue: list[MailRevenueOut]
    revenue_in_main: RevenueInMain | None


class MailRevenueOut(TypedDict):
    """What mails are credited with in one currency, by each model; each is what is left after refunds."""

    currency: str
    last: float
    first: float
    linear: float


class MailShareOut(TypedDict):
    """How many of the mails that were sent, each counted once; with Wilson's interval, 95%."""

    count: int
    n: int
    rate: float | None
    low: float | None
    high: float | None


MailsReport = TypedDict("MailsReport", {"by": "str", "from": "str | None", "to": "str | None", "mails": "list[MailLineOut]", "orders": "list[OrdersOut]", "orders_in_main": "OrdersInMain | None", "main": "MainCurrencyOut | None", "windows": "AttributionWindows", "told": "str"})


class MainCurrencyOut(TypedDict):
    """The main currency of the settings, and which rates are missing for a sum in it."""

    currency: str
    missing: list[MissingRates]
    told: str


class MemberOut(TypedDict):
    """A customer who is in a segment."""

    customer_id: str
    since: str


class MessageBook(TypedDict):
    """planned = accepted + failed + skipped + waiting + unknown + parked."""

    planned: int
    accepted: int
    failed: dict[str, int]
    skipped: dict[str, int]
    waiting: int
    unknown: int
    parked: int


class MessageCountOut(TypedDict):
    """Mails that share journey, template, status and reason."""

    journey: str
    template: str
    status: str
    reason: str | None
    count: int


class MessageLine(TypedDict):
    """A mail of the ledger, as it stands; it comes again at each change of its status."""

    cursor: str
    id: str
    external_id: str | None
    customer_id: str
    email: str | None
    enrollment_id: str | None
    journey: str
    stage: str
    step: str
    visit: int
    broadcast: str | None
    variant: str | None
    source: str | None
    template: str
    template_version: int | None
    locale: str | None
    topic: str
    lane: str
    status: str
    reason: str | None
    delivery: str | None
    due: str
    not_before: str | None
    planned_at: str
    accepted_at: str | None
    updated_at: str
    provider: str | None
    provider_id: str | None


class MessageOut(TypedDict):
    """One mail to one customer, without its text."""

    id: str
    journey: str
    broadcast: str | None
    variant: str | None
    source: str | None
    enrollment_id: str | None
    customer_id: str
    email: str | None
    stage: str
    step: str
    template: str
    template_version: int | None
    locale: str | None
    topic: str
    lane: str
    delivery: str | None
    status: str
    reason: str | None
    planned_at: str
    not_before: str | None
    accepted_at: str | None
    provider: str | None
    provider_id: str | None


MessageStatus = Literal["planned", "deferred", "skipped", "claimed", "sending", "accepted", "failed", "unknown", "parked"]


class MessageWhole(TypedDict):
    """With the very mail that was sent; null before it was rendered, and when retention has let it go."""

    id: str
    journey: str
    broadcast: str | None
    variant: str | None
    source: str | None
    enrollment_id: str | None
    customer_id: str
    email: str | None
    stage: str
    step: str
    template: str
    template_version: int | None
    locale: str | None
    topic: str
    lane: str
    delivery: str | None
    status: str
    reason: str | None
    planned_at: str
    not_before: str | None
    accepted_at: str | None
    provider: str | None
    provider_id: str | None
    subject: str | None
    html: str | None
    text: str | None
    urls: list[str]
    opens: EngagementOut | None
    clicks: EngagementOut | None
    reports: NotRequired[list[DeliveryEventOut]]


class MessagesReport(TypedDict):
    """Mails by journey, template, status and reason."""

    messages: list[MessageCountOut]


class MissingRates(TypedDict):
    """A currency that has no rate on days on which there are amounts in it."""

    currency: str
    days: int
    first: str
    last: str


class MoneyModelOut(TypedDict):
    """What orders are worth (gamma-gamma), and of how many customers that was learnt."""

    p: float
    q: float
    gamma: float
    customers: int


class MoveIn(TypedDict):
    """Where an enrollment is moved to, in the version that it is on, and why."""

    stage: str
    step: NotRequired[str | None]
    reason: NotRequired[str]


class MovesIn(TypedDict):
    stages: NotRequired[dict[str, str]]
    steps: NotRequired[dict[str, str]]


class NetScoreOut(TypedDict):
    """Promoters less detractors in points, -100 to 100, and where it lies with 95% confidence."""

    score: float
    low: float
    high: float


class NotesAnsweredOut(TypedDict):
    """How many notes were answered, of how many that were sent; with Wilson's interval, 95%."""

    count: int
    n: int
    rate: float | None
    low: float
    high: float


class OperationErrorOut(TypedDict):
    """A line of a file that was not taken."""

    line: int
    reason: str


class OperationOut(TypedDict):
    """Long work and how far it is."""

    id: str
    kind: str
    status: str
    paused: bool
    done: int
    total: int | None
    note: str | None
    rate: float | None
    seconds_left: int | None
    result: dict[str, Any] | None
    error: str | None
    error_count: int
    file: FileFormOut | None
    asked_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None


OperationStatus = Literal["queued", "running", "done", "failed", "cancelled"]


class OrdersInMain(TypedDict):
    """All orders of the time in the main currency."""

    amount: float
    credited: float


class OrdersModelOut(TypedDict):
    """How often customers order (BG/NBD), per week."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float


class OrdersOut(TypedDict):
    """The orders of the time, credited to mails or not."""

    currency: str
    orders: int
    amount: float
    credited: float
    without_amount: int


class OriginsIn(TypedDict):
    """The pages that may call with a key."""

    origins: list[str]


class OutboxBook(TypedDict):
    """What the local outbox received, beside what the ledger says it accepted."""

    received: int
    twice: int
    accepted: int


class PartOut(TypedDict):
    """A part of the worker: the dispatcher, the scheduler, a lane."""

    part: str
    works: bool
    last_round: float | None
    waiting: float


class PathEntry(TypedDict):
    """Something that happened on the way: a decision, a guard with the values it saw, a mail."""

    at: str
    what: str
    stage: str
    step: str | None
    detail: dict[str, Any]


class PauseIn(TypedDict):
    """What is paused."""

    stage: NotRequired[str | None]
    reason: NotRequired[str]


PeriodOut = TypedDict("PeriodOut", {"from": "str", "to": "str", "stages": "dict[str, int]", "entered": "int", "movements": "dict[str, int]", "ended": "dict[str, int]", "net": "dict[str, int]", "rates": "list[RateOut]", "time_in_stage": "dict[str, QuartilesOut]"})


class PinnedBy(TypedDict):
    """A version of a journey whose mails are made of one version of the template."""

    journey: str
    number: int
    template_version: int | None


class PlacingOut(TypedDict):
    """What an import of events into a journey would come to: the `result` that its operation would have."""

    customers: int
    events: int
    enrolled: int
    repeated: int
    already_enrolled: int
    been_before: int
    left_alone: list[str]


class PlanIn(TypedDict):
    """What is to be planned."""

    version: NotRequired[int | None]
    definition: NotRequired[str | None]
    beside: NotRequired[BesideIn]
    in_flight: NotRequired[str]
    moves: NotRequired[MovesIn | str]
    on_change: NotRequired[str]
    again: NotRequired[str]
    spread_minutes: NotRequired[int]
    share: NotRequired[int]


class PreviewIn(TypedDict):
    """For whom to render: a customer, or somebody made up."""

    customer: NotRequired[str | None]
    attributes: NotRequired[dict[str, Any]]
    enrollment: NotRequired[dict[str, Any]]
    locale: NotRequired[str | None]
    subject: NotRequired[str | None]
    version: NotRequired[int | None]


class PreviewOut(TypedDict):
    """A mail as it would go."""

    subject: str
    html: str
    text: str
    locale: str
    headers: dict[str, str]
    warnings: list[str]


class Problem(TypedDict):
    """What went wrong, where, and what would be right (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    path: NotRequired[str | None]
    problems: NotRequired[list[dict[str, Any]] | None]


class ProfileOut(TypedDict):
    """One of the customers who are meant by what was asked for."""

    id: str
    external_id: str | None
    email: str | None
    lifecycle_stage: NotRequired[str | None]
    created_at: str


class PublishIn(TypedDict):
    """What becomes of those who are under way."""

    in_flight: NotRequired[str | None]
    token: NotRequired[str | None]


class Published(TypedDict):
    """The version that is live, and the operation that moves those who are under way; null where they are pinned."""

    journey: str
    number: int
    digest: str
    drafted_by: str | None
    published_by: str | None
    published_at: str
    archived_at: str | None
    share: int
    others: int | None
    created: bool
    operation: NotRequired[OperationOut | None]


class QuartilesOut(TypedDict):
    """How long customers had been in a stage that they left in the period, within nine percent."""

    n: int
    p25_days: float
    median_days: float
    p75_days: float


QuietHours = TypedDict("QuietHours", {"from": "str", "to": "str"})


class RateOut(TypedDict):
    """Of all who were in a stage at some time of the period: how many moved on to another stage, or ended there."""

    stage: str
    to: str | None
    reason: str | None
    count: int
    n: int
    rate: float
    low: float
    high: float


class Reconciliation(TypedDict):
    """Whether the books balance."""

    balanced: bool
    recounted: bool
    journeys: list[JourneyBook]
    broadcasts: list[BroadcastBook]
    revenue: RevenueBook
    on_their_way: dict[str, int]
    stuck_dispatches: dict[str, int]
    stuck_hooks: dict[str, int]
    overdue: int
    stuck: int
    unreadable_journeys: list[str]
    unreadable_segments: list[str]
    outbox: OutboxBook | None
    last_check: LastCheckOut | None


class RecordPreviewOut(TypedDict):
    """A record as it would be taken in."""

    line: int
    record: dict[str, Any]


class RejectionOut(TypedDict):
    """An event that was refused, and why."""

    id: str
    received_at: str
    message_id: str | None
    type: str | None
    path: str
    reason: str


class Reported(TypedDict):
    """What came of a provider's report."""

    taken: int
    repeated: int
    unknown: int
    unreadable: int


class ResumeIn(TypedDict):
    """What goes on, and what becomes of the mails that are overdue."""

    stage: NotRequired[str | None]
    reason: NotRequired[str]
    late: NotRequired[str | None]


class ResumePlanOut(TypedDict):
    """What the resume of a journey would send."""

    journey: str
    paused: bool
    customers: int
    overdue: int
    leave: int
    complete: bool
    totals: ResumeTotals
    mails: list[ResumedMail]


class ResumeTotals(TypedDict):
    """Mails by what becomes of them."""

    send: int
    later: int
    skip: int


class ResumedMail(TypedDict):
    """Mails of one step that a resume leads to."""

    stage: str
    step: str
    template: str
    outcome: str
    reason: str | None
    count: int
    examples: list[str]


class Retention(TypedDict):
    """For how many days things are kept; null keeps them."""

    bodies: NotRequired[int | None]
    rejections: NotRequired[int | None]
    operations: NotRequired[int | None]


class RevenueBook(TypedDict):
    """What mails are credited with, against the orders: as the last night found it, or counted anew."""

    checked_at: NotRequired[str | None]
    differences: dict[str, int]


class RevenueDifference(TypedDict):
    """How much more a customer is worth, in one currency."""

    by: float
    low: float
    high: float
    currency: str


class RevenueInMain(TypedDict):
    """What mails are credited with in the main currency, by each model; each figure is rounded by itself."""

    last: float
    first: float
    linear: float


class RollbackIn(TypedDict):
    """The version to go back to, and what becomes of those who are under way."""

    in_flight: NotRequired[str | None]
    token: NotRequired[str | None]
    version: int


class SegmentIn(TypedDict):
    """A named guard over the customer."""

    guard: str
    name: NotRequired[str | None]


class SegmentOut(TypedDict):
    """A segment."""

    key: str
    name: str | None
    guard: str
    created_at: str
    updated_at: str


class SegmentPreviewIn(TypedDict):
    """A guard to try."""

    guard: str


class SegmentPreviewOut(TypedDict):
    """What a guard says of the newest customers."""

    looked_at: int
    belong: int
    warning: str | None
    problems: list[GuardProblemOut]


class SendNowIn(TypedDict):
    """Why a mail goes past the hours, or the cap, that hold it."""

    reason: str


SendWindow = TypedDict("SendWindow", {"days": "NotRequired[str | list[str]]", "from": "str", "to": "str"})


class SeriesOut(TypedDict):
    """The lifecycle over time. The last period may still be running."""

    zone: str
    by: str
    periods: list[PeriodOut]
    told: str


class SessionOut(TypedDict):
    """A browser in which somebody is signed in."""

    id: str
    agent: str
    created_at: str
    last_used_at: str
    expires_at: str


class ShareOut(TypedDict):
    """So many of n, with Wilson's interval (95%)."""

    count: int
    n: int
    rate: float | None
    low: float
    high: float


class SilenceOut(TypedDict):
    """Something that has stopped, or a name that nobody waits for."""

    kind: str
    journey: str
    name: str | None
    since: str
    usual_hours: float | None
    resembles: str | None
    told: str


class SilenceReport(TypedDict):
    """What has stopped happening."""

    looked_at: str | None
    silences: list[SilenceOut]
    told: str


SimulateIn = TypedDict("SimulateIn", {"from": "NotRequired[str | None]", "until": "NotRequired[str | None]", "version": "NotRequired[int | None]", "customer": "NotRequired[MadeUpCustomer | None]"})


class Simulated(TypedDict):
    """What became of a made-up customer."""

    enrollments: list[SimulatedRun]


class SimulatedRun(TypedDict):
    """One run of the made-up customer: how it ended or where it stands, and everything that happened."""

    entered_at: str
    entered_by: str
    key: str
    status: str
    reason: str | None
    stage: str
    step: str | None
    wakes_at: str | None
    path: list[PathEntry]


class SplitVariantOut(TypedDict):
    """One variant: how many were given it, and how many of them reached the goal."""

    variant: str
    holdout: bool
    customers: int
    converted: int
    rate: float | None
    low: float
    high: float
    best: float
    revenue: list[VariantRevenue]


class SplitWinnerIn(TypedDict):
    """The variant to take from now on."""

    winner: str


class StagePlace(TypedDict):
    """A stage as the journey has it, and how many customers are in it."""

    stage: str
    label: str | None
    phase: str | None
    mailable: bool
    count: int


class StandingOut(TypedDict):
    """Where those who came no further stand now: in their last run through the journey, or outside it."""

    stages: dict[str, int]
    ended: dict[str, int]
    outside: int


class StayOut(TypedDict):
    """How long customers stay in a stage."""

    left: int
    mean_days: float
    n: int
    p25_days: float | None
    median_days: float | None
    p75_days: float | None


class StepCount(TypedDict):
    """How many enrollments wait in a step, or rest behind a stage's last one."""

    stage: str
    step: str | None
    count: int


class SuppressionIn(TypedDict):
    """Why an address is never written to."""

    reason: NotRequired[str]


class SuppressionOut(TypedDict):
    """An address that gets nothing."""

    reason: str
    source: str
    created_at: str
    email: str


class SurveyAnswersOut(TypedDict):
    """The answers to one survey: of all mails together (the rest is null), or of one stage in one version."""

    survey: str
    journey: str | None
    version: int | None
    stage: str | None
    answers: int
    mean: float
    classes: dict[str, int]
    net: NetScoreOut | None


class SurveyReport(TypedDict):
    """Each survey as a whole, and then by journey, version and stage; empty where nobody answered."""

    surveys: list[SurveyAnswersOut]
    told: str


class TemplateIn(TypedDict):
    """The texts of a template, and the same in other languages."""

    subject: str
    preheader: NotRequired[str]
    html: str
    text: NotRequired[str]
    locales: NotRequired[dict[str, Any]]


class TemplateOut(TypedDict):
    """A template: kept here with versions, or a file."""

    key: str
    kept: str
    version: int | None
    subject: str
    preheader: str
    html: str
    text: str
    locales: dict[str, TextsOut]
    created_at: str | None


class TemplateStored(TypedDict):
    """A template as it was stored, and what an inbox may not like about it."""

    key: str
    kept: str
    version: int | None
    subject: str
    preheader: str
    html: str
    text: str
    locales: dict[str, TextsOut]
    created_at: str | None
    created: bool
    planned_mails: int
    warnings: list[str]


class TemplateUsageOut(TypedDict):
    """Who sends a template, and what a new version of it would reach."""

    journeys: list[str]
    broadcasts: list[str]
    pinned: list[PinnedBy]
    planned_mails: int


class TemplateVersionOut(TypedDict):
    """A version of a template, which never changes."""

    key: str
    number: int
    subject: str
    preheader: str
    html: str
    text: str
    locales: dict[str, TextsOut]
    created_at: str


class TestMailIn(TypedDict):
    """To whom a test mail goes."""

    customer: NotRequired[str | None]
    attributes: NotRequired[dict[str, Any]]
    enrollment: NotRequired[dict[str, Any]]
    locale: NotRequired[str | None]
    subject: NotRequired[str | None]
    version: NotRequired[int | None]
    to: str


class TextsIn(TypedDict):
    """The texts of a template in one language, each Jinja2."""

    subject: str
    preheader: NotRequired[str]
    html: str
    text: NotRequired[str]


class TextsOut(TypedDict):
    """The texts of a template in one language."""

    subject: str
    preheader: str
    html: str
    text: str


class TimeToAnswerOut(TypedDict):
    """How long the first answer took from when the note went, within nine percent."""

    n: int
    p25_hours: float
    median_hours: float
    p75_hours: float


class TimelineEntry(TypedDict):
    """An event or a decision, with everything it was decided on."""

    at: str
    kind: str
    what: str
    journey: str | None
    version: int | None
    stage: str | None
    step: str | None
    detail: dict[str, Any]


class TookOut(TypedDict):
    """How long it took from the step before, exactly."""

    n: int
    p25_days: float
    median_days: float
    p75_days: float


class TopicIn(TypedDict):
    """What a customer can unsubscribe from, and on what terms mail about it goes."""

    name: NotRequired[str | None]
    names: NotRequired[dict[str, Any]]
    consent: NotRequired[str]
    transactional: NotRequired[bool]
    cap: NotRequired[CapIn | None]


class TopicOut(TypedDict):
    """A topic and its terms."""

    key: str
    name: str | None
    names: dict[str, str]
    consent: str
    transactional: bool
    cap_max: int | None
    cap_seconds: int | None
    paused_at: str | None
    alarm: str | None
    created_at: str
    updated_at: str


class TrackingIn(TypedDict):
    """What is followed in mail that is not transactional; a link with data-track="no" never is."""

    opens: NotRequired[bool]
    clicks: NotRequired[bool]
    utm: NotRequired[Utm | None]


class TriggerNow(TypedDict):
    """A way into a journey, and whether it would let the customer in now."""

    on: str
    happened: int
    guard: NotRequired[str | None]
    holds_now: NotRequired[bool | None]
    seen: NotRequired[dict[str, Any] | None]
    error: NotRequired[str | None]
    late: NotRequired[str | None]


class UnreadableFieldOut(TypedDict):
    """A field whose values could not be read: they counted as nothing, which is told here and not guessed."""

    source: str
    field: str
    count: int
    first_day: str
    last_day: str
    examples: list[str]


class UnreadableFieldsOut(TypedDict):
    """All such fields, those with the most first."""

    items: list[UnreadableFieldOut]


class Unsure(TypedDict):
    """Mail of which nobody can tell whether it went."""

    after: NotRequired[str]
    then: NotRequired[str]


class UserChange(TypedDict):
    """What is to be another; null leaves it."""

    name: NotRequired[str | None]
    roles: NotRequired[list[str] | None]


class UserIn(TypedDict):
    """Somebody who is invited."""

    email: str
    name: NotRequired[str]
    roles: list[str]
    mail: NotRequired[bool]


class UserInvited(TypedDict):
    """Somebody who was invited, with what signs them in."""

    id: str
    email: str
    name: str
    roles: list[str]
    invited_by: str | None
    created_at: str
    last_sign_in_at: str | None
    disabled_at: str | None
    link: str


class UserOut(TypedDict):
    """Somebody who signs in to the pages."""

    id: str
    email: str
    name: str
    roles: list[str]
    invited_by: str | None
    created_at: str
    last_sign_in_at: str | None
    disabled_at: str | None


class Utm(TypedDict):
    """Parameters that links get; campaign and content are the journey (or broadcast) and the template."""

    source: NotRequired[str]
    medium: NotRequired[str]


class Validation(TypedDict):
    """Whether a definition can be published, and everything there is to say about it."""

    valid: bool
    problems: list[DefinitionProblemOut]


class VariantIn(TypedDict):
    """One of the mails of an A/B test."""

    template: str
    subject: NotRequired[str | None]
    weight: NotRequired[int]


class VariantOut(TypedDict):
    """What people (not machines) did with a variant."""

    accepted: int
    opened: int
    clicked: int


class VariantRevenue(TypedDict):
    currency: str
    paying: int
    per_customer: float
    low: float
    high: float


class VersionChangeOut(TypedDict):
    """One change of a version against another."""

    kind: str
    place: str
    sentence: str
    before: Any
    after: Any


VersionDiff = TypedDict("VersionDiff", {"journey": "str", "from": "ComparedSideOut", "to": "ComparedSideOut", "summary": "str", "changes": "list[VersionChangeOut]", "text": "str"})


class VersionListed(TypedDict):
    """A version, who published it, and what it changed."""

    journey: str
    number: int
    digest: str
    drafted_by: str | None
    published_by: str | None
    published_at: str
    archived_at: str | None
    share: int
    others: int | None
    by: NotRequired[str | None]
    summary: str


class VersionOut(TypedDict):
    """A version, which never changes."""

    journey: str
    number: int
    digest: str
    drafted_by: str | None
    published_by: str | None
    published_at: str
    archived_at: str | None
    share: int
    others: int | None


class VersionWhole(TypedDict):
    """A version with its definition."""

    journey: str
    number: int
    digest: str
    drafted_by: str | None
    published_by: str | None
    published_at: str
    archived_at: str | None
    share: int
    others: int | None
    by: NotRequired[str | None]
    summary: str
    templates: dict[str, int | None]
    definition: dict[str, Any]


class WhyOfProfile(TypedDict):
    """The answer about one of several customers who have the address that was asked for."""

    id: str
    external_id: str | None
    answer: str


class WhyOut(TypedDict):
    """An answer in a sentence, and everything that it rests on."""

    profiles: list[WhyOfProfile]
    answer: str
    entered: bool | None
    reason: str | None
    meaning: str | None
    next_at: str | None
    enrollment: EnrollmentOut | None
    message: MessageOut | None
    hook: HookOut | None
    triggers: list[TriggerNow]
    decisions: list[TimelineEntry]


class WinnerIn(TypedDict):
    """Which variant goes to the rest."""

    variant: str
