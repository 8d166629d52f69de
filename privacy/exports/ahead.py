"""Makes the next chunks of a file in a thread while the last ones are compressed. It changes none."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
CHUNKS = 2  # ready at most, so that memory stays bounded
WAIT_SECONDS = 0.2


class _End:
    """The last thing in the queue: no more, or the error that ended it."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterable[T]) -> Iterator[T]:
    """The same items in the same order; an error of theirs is raised where it came. Both sides end when one does."""
    ready: queue.Queue[T | _End] = queue.Queue(CHUNKS)
    stopped = threading.Event()
    maker = threading.Thread(target=_make, args=(items, ready, stopped), daemon=True)
    maker.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        maker.join()


def _make(items: Iterable[T], ready: queue.Queue[T | _End], stopped: threading.Event) -> None:
    end = _End(None)
    try:
        for item in items:
            if not _put(item, ready, stopped):
                return
    except BaseException as error:  # noqa: BLE001 - raised again where the items are used
        end = _End(error)
    _put(end, ready, stopped)


def _put(item: T | _End, ready: queue.Queue[T | _End], stopped: threading.Event) -> bool:
    while not stopped.is_set():
        try:
            ready.put(item, timeout=WAIT_SECONDS)
        except queue.Full:
            continue
        return True
    return False
