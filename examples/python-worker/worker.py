"""A complete worker: takes messages from SQS, one at a time, and works on the jobs that they name. Run several for more."""

import functools
import json
import logging
import math
import os
import random
import signal
import socket
import sys
import time
import uuid

import work
from hold import Cancelled, Hold, Lost, ShuttingDown
from messages import SQS_ERRORS, Messages
from queuekeeper import NoAnswer, Queuekeeper, WrongSetup

NEEDED = ("SUPABASE_URL", "SUPABASE_SERVICE_KEY", "SQS_QUEUE_URL", "AWS_DEFAULT_REGION")
LONGEST_WAIT_SECONDS = 60
LONGEST_BACKOFF_SECONDS = 900


class Worker:
    def __init__(self, environment):
        missing = [name for name in NEEDED if not environment.get(name)]
        if missing:
            raise WrongSetup(f"{', '.join(missing)} not set; README.md says what they are")
        self._heartbeat_seconds = float(environment.get("HEARTBEAT_SECONDS", "60"))
        self._backoff_seconds = float(environment.get("BACKOFF_SECONDS", "10"))
        self._grace_seconds = float(environment.get("SHUTDOWN_SECONDS", "20"))
        # A message is hidden for three beats, and each beat hides it for three more.
        self._messages = Messages(environment["SQS_QUEUE_URL"], math.ceil(3 * self._heartbeat_seconds))
        self._queuekeeper = Queuekeeper(environment["SUPABASE_URL"], environment["SUPABASE_SERVICE_KEY"])
        # New at each start: a reused name would keep the job of its dead namesake alive.
        self._id = f"{socket.gethostname()}-{uuid.uuid4()}"
        self._is_idle = False
        self._release_at = None

    def run(self):
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        self._wait_for_database()
        logging.info("worker %s is ready", self._id)
        failures = 0
        while self._release_at is None:
            try:
                message = self._idly(self._messages.receive)
                failures = 0
            except SQS_ERRORS as problem:
                failures += 1
                logging.warning("no message from SQS: %s", problem)
                self._wait(failures)
                continue
            if message and self._release_at is None:
                self._take(message)
            elif message:
                self._messages.show_in(message, 0)  # it came in the very moment of the signal

    def _take(self, message):
        """Deletes the message when its job no longer needs it, and leaves it for another try in every other case."""
        try:
            if self._handle(message):
                self._messages.delete(message)
        except WrongSetup:
            raise
        except NoAnswer as problem:
            logging.error("message %s stays: %s", message["MessageId"], problem)
            self._wait_for_database()
        except Exception:
            # It names no job that can be claimed. After five receives it is a dead letter, and a person hears of it.
            receives = int(message["Attributes"]["ApproximateReceiveCount"])
            logging.exception("message %s makes no sense at receive %d", message["MessageId"], receives)
            self._messages.show_in(message, min(LONGEST_BACKOFF_SECONDS, self._backoff_seconds * 2 ** (receives - 1)))

    def _handle(self, message):
        """Answers whether the message may be deleted."""
        body = json.loads(message["Body"])
        claim = self._queuekeeper.claim_job(body["job_id"], self._id, body.get("lease"))
        if not claim["claimed"]:
            logging.info("skipped job %s: %s", body["job_id"], claim["reason"])
            return True
        job = claim["job"]
        owner = {"job_id": job["id"], "lease": claim["lease"]}
        logging.info("claimed job %s with lease %d", job["id"], claim["lease"])
        keep = functools.partial(self._messages.keep, message)
        with Hold(self._queuekeeper, owner, keep, self._must_release, self._heartbeat_seconds) as hold:
            outcome = self._work(job, owner, hold)
        logging.info("%s job %s", outcome, job["id"])
        if outcome == "completed":
            self._deliver(job)
        # A job that was lost has, or gets, a message of its own; whether this one is still needed, its next claim says.
        return outcome != "lost"

    def _work(self, job, owner, hold):
        """Answers the word with which the database ended our hold of the job."""
        try:
            problem = self._try(job, hold)
            hold.check_owner()
            if problem is None:
                return self._queuekeeper.complete_job(owner)
            can_retry = not isinstance(problem, work.Hopeless)
            return self._queuekeeper.fail_job(owner, f"{type(problem).__name__}: {problem}", can_retry)
        except Lost:
            return "lost"
        except Cancelled:
            return self._queuekeeper.fail_job(owner, "Cancelled on request.", False)
        except ShuttingDown:
            return self._queuekeeper.release_job(owner)

    def _try(self, job, hold):
        """Answers what went wrong, or None."""
        try:
            work.run(job, hold)
        except Exception as problem:
            logging.exception("job %s went wrong", job["id"])
            return problem

    def _deliver(self, job):
        try:
            work.deliver(job)
        except Exception:
            # The job is completed and nobody will run it again: what is left to do is a person's.
            logging.exception("job %s is completed, but was not delivered", job["id"])

    def _wait_for_database(self):
        """While the database is away no message is received: each try would count against one, and five make it dead."""
        failures = 0
        while self._release_at is None:
            try:
                return self._queuekeeper.ping()
            except NoAnswer as problem:
                failures += 1
                logging.warning("no answer from the database: %s", problem)
                self._wait(failures)

    def _wait(self, failures):
        seconds = min(LONGEST_WAIT_SECONDS, 2**failures) * random.uniform(0.5, 1)
        self._idly(functools.partial(time.sleep, seconds))

    def _idly(self, wait):
        """Waits with no job in hand: a signal ends the process at once."""
        self._is_idle = True
        try:
            return wait()
        finally:
            self._is_idle = False

    def _on_signal(self, *_):
        if self._is_idle:
            sys.exit(0)  # a message that was on its way is shown to another worker when its visibility timeout is over
        if self._release_at is None:
            self._release_at = time.monotonic() + self._grace_seconds
            logging.info("stopping, the job in hand has %g s left", self._grace_seconds)

    def _must_release(self):
        return self._release_at is not None and time.monotonic() >= self._release_at


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        Worker(os.environ).run()
    except WrongSetup as problem:
        sys.exit(f"The worker cannot work: {problem}")
