"""What can go wrong, by what has to be done about it."""

from dataclasses import dataclass
from datetime import timedelta


class SentinelError(Exception):
    """Something that Sentinel knows how to talk about: its text is one line for an operator."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the configuration.

    `path` is the dotted key (`sinks.phone.url`), empty for the file as a whole; `line` counts from 1.
    """

    text: str
    path: str = ""
    file: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part)
        return ": ".join(part for part in (place, self.path, self.text) if part)


class ConfigError(SentinelError):
    """The configuration cannot be used; carries every fault that was found."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class FrameError(SentinelError):
    """An edge sent something that cannot be understood or is out of sequence; its session ends."""


class StateError(SentinelError):
    """The state directory cannot be used: unreadable, locked by another service, or on the wrong file system."""


class StoreError(SentinelError):
    """The store failed or is damaged; nothing after it is acknowledged or sent, and the process ends."""


class ControlError(SentinelError):
    """The running service cannot be asked."""


class NoServiceError(ControlError):
    """No service is there to be asked."""


class DeliveryError(SentinelError):
    """A message did not arrive.

    `retryable` says whether trying again can help; `retry_after` is what the other side asked for; `disables` says that
    it wants nothing more at all, so that nothing else is sent there either.
    """

    def __init__(
        self, text: str, *, retryable: bool, retry_after: timedelta | None = None, disables: bool = False
    ) -> None:
        super().__init__(text)
        self.retryable = retryable
        self.retry_after = retry_after
        self.disables = disables
