"""What a scenario file says is on the board before the input."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from scenarios.fields import FileName, KeyTemplate, Model, PositiveDurationMs


class InlineRecord(Model):
    """A record written out in the file."""

    key: KeyTemplate
    value: Any
    ttl_ms: Annotated[PositiveDurationMs | None, Field(alias="ttl")] = None


class RecordsFile(Model):
    """Opening records from a JSONL or CSV file: one a line, the key filled from its fields."""

    source: Annotated[FileName, Field(alias="from")]
    key: KeyTemplate
    ttl_ms: Annotated[PositiveDurationMs | None, Field(alias="ttl")] = None


def _records_kind(value: Any) -> str:
    return "RecordsFile" if isinstance(value, dict) and "from" in value else "InlineRecord"


OpeningRecords = Annotated[
    tuple[
        Annotated[
            Annotated[InlineRecord, Tag("InlineRecord")] | Annotated[RecordsFile, Tag("RecordsFile")],
            Discriminator(_records_kind),
        ],
        ...,
    ],
    Field(strict=False),
]
