"""Every planted bug there is, in the order of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.mutants import (
    bugs_of_control,
    bugs_of_input,
    bugs_of_reading,
    bugs_of_retention,
    bugs_of_the_embedded_server,
    bugs_of_the_script,
    bugs_of_the_session,
)

if TYPE_CHECKING:
    from tests.mutants.mutant import Mutant

CATALOGUE: Final[tuple[Mutant, ...]] = (
    *bugs_of_the_script.BUGS,
    *bugs_of_the_session.BUGS,
    *bugs_of_reading.BUGS,
    *bugs_of_retention.BUGS,
    *bugs_of_control.BUGS,
    *bugs_of_the_embedded_server.BUGS,
    *bugs_of_input.BUGS,
)
