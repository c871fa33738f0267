"""The queue: messages come one at a time, and are hidden from other workers while one has them in hand."""

import logging
import urllib.parse

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

LONG_POLL_SECONDS = 20
# SQS gave no answer, or said no.
SQS_ERRORS = (BotoCoreError, ClientError)


class Messages:
    def __init__(self, queue_url, hidden_seconds):
        self._queue_url = queue_url
        self._hidden_seconds = hidden_seconds
        self._sqs = sqs_client(queue_url)

    def receive(self):
        """The next message, or None when none came for some seconds. It raises SQS_ERRORS."""
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=1,
            WaitTimeSeconds=LONG_POLL_SECONDS,
            VisibilityTimeout=self._hidden_seconds,
            AttributeNames=["ApproximateReceiveCount"],
        )
        return next(iter(answer.get("Messages", [])), None)

    def delete(self, message):
        try:
            self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        except SQS_ERRORS as problem:
            # It comes back, and its claim will say that it is not needed.
            logging.warning("message %s was not deleted: %s", message["MessageId"], problem)

    def keep(self, message):
        self.show_in(message, self._hidden_seconds)

    def show_in(self, message, seconds):
        try:
            self._sqs.change_message_visibility(
                QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=int(seconds)
            )
        except SQS_ERRORS as problem:
            # Another worker gets it sooner or later than meant, and claims its job or is refused: a nuisance, no harm.
            logging.warning("message %s keeps its visibility timeout: %s", message["MessageId"], problem)


def sqs_client(queue_url):
    """The URL of the queue says where SQS is; region and credentials come from wherever boto3 finds them."""
    url = urllib.parse.urlsplit(queue_url)
    config = Config(connect_timeout=5, read_timeout=LONG_POLL_SECONDS + 10, retries={"mode": "standard"})
    return boto3.client("sqs", endpoint_url=f"{url.scheme}://{url.netloc}", config=config)
