"""Certificates for a provider behind TLS: one good one, and some that the dispatcher must refuse."""

import asyncio
import shutil
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest

# 127.1 is this machine, and no name of it that Herald knows: what it says of other machines is tried with it.
THIS_HOST, OTHER_HOST = "IP:127.0.0.1,DNS:127.1", "DNS:elsewhere.example"


@dataclass(frozen=True, slots=True)
class Certificates:
    """Server contexts by certificate. `trusted` is a file with what the dispatcher trusts, for SSL_CERT_FILE."""

    trusted: Path
    good: ssl.SSLContext
    unknown: ssl.SSLContext
    other_host: ssl.SSLContext


async def make_certificates(folder: Path) -> Certificates:
    """Makes a trusted certificate, an untrusted one, and a trusted one of another host.

    Skips the test if openssl is not installed.
    """
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    names = {"good": THIS_HOST, "unknown": THIS_HOST, "other_host": OTHER_HOST}
    await asyncio.gather(*(_make(folder / name, subject) for name, subject in names.items()))
    trusted = folder / "trusted.pem"
    trusted.write_text((folder / "good.pem").read_text() + (folder / "other_host.pem").read_text())
    return Certificates(trusted, *(_context(folder / name) for name in names))


async def _make(path: Path, subject: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", f"{path}.key", "-out", f"{path}.pem", "-days", "2"),
        *("-subj", f"/CN={path.name}", "-addext", f"subjectAltName={subject}"),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0, "openssl made no certificate"


def _context(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{path}.pem", f"{path}.key")
    return context
