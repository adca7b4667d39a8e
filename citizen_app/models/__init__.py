"""What both apps stand on: people, consents, machine clients, and the tables of the plumbing."""

from citizen_app.models.citizen import Citizen, CitizenManager, OperatorRole
from citizen_app.models.clients import OAuthApplication
from citizen_app.models.consents import ConsentEvent, ConsentText
from citizen_app.models.plumbing import AuditEvent, IdempotentRequest, OutboxMessage

__all__ = [
    "AuditEvent",
    "Citizen",
    "CitizenManager",
    "ConsentEvent",
    "ConsentText",
    "IdempotentRequest",
    "OAuthApplication",
    "OperatorRole",
    "OutboxMessage",
]
