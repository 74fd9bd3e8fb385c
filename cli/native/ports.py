"""TCP ports on the loopback interface."""

import secrets
import socket

# Below the range from which the kernel takes the ports of outgoing connections, so that none steals one.
_FIRST, _COUNT = 20_000, 12_000


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether a server could listen on this port now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except socket.gaierror:
            # Not the port is wrong but the host; the server will say so.
            return True
        except OSError:
            return False
    return True


def free_port() -> int:
    """Pick a port that is free now."""
    while True:
        port = _FIRST + secrets.randbelow(_COUNT)
        if is_free(port):
            return port
