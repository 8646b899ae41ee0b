"""What sinks and operators ask for, as part of a commit."""

from collections.abc import Callable, Iterable, Set

from loguru import logger

from sentinel.clock import Instant
from sentinel.model import Absorption, Burial, Command, Condition, Replay
from sentinel.pipeline.rules import Exchange
from sentinel.store.protocol import Batch, Revival


def obey(
    commands: Iterable[Command | Exchange],
    batch: Batch,
    programs: Set[str],
    new_delivery: Callable[[], int],
    now: Instant,
) -> None:
    """Puts into the batch what was asked for.

    An exchange puts nothing there: it comes after the commit. `programs` are sinks that get old news, too;
    `new_delivery` makes the numbers of deliveries.
    """
    for command in commands:
        match command:
            case Absorption():
                batch.absorptions.append((command, now.wall))
            case Replay(deliveries, to):
                for number, sink in deliveries:
                    only_news = (to or sink) not in programs
                    batch.revivals.append(Revival(number, new_delivery(), to, now.wall, only_news))
            case Burial(deliveries):
                batch.buried += deliveries
                logger.bind(deliveries=len(deliveries)).warning("dead deliveries are forgotten")
            case Condition():
                """The writer has made events of it."""
