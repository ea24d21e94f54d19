"""The tables, by subject.

customer ─< event            what they did, append-only
customer ─< alias            their other ids; tombstone: digests of the ids of who was erased
customer ─< enrollment       one run through a journey = one workflow
enrollment ─< decision       the recorded "why", one row per command of the core
enrollment ─< message        the sending ledger, one row per mail
message ─< delivery_event    what the provider reported about it; pending_click: what may be a scanner's
enrollment ─< interest       the events it waits for, matched at ingestion
enrollment ─< hook           webhooks and notes to colleagues, called until they are taken
segment ─< segment_member    who is in a segment now
date_due                     the dates that will let customers into journeys
enrollment ─< dispatch       signals and starts on their way to Temporal (a transactional outbox)
journey ─< journey_version   immutable published definitions, addressed by digest
broadcast ─< message, broadcast_member   one mail to many, planned in bulk; members where a file names them
channel, bucket, lane        the way out of the house: open or closed, how fast, and who delivers
template ─< template_version mails kept here; topic: what one can unsubscribe from; setting: what holds for all
stage_count, movement, run_count   maintained counts, never computed by scanning
api_key, audit               who may call, and who changed what
operation ─< operation_error, upload_part   long work, the lines it refused, the file it reads
outbox_mail                  the local mail catcher's inbox
"""

from store.tables.access import (
    ApiKey,
    Audit,
    IdempotentAnswer,
    ImportedFile,
    Operation,
    OperationError,
    Rejection,
    UploadPart,
)
from store.tables.broadcasts import Broadcast, BroadcastMember
from store.tables.definitions import (
    Journey,
    JourneyVersion,
    Setting,
    Template,
    TemplateVersion,
    Topic,
)
from store.tables.ledger import (
    Bucket,
    Channel,
    DeliveryEvent,
    Lane,
    Message,
    OutboxMail,
    PendingClick,
)
from store.tables.people import (
    Alias,
    Backfill,
    Consent,
    Customer,
    DateDue,
    Event,
    EventName,
    Segment,
    SegmentMember,
    Suppression,
    Tombstone,
)
from store.tables.runs import (
    Decision,
    Dispatch,
    Enrollment,
    Hook,
    Interest,
    Movement,
    RunCount,
    StageCount,
)

__all__ = [
    "Alias",
    "ApiKey",
    "Audit",
    "Backfill",
    "Broadcast",
    "BroadcastMember",
    "Bucket",
    "Channel",
    "Consent",
    "Customer",
    "DateDue",
    "Decision",
    "DeliveryEvent",
    "Dispatch",
    "Enrollment",
    "Event",
    "EventName",
    "Hook",
    "IdempotentAnswer",
    "ImportedFile",
    "Interest",
    "Journey",
    "JourneyVersion",
    "Lane",
    "Message",
    "Movement",
    "Operation",
    "OperationError",
    "OutboxMail",
    "PendingClick",
    "Rejection",
    "RunCount",
    "Segment",
    "SegmentMember",
    "Setting",
    "StageCount",
    "Suppression",
    "Template",
    "TemplateVersion",
    "Tombstone",
    "Topic",
    "UploadPart",
]
