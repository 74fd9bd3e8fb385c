"""Finds free TCP ports."""

import secrets
import socket

# Below the range of ephemeral ports, so that no outgoing connection takes one of these.
FREE_PORTS = range(20_000, 32_000)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Returns whether a server could listen on this port now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except socket.gaierror:
            # The host is wrong, not the port: the server reports that when it starts.
            return True
        except OSError:
            return False
    return True


def free_port(count: int = 1, *, within: range = FREE_PORTS) -> int:
    """Returns the first of `count` consecutive ports that are free now."""
    while True:
        first = within.start + secrets.randbelow(len(within) - count)
        if all(is_free(port) for port in range(first, first + count)):
            return first
