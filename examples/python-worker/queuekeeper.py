"""Queuekeeper's worker functions over plain HTTPS, with the standard library alone."""

import http.client
import json
import random
import time
import urllib.error
import urllib.request

TRIES = 6
TIMEOUT_SECONDS = 10
WRONG_ARGUMENT = 400
# Redirects are among them: the key must not follow one to another host.
WRONG_SETUP = {301, 302, 303, 307, 308, 401, 403, 404}


class NoAnswer(Exception):
    """Nobody answered, however often we asked: what the call did is not known."""


class WrongArgument(Exception):
    """The database refused the arguments: they will be refused for ever."""


class WrongSetup(Exception):
    """The key, the URL or the migrations are wrong: no call will work before a person mends that."""


class Queuekeeper:
    """Every call may be repeated, and is, until somebody answers. See docs/workers.md for what the answers mean."""

    def __init__(self, url, key):
        if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise WrongSetup(f"SUPABASE_URL is {url!r}, wanted the project URL, https://PROJECT.supabase.co")
        if "/rest/v1" in url:
            raise WrongSetup(f"SUPABASE_URL is {url!r}, wanted the project URL without /rest/v1")
        self._url = f"{url.rstrip('/')}/rest/v1/rpc"
        self._headers = {"apikey": key, "Content-Type": "application/json"}
        if not key.startswith("sb_"):  # a legacy service_role key is a token besides
            self._headers["Authorization"] = f"Bearer {key}"
        self._opener = urllib.request.build_opener(_NoRedirect)

    def claim_job(self, job_id, worker_id, message_lease):
        return self._call("claim_job", job_id=job_id, worker_id=worker_id, message_lease=message_lease)

    def heartbeat_job(self, owner):
        # Once only: the next beat is the repetition.
        return self._call("heartbeat_job", tries=1, **owner)

    def complete_job(self, owner):
        return self._call("complete_job", **owner)

    def fail_job(self, owner, error_message, retry):
        return self._call("fail_job", error_message=error_message, retry=retry, **owner)

    def release_job(self, owner):
        return self._call("release_job", **owner)

    def ping(self):
        """Proves address, key and migrations without a trace: a beat for a job that does not exist."""
        self.heartbeat_job({"job_id": "00000000-0000-0000-0000-000000000000", "lease": -1})

    def _call(self, function, tries=TRIES, **arguments):
        problem = "it was not tried"
        for attempt in range(tries):
            if attempt > 0:
                time.sleep(0.5 * 2**attempt * random.uniform(0.5, 1))
            try:
                return self._post(function, arguments)
            except urllib.error.HTTPError as error:
                problem = f"{function}: HTTP {error.code}: {_text_of(error)}"
                if error.code == WRONG_ARGUMENT:
                    raise WrongArgument(problem) from None
                if error.code in WRONG_SETUP:
                    raise WrongSetup(problem) from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                problem = f"{function}: {error!r}"
        raise NoAnswer(problem)

    def _post(self, function, arguments):
        body = json.dumps(arguments).encode()
        request = urllib.request.Request(f"{self._url}/{function}", data=body, headers=self._headers)
        with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return json.load(answer)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def _text_of(error):
    try:
        return error.read().decode(errors="replace")[:500]
    except (OSError, http.client.HTTPException):
        return ""
