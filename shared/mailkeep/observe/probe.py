"""`python -m mailkeep.observe.probe URL`: exit code 0 if the address answers 200. For health checks in images
that have no other client."""

from __future__ import annotations

import http.client
import sys
from urllib.parse import urlsplit

SECONDS = 4.0


def main(arguments: list[str]) -> int:
    """One request; what was wrong goes to standard output, where `docker inspect` shows it."""
    if len(arguments) != 1:
        print("usage: python -m mailkeep.observe.probe http://127.0.0.1:9300/health/ready")
        return 2
    url = urlsplit(arguments[0])
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=SECONDS)
    try:
        connection.request("GET", url.path or "/")
        answer = connection.getresponse()
        print(answer.read(1000).decode("utf-8", "replace").strip())
    except (OSError, http.client.HTTPException) as error:
        print(f"It does not answer: {type(error).__name__}.")
        return 1
    finally:
        connection.close()
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
