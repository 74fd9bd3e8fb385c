"""The settings of the sandbox."""

from pydantic import Field, SecretStr

from shared.settings import Settings


class SandboxSettings(Settings):
    """The settings of the sandbox.

    Port 0 takes any free one; control port 0 means that the controls share the port of the sends.
    `sandbox_secret` signs the token that each send must carry. HS256 requires 32 bytes or more.
    """

    sandbox_host: str = "127.0.0.1"
    sandbox_port: int = Field(default=8090, ge=0, le=65535)
    sandbox_control_port: int = Field(default=0, ge=0, le=65535)
    sandbox_secret: SecretStr = Field(default=SecretStr("herald-sandbox-secret-of-32-bytes!!"), min_length=32)
