"""How an agent's code is called: a coroutine function, a plain one for a thread, or a method of an instance."""

from __future__ import annotations

import inspect
import types
import typing
from typing import TYPE_CHECKING, Any, Final

from blackboard.errors import InvalidInput
from knowledge_sources.annotations import Namespace, is_model, resolve
from knowledge_sources.binding import Binding, bind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from knowledge_sources.collect import Collecting
    from knowledge_sources.declaration import Watch

_UNIONS: Final = (typing.Union, types.UnionType)


class Callee:
    """The function to call and its binding.  Where the agent is a class, one instance serves one agent.

    ``asynchronous`` is whether it is awaited on the loop; else it runs in a thread.
    """

    __slots__ = ("_cls", "_instance", "asynchronous", "binding", "function", "output_model")

    def __init__(
        self, function: Callable[..., Any], binding: Binding, output_model: Any, cls: type | None = None
    ) -> None:
        self.function = function
        self.binding = binding
        self.output_model = output_model
        self.asynchronous = inspect.iscoroutinefunction(function)
        self._cls = cls
        self._instance: tuple[Any, ...] | None = None if cls is not None else ()

    def first(self, config: Mapping[str, Any]) -> tuple[Any, ...]:
        """The arguments before the bound ones: the instance, made now if it is the first call, or none."""
        if self._instance is None:
            assert self._cls is not None  # noqa: S101 - without a class the instance is () from the start
            takes_config = "config" in inspect.signature(self._cls).parameters
            self._instance = (self._cls(config=config) if takes_config else self._cls(),)
        return self._instance

    def called_by(self, binding: Binding) -> Callee:
        """The same code called by another binding, with an instance of its own to come."""
        return Callee(self.function, binding, self.output_model, self._cls)

    def copy(self) -> Callee:
        """The same code, with an instance of its own to come."""
        return self if self._cls is None else Callee(self.function, self.binding, self.output_model, self._cls)


def callee_of(
    fn: Callable[..., Any], watches: tuple[Watch | Collecting, ...], captures: tuple[str, ...], namespace: Namespace
) -> Callee:
    """How ``fn`` is called when ``watches`` match; raises :class:`InvalidInput`."""
    if not isinstance(fn, type):
        _check_function(fn)
        binding = bind(fn, watches, captures, namespace)
        return Callee(fn, binding, _output_model(fn, namespace))
    method = _method_of(fn)
    _check_function(method)
    inner = Namespace(getattr(method, "__globals__", namespace.module), namespace.local)
    binding = bind(method, watches, captures, inner, skip=1)
    return Callee(method, binding, _output_model(method, inner), fn)


def _method_of(cls: type) -> Callable[..., Any]:
    methods = [name for name in ("run", "__call__") if inspect.isfunction(getattr(cls, name, None))]
    if len(methods) != 1:
        raise InvalidInput(
            "a class is an agent by one method, run or __call__; this one has " + (" and ".join(methods) or "neither")
        )
    for name, parameter in inspect.signature(cls).parameters.items():
        variable = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if name != "config" and parameter.default is parameter.empty and not variable:
            raise InvalidInput(f"a class is made without arguments, or with config; this one asks for {name!r}")
    method: Callable[..., Any] = getattr(cls, methods[0])
    return method


def _check_function(fn: Callable[..., Any]) -> None:
    if not inspect.isroutine(fn):
        raise InvalidInput(f"{type(fn).__name__} is not a function or class")
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        raise InvalidInput("an agent returns once; to report on the way use ctx.progress, to write more ctx.post")


def _output_model(fn: Callable[..., Any], namespace: Namespace) -> Any:
    """The one pydantic model that ``fn`` says it returns, alone or in a union; else ``None``."""
    annotation = resolve("return", inspect.signature(fn).return_annotation, namespace)
    parts = typing.get_args(annotation) or (annotation,)
    models = [part for part in parts if is_model(part)] if typing.get_origin(annotation) in _UNIONS else []
    if is_model(annotation):
        models = [annotation]
    return models[0] if len(models) == 1 else None
