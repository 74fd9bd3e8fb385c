"""Creates virtual hosts for tests. They are created in batches, because a call can take a second."""

import base64
import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, urlsplit

LOCAL = {"localhost", "127.0.0.1"}
NAME = re.compile(r"herald_test_(\d+)_\w+")


class VhostAdmin(Protocol):
    """A way to create and remove virtual hosts and users."""

    @property
    def batch(self) -> int: ...

    def names(self) -> list[str]: ...

    def change(self, remove: Sequence[str], create: Sequence[str]) -> None: ...

    def add_user(self, user: "BrokerUser", vhost: str) -> None: ...

    def remove_user(self, user: "BrokerUser") -> None: ...


@dataclass(frozen=True, slots=True)
class BrokerUser:
    """A user with limited rights; each is a regular expression without quotes and backslashes."""

    name: str
    password: str
    configure: str = "^$"
    write: str = "^$"
    read: str = "^$"


@dataclass(frozen=True)
class Management:
    """Administers a broker over the HTTP API of the management plugin."""

    url: str
    user: str
    password: str
    batch: int = 2

    def names(self) -> list[str]:
        return [str(item["name"]) for item in json.loads(self._call("GET", "vhosts"))]

    def listens_on(self, port: int) -> bool:
        """Returns whether this is the management API of the broker that listens on `port`."""
        listeners = json.loads(self._call("GET", "overview"))["listeners"]
        return any(each["protocol"] == "amqp" and each["port"] == port for each in listeners)

    def change(self, remove: Sequence[str], create: Sequence[str]) -> None:
        for name in remove:
            self._call("DELETE", f"vhosts/{name}")
        everything = json.dumps({"configure": ".*", "write": ".*", "read": ".*"}).encode()
        for name in create:
            self._call("PUT", f"vhosts/{name}")
            self._call("PUT", f"permissions/{name}/{quote(self.user, safe='')}", everything)

    def add_user(self, user: BrokerUser, vhost: str) -> None:
        self._call("PUT", f"users/{user.name}", json.dumps({"password": user.password, "tags": ""}).encode())
        rights = {"configure": user.configure, "write": user.write, "read": user.read}
        self._call("PUT", f"permissions/{vhost}/{user.name}", json.dumps(rights).encode())

    def remove_user(self, user: BrokerUser) -> None:
        self._call("DELETE", f"users/{user.name}")

    def _call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        credentials = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/{path}", body, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
            answer: bytes = reply.read()
        return answer


@dataclass(frozen=True)
class Rabbitmqctl:
    """Administers a node on this machine with rabbitmqctl, which evaluates one Erlang expression for a whole batch."""

    user: str
    # Each call takes a second, so the batch is larger; but a limit of 1,024 open files allows some 80 used vhosts only.
    batch: int = 6

    def names(self) -> list[str]:
        return re.findall(r'<<"([^"]+)">>', self._evaluate("rabbit_vhost:list_names()."))

    def change(self, remove: Sequence[str], create: Sequence[str]) -> None:
        self._evaluate(
            f'[rabbit_vhost:delete(V, <<"test">>) || V <- {_binaries(remove)}, rabbit_vhost:exists(V)],'
            f'[begin rabbit_vhost:add(V, <<"test">>),'
            f' rabbit_auth_backend_internal:set_permissions(<<"{self.user}">>, V,'
            f' <<".*">>, <<".*">>, <<".*">>, <<"test">>) end || V <- {_binaries(create)}], ok.'
        )

    def add_user(self, user: BrokerUser, vhost: str) -> None:
        self._evaluate(
            f'rabbit_auth_backend_internal:add_user(<<"{user.name}">>, <<"{user.password}">>, <<"test">>),'
            f' rabbit_auth_backend_internal:set_permissions(<<"{user.name}">>, <<"{vhost}">>,'
            f' <<"{user.configure}">>, <<"{user.write}">>, <<"{user.read}">>, <<"test">>).'
        )

    def remove_user(self, user: BrokerUser) -> None:
        self._evaluate(f'rabbit_auth_backend_internal:delete_user(<<"{user.name}">>, <<"test">>).')

    def _evaluate(self, expression: str) -> str:
        done = subprocess.run(
            ["rabbitmqctl", "eval", expression], capture_output=True, text=True, timeout=110, check=True
        )
        return done.stdout


def _binaries(names: Sequence[str]) -> str:
    return "[" + ",".join(f'<<"{name}">>' for name in names) + "]"


def find_admin(url: str, management_url: str | None) -> VhostAdmin | None:
    """Returns the first way to administer the broker of this URL that works, or None."""
    parts = urlsplit(url)
    user, password = parts.username or "guest", parts.password or "guest"
    management = Management(management_url or f"http://{parts.hostname}:15672", user, password)
    if _works(management) and (management_url or management.listens_on(parts.port or 5672)):
        return management
    local = Rabbitmqctl(user)
    return local if management_url is None and parts.hostname in LOCAL and _works(local) else None


def _works(admin: VhostAdmin) -> bool:
    try:
        admin.names()
    except (OSError, ValueError, urllib.error.URLError, subprocess.SubprocessError):
        return False
    return True


def remove_run(admin: VhostAdmin, run: str) -> None:
    """Removes the virtual hosts of this run, and those of runs that were killed hours ago."""
    old = time.time() - 6 * 3600
    found = [(name, NAME.fullmatch(name)) for name in admin.names()]
    remove = [name for name, match in found if match and (name.startswith(run) or int(match[1]) < old)]
    if remove:
        admin.change(remove, [])


@dataclass
class Vhosts:
    """Hands out each virtual host once, and removes the used ones when it creates the next batch."""

    admin: VhostAdmin
    url: str
    prefix: str
    _clean: list[str] = field(default_factory=list)
    _used: list[str] = field(default_factory=list)
    _made: int = 0

    def take(self) -> str:
        """Returns the URL of an unused virtual host."""
        if not self._clean:
            self._clean = [f"{self.prefix}_{self._made + number}" for number in range(self.admin.batch)]
            self._made += self.admin.batch
            self.admin.change(self._used, self._clean)
            self._used = []
        name = self._clean.pop(0)
        self._used.append(name)
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def remove_used(self) -> None:
        """Removes the used virtual hosts now, because their queues keep files of the broker open."""
        self.admin.change(self._used, [])
        self._used = []

    def remove_all(self) -> None:
        self.admin.change([*self._used, *self._clean], [])
