"""The agent that keeps others within their token budgets: a digest beside each record that is too large for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo

from knowledge_sources.calling import Code, off_the_loop
from knowledge_sources.errors import InvalidContribution
from knowledge_sources.library.shortening import RULES, shortened
from knowledge_sources.nearest import did_you_mean
from knowledge_sources.parameters import Parameters, PatternText, refuse, taking
from knowledge_sources.template import InvalidParameters, Misuse, Recipe, template
from knowledge_sources.tokens import DIGEST, tokens_in, tokens_of

if TYPE_CHECKING:
    from knowledge_sources.context import Context
    from knowledge_sources.template import Records

SMALLEST: int = 60
"""tokens of a digest: less has no room for what it stands for"""

_function = taking("value", "tokens", "key", "captures", "ctx")


def _how(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        return _function(value, info)
    if ":" not in value and value not in RULES:
        hint = did_you_mean(value, RULES) or f"; there is {', '.join(RULES)}"
        raise refuse(f"{value!r} is no way of shortening{hint}; a function is written ./file.py:name")
    return value if value in RULES else _function(value, info)


class CompressorParameters(Parameters):
    """``over`` is how many tokens a record may have without a digest, ``to`` how many its digest has at most.

    ``how`` is ``cut``, ``extract`` or a function; ``counter`` a function that counts the tokens of a value.
    """

    watches: PatternText
    over: Annotated[int, Field(ge=1)]
    to: Annotated[int, Field(ge=SMALLEST)] | None = None
    how: Annotated[str | Code, BeforeValidator(_how)] = "cut"
    counter: Annotated[Code, PlainValidator(taking("value"))] | None = None


@template(CompressorParameters)
def compressor(given: CompressorParameters) -> Recipe:
    """Write a digest of each record that is over so many tokens; the record itself stays, and the digest points to it."""
    pattern, most = given.watches, given.to if given.to is not None else max(given.over // 4, SMALLEST)
    counting = given.counter
    counter = None if counting is None else lambda value: int(counting.call_now(value=value))
    if pattern.region == DIGEST.rstrip("/"):
        raise InvalidParameters("compressor", [Misuse(("watches",), "a digest of a digest stands for no record")])

    def is_over(records: Records) -> bool:
        return tokens_of(records["original"], counter) > given.over

    async def compress(ctx: Context, records: Records) -> None:
        original = records["original"]
        digest: dict[str, Any] = {
            "of": f"{original.key}@{original.commit}",
            "tokens": tokens_of(original, counter),
            "digest": None,
        }
        room = most - tokens_in(digest, counter)
        if isinstance(given.how, Code):
            captures = dict(ctx.captures)
            digest["digest"] = await given.how.call(
                ctx, value=original.value, tokens=room, key=original.key, captures=captures
            )
        else:
            value, rule = original.value, RULES[given.how]
            digest["digest"] = await off_the_loop(lambda: shortened(value, room, rule))  # a page takes milliseconds
        tokens = tokens_in(digest, counter)
        if tokens > most:
            reason = f"made a digest of {tokens:,} tokens of {original.key}, more than {most:,}"
            raise InvalidContribution(ctx.agent, reason)
        ctx.post(DIGEST + original.key, digest)

    return Recipe(compress, {"original": pattern.text}, {"contributes": DIGEST + pattern.key_text}, is_over)
