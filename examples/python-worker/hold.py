"""A claimed job while it is worked on: a thread shows life, and the work asks here whether it may go on."""

import logging
import threading
import time

# An answer that did not come is asked for again sooner than at the next beat.
SOON_SECONDS = 5
# So long a pause may go on after the reason to end it.
SLICE_SECONDS = 0.2


class MustStop(BaseException):
    """Not an Exception, so that no `except Exception` of the work swallows it."""


class Lost(MustStop):
    """The job is another worker's now: stop at once and write nothing."""


class Cancelled(MustStop):
    """Somebody asked for the end of the job."""


class ShuttingDown(MustStop):
    """This process must end, and the job did not end in time."""


class Hold:
    """
    with Hold(…) as hold: while the block runs, the database hears that the job is alive and SQS keeps its message hidden.

    owner: {"job_id": …, "lease": …} of the claim. keep_message: hides the message for some beats more.
    must_release: says whether the time that this process has left is over.
    """

    def __init__(self, queuekeeper, owner, keep_message, must_release, heartbeat_seconds):
        self._queuekeeper = queuekeeper
        self._owner = owner
        self._keep_message = keep_message
        self._must_release = must_release
        self._heartbeat_seconds = heartbeat_seconds
        self._answer = "alive"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def check(self):
        """Raises when the work must stop. Ask between any two steps; no step should last longer than seconds."""
        self.check_owner()
        if self._must_release():
            raise ShuttingDown

    def check_owner(self):
        """As check, but a job that is done may still be completed while the process is shutting down."""
        if self._answer == "lost":
            raise Lost
        if self._answer == "cancel":
            raise Cancelled

    def pause(self, seconds):
        """A sleep that ends as soon as the work must stop."""
        until = time.monotonic() + seconds
        self.check()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, SLICE_SECONDS))
            self.check()

    def _beat(self):
        wait = self._heartbeat_seconds
        while not self._ended.wait(wait):
            wait = self._heartbeat_seconds
            try:
                self._show_life()
            except Exception as problem:
                # Whatever it was: without this thread the job would go stale while it is worked on. Whose the job is by
                # now, the call that ends it will say.
                logging.warning("no sign of life for job %s: %r", self._owner["job_id"], problem)
                wait = min(wait, SOON_SECONDS)
            if self._answer == "lost":
                return

    def _show_life(self):
        try:
            self._answer = self._queuekeeper.heartbeat_job(self._owner)
        finally:
            # Also while the database is away: another worker could do nothing with it either.
            if self._answer != "lost":
                self._keep_message()
