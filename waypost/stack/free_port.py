"""A port for a server that is about to be started on this machine."""

import errno
import secrets
import socket

PORTS = range(10_000, 32_000)
"""Below those that Linux gives to connections that go out (from 32,768 on): one of these may be a connection's by the
time the server listens, and be that for as long."""

ATTEMPTS = 1_000


def free_port() -> int:
    """A port of `PORTS` on which nobody listens, by chance, so that two who ask at once get different ones.

    Raise OSError where none is found.
    """
    for _ in range(ATTEMPTS):
        port = secrets.choice(PORTS)
        if _is_free(port):
            return port
    raise OSError(errno.EADDRINUSE, f"no free port between {PORTS.start} and {PORTS.stop}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
