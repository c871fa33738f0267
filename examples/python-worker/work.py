"""What the worker is for. Replace this file by your own work; the others can stay as they are."""

import logging
import os

SUBMISSION_SECONDS = float(os.environ.get("SUBMISSION_SECONDS", "0.5"))


class Hopeless(Exception):
    """No further try will help: the job fails at once."""


def run(job, hold):
    """
    Does the job; raises when it cannot. It may run more than once for one job, because a worker may die after any line: each
    step must be safe to repeat, or leave a mark by which the next run knows that it is done.
    """
    website = (job["metadata"] or {}).get("website")
    if not website:
        raise Hopeless("the order has no website")
    for number in range(1, job["package_size"] + 1):
        hold.pause(SUBMISSION_SECONDS)  # in place of a call to a directory, with a timeout
        logging.info("submission %d of %d for job %s", number, job["package_size"], job["id"])


def deliver(job):
    """What must not happen twice: called only by the one worker whose complete_job was answered with "completed"."""
    logging.info("delivered job %s to %s", job["id"], job["customer_id"])
