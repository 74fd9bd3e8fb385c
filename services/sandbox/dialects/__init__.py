"""The dialects of the presets: how each provider is asked, and how it answers."""

from collections.abc import Mapping

from services.sandbox.dialects.dialect import Dialect
from services.sandbox.dialects.exolve import EXOLVE
from services.sandbox.dialects.jasmin import JASMIN
from services.sandbox.dialects.smsc import SMSC
from services.sandbox.dialects.smsru import SMSRU
from services.sandbox.dialects.telegram import TELEGRAM
from services.sandbox.dialects.twilio import TWILIO
from services.sandbox.dialects.vonage import VONAGE

DIALECTS: Mapping[str, Dialect] = {
    "exolve": EXOLVE,
    "jasmin": JASMIN,
    "smsc": SMSC,
    "smsru": SMSRU,
    "telegram": TELEGRAM,
    "twilio": TWILIO,
    "vonage": VONAGE,
}
