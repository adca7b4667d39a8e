"""What both apps stand on: people, consents, clients and connections, and the tables of the plumbing."""

from citizen_app.models.citizen import Citizen, CitizenManager, OperatorRole
from citizen_app.models.clients import OAuthApplication
from citizen_app.models.connections import Connection, PairwiseSubject
from citizen_app.models.consents import ConsentEvent, ConsentText
from citizen_app.models.exports import DataExport
from citizen_app.models.phones import Phone
from citizen_app.models.plumbing import (
    AuditChain,
    AuditEvent,
    IdempotentRequest,
    InboxMessage,
    OutboxMessage,
    Promised,
    ScheduledRun,
)

__all__ = [
    "AuditChain",
    "AuditEvent",
    "Citizen",
    "CitizenManager",
    "Connection",
    "ConsentEvent",
    "ConsentText",
    "DataExport",
    "IdempotentRequest",
    "InboxMessage",
    "OAuthApplication",
    "OperatorRole",
    "OutboxMessage",
    "PairwiseSubject",
    "Phone",
    "Promised",
    "ScheduledRun",
]
