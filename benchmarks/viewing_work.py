"""What it costs to look at who works on a large board: agenda, agents, questions and the run, no screen and no server."""

from __future__ import annotations

import gc
import random
from time import process_time
from typing import TYPE_CHECKING, Any, Final

from blackboard.control_records import ACTIVATIONS, AGENTS, ESCALATIONS, RUN
from blackboard.log import Change
from blackboard.record import Record
from benchmarks.viewing_panes import SCREEN, WIDTH, timed
from controller.viewer.model import Model
from controller.viewer.panes.agenda import AgendaPane
from controller.viewer.panes.agents import AgentsPane
from controller.viewer.panes.escalations import EscalationsPane
from controller.viewer.panes.run import RunPane
