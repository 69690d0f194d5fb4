"""The detail that is opened for a target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.viewer.details.activation import ActivationDetail
from controller.viewer.details.agent import AgentDetail
from controller.viewer.details.case import CaseDetail
from controller.viewer.details.question import QuestionDetail
from controller.viewer.details.record import RecordDetail

if TYPE_CHECKING:
    from controller.viewer.details.detail import Detail
    from controller.viewer.sight import Sight
    from controller.viewer.target import Target


def detail_of(target: Target, sight: Sight) -> Detail:
    """Everything about ``target`` at the moment of ``sight``, still to be loaded."""
    if target.kind == "record":
        return RecordDetail(target, sight)
    if target.kind == "activation":
        return ActivationDetail(target, sight)
    if target.kind == "agent":
        return AgentDetail(target, sight)
    return CaseDetail(target, sight) if target.kind == "case" else QuestionDetail(target, sight)
