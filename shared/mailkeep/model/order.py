"""In which order a list of mail is wanted, in the words that clients of the REST contract keep."""

from __future__ import annotations

from enum import Enum


class Order(Enum):
    """What is equal stands newest first. Letters are compared without their case, in ASCII."""

    NEWEST = "receivedAt-desc"
    OLDEST = "receivedAt-asc"
    SUBJECT = "subject-asc"
    SUBJECT_BACKWARDS = "subject-desc"
    SENDER = "from-asc"
    SENDER_BACKWARDS = "from-desc"
