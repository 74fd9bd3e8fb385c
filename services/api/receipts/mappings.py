"""The mappings of receipts, from the providers file, which is read again when it changes."""

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic

from aiohttp import web

from shared import logs
from shared.providers.faults import ProvidersFileError
from shared.providers.reading import read_providers_file
from shared.providers.schema import ReceiptsConfig
from shared.providers.secrets import MissingSecret, SecretValues
from shared.settings import SettingsError

LOOK_SECONDS = 1.0

log = logs.get()


@dataclass(frozen=True, slots=True)
class ReceiptMapping:
    """How one provider tells what became of its messages. `token` may hold secrets."""

    provider: str
    config: ReceiptsConfig
    token: str


class ReceiptMappings:
    """The mappings of all providers that have a token for receipts."""

    def __init__(self, path: Path | None) -> None:
        """Reads the file. Raises SettingsError with one line for each fault."""
        self._path = path
        self._secrets = SecretValues(os.environ)
        self._looked_at = monotonic()
        self._changed = self._stamp()
        self._mappings = self._read()

    @property
    def providers(self) -> Mapping[str, timedelta]:
        """The providers that send receipts, and within how long."""
        self._look()
        return {name: mapping.config.receipts_within for name, mapping in self._mappings.items()}

    def find(self, provider: str, token: str) -> ReceiptMapping | None:
        """Returns the mapping of a provider; None if it sends no receipts, or for a wrong token."""
        self._look()
        mapping = self._mappings.get(provider)
        if mapping is None:
            return None
        try:
            known = self._secrets.fill(mapping.token)
        except MissingSecret as error:
            log.error("providers file refused", detail=f"providers.{provider}.receipts.token: {error}")
            return None
        return mapping if hmac.compare_digest(known.encode(), token.encode("utf-8", "replace")) else None

    def _look(self) -> None:
        """Reads the file again if it changed. A wrong one is refused, and the old one stays."""
        moment = monotonic()
        if self._path is None or moment - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = moment
        changed = self._stamp()
        if changed == self._changed:
            return
        self._changed = changed
        try:
            self._mappings = self._read()
        except SettingsError as error:
            for line in str(error).splitlines():
                log.error("providers file refused", detail=line)
        else:
            log.info("providers file read", providers=sorted(self._mappings))

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = None if self._path is None else self._path.stat()
        except OSError:
            return None
        return None if found is None else (found.st_mtime_ns, found.st_ino)

    def _read(self) -> dict[str, ReceiptMapping]:
        if self._path is None:
            return {}
        try:
            file = read_providers_file(self._path)
        except ProvidersFileError as error:
            raise SettingsError("\n".join(error.lines)) from None
        found, faults = {}, []
        for name, provider in file.providers.items():
            if provider.receipts is None or provider.receipts.token is None:
                continue
            found[name] = ReceiptMapping(name, provider.receipts, provider.receipts.token)
            try:
                self._secrets.fill(provider.receipts.token)
            except MissingSecret as error:
                faults.append(f"providers.{name}.receipts.token: {error}")
        if faults:
            raise SettingsError("\n".join(faults))
        logs.hide(self._secrets.known)
        return found


RECEIPTS: web.AppKey[ReceiptMappings] = web.AppKey("receipts", ReceiptMappings)
