"""What answers are made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[int, Field(json_schema_extra={"format": "int64", "minimum": 1})]
Count = Annotated[int, Field(json_schema_extra={"minimum": 0})]
PhoneShown = Annotated[str, Field(json_schema_extra={"pattern": "^7[0-9]{10}$"})]
CodeShown = Annotated[str, Field(json_schema_extra={"pattern": "^[0-9]{3}$"})]
ClockShown = Annotated[str, Field(json_schema_extra={"pattern": "^[0-9]{2}:[0-9]{2}$"})]
Next = Annotated[
    str | None, Field(description="The cursor of the next page; null on the last one. A Link header names its address.")
]


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class ByStatus(Answer):
    """The number of messages in each of the seven statuses; they add up to the total."""

    pending: Count = Field(description="Not yet accepted, and no failed attempt.")
    retrying: Count = Field(description="At least one failed attempt, and another is due.")
    sent: Count = Field(description="Accepted by the provider.")
    rejected: Count = Field(description="Refused by the provider for good.")
    exhausted: Count = Field(description="The attempts were used up.")
    expired: Count = Field(description="The end of the mailing came first.")
    cancelled: Count = Field(description="The mailing was cancelled or deleted, or the client deleted.")
