"""Keeps the fleet of this process up to date: it reads the file again, and obeys what all dispatchers obey."""

import asyncio
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.dispatcher.admission.rate_limit import NoLimit
from services.dispatcher.claims.store import ProviderState
from services.dispatcher.provider_api.http_client import HttpClient
from services.dispatcher.providers.environment import environment_file, environment_secrets
from services.dispatcher.providers.fleet import Fleet
from services.dispatcher.providers.lane import Lane
from services.dispatcher.providers.mapping import ProviderMapping, Surroundings, compile_file
from services.dispatcher.providers.routing import make_router
from services.dispatcher.settings import DispatcherSettings, weaknesses_of_providers
from shared import logs
from shared.providers.faults import ProvidersFileError
from shared.providers.secrets import SecretValues
from shared.settings import SettingsError, require_allowed
from shared.transport import VARIABLE

# How often a client of a provider that left the file is asked whether its requests have ended.
CLOSING_SECONDS, CLOSED_AFTER = 1.0, 30

log = logs.get()

MakeLane = Callable[[ProviderMapping], Lane]


@dataclass(frozen=True, slots=True)
class ReadFile:
    """The providers of the file, or the one of the environment, and the routes between them."""

    fleet_of: Callable[[dict[str, Lane]], Fleet]
    mappings: dict[str, ProviderMapping]


def read_fleet(config: DispatcherSettings, surroundings: Surroundings) -> ReadFile:
    """Reads and compiles the providers. Raises SettingsError with one line for each fault."""
    file = config.read_providers()
    if file is not None:
        require_allowed(weaknesses_of_providers(file), config.insecure_transport)
    secrets = SecretValues(os.environ) if file is not None else environment_secrets(config)
    file = file or environment_file(config)
    try:
        mappings = compile_file(file, secrets, surroundings)
    except ProvidersFileError as error:
        raise SettingsError("\n".join(error.lines)) from None
    logs.hide(secrets.known)
    router = make_router(file)
    return ReadFile(lambda lanes: Fleet(lanes, router), mappings)


class FleetKeeper:
    """The fleet of this process. `fleet` is replaced as a whole when the file is read again."""

    def __init__(self, config: DispatcherSettings, surroundings: Surroundings, make_lane: MakeLane) -> None:
        self._config = config
        self._surroundings = surroundings
        self._make_lane = make_lane
        # With how often they were found without a request: a claim on its way may still choose one.
        self._leaving: dict[Lane, int] = {}
        self._recognised: dict[str, str | None] = {}
        # A file that changed sends one message first. Without a file nothing can have changed.
        self.named = config.providers_file is not None
        read = read_fleet(config, surroundings)
        self.fleet = read.fleet_of({name: make_lane(mapping) for name, mapping in read.mappings.items()})
        for lane in self.fleet.lanes.values():
            lane.trial = self.named

    @property
    def longest_timeout(self) -> float:
        """The seconds of the longest request that may be open, also of a provider that has left the file."""
        return max(lane.mapping.timeout for lane in [*self.fleet.lanes.values(), *self._leaving])

    def reload(self) -> bool:
        """Reads the file again. A wrong one is refused, with its lines in the log, and the old one stays."""
        try:
            read = read_fleet(self._config, self._surroundings)
        except SettingsError as error:
            for line in str(error).splitlines():
                log.error("providers file refused", detail=line)
            return False
        # A provider that left the file a moment ago has its tokens and slots, and requests that are open, still.
        before = {lane.name: lane for lane in self._leaving} | dict(self.fleet.lanes)
        lanes = {name: self._renewed(before.get(name), mapping) for name, mapping in read.mappings.items()}
        self._leaving |= dict.fromkeys(self.fleet.lanes.values(), 0)
        for lane in lanes.values():
            self._leaving.pop(lane, None)
        self.fleet = read.fleet_of(lanes)
        log.info("providers file read", providers=sorted(lanes))
        if weaknesses := self._config.weaknesses():
            log.warning("insecure transport", peers=[str(each) for each in weaknesses], variable=VARIABLE)
        return True

    def _renewed(self, lane: Lane | None, mapping: ProviderMapping) -> Lane:
        """Returns the lane of a mapping: the old one if nothing changed. What it has in flight ends in the old one."""
        if lane is not None and lane.mapping.config == mapping.config:
            return lane
        made = self._make_lane(mapping)
        made.trial = self._recognised.get(mapping.name) != mapping.fingerprint
        if lane is None:
            return made
        if lane.mapping.fingerprint == mapping.fingerprint:
            made.trial = lane.trial
        made.holds = lane.holds
        if mapping.config.rate is not None and not isinstance(lane.limiter, NoLimit):
            # The tokens stay with the process.
            made.limiter = lane.limiter
            made.limiter.set_rate(mapping.config.rate)
        if made.slots is not None and lane.slots is not None:
            # So do the slots, which requests of the old lane still have.
            lane.slots.set_total(made.slots.total, made.admission.most)
            made.slots = lane.slots
        return made

    def obey(self, states: Iterable[ProviderState], moment: float) -> None:
        """Obeys what all dispatchers obey, as a beat brought it."""
        for state in states:
            self._recognised[state.provider] = state.recognised
            lane = self.fleet.lanes.get(state.provider)
            if lane is None:
                continue
            lane.holds.drained = state.drained
            # What this process has just learned may not be in the table yet.
            lane.holds.held_until = max(lane.holds.held_until, moment + state.held)
            lane.holds.slowed_until = max(lane.holds.slowed_until, moment + state.slowed)
            if state.recognised == lane.mapping.fingerprint:
                lane.trial = False

    async def close_left(self) -> None:
        """Closes the clients of providers that left the file once their requests have ended, until cancelled."""
        while True:
            for lane, idle in list(self._leaving.items()):
                self._leaving[lane] = idle + 1 if lane.under_way == 0 else 0
                if idle > CLOSED_AFTER:
                    del self._leaving[lane]
                    await lane.client.close()
            await asyncio.sleep(CLOSING_SECONDS)

    async def close(self) -> None:
        """Closes all clients."""
        clients: list[HttpClient] = [lane.client for lane in [*self.fleet.lanes.values(), *self._leaving]]
        await asyncio.gather(*(client.close() for client in clients))
