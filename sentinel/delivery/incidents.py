"""Which incident a message opens or closes, for services that keep incidents open until they are closed."""

import hashlib

from sentinel.events import Incident, Message


def incident_of(message: Message) -> Incident:
    """The incident that policy named, else that of the event's own subject and aspect.

    Whatever opens no problem closes: an incident that nothing would ever close is worse than a close too many.
    """
    if message.incident is not None:
        return message.incident
    event = message.event
    return Incident(event.subject, event.type.aspect, ends=event.problem != "opens")


def dedup_key(incident: Incident) -> str:
    """What stays the same from the opening of an incident to its closing, and from one opening to the next."""
    subject = incident.subject
    parts = (subject.source, subject.type, subject.id, incident.aspect)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
