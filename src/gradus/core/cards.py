"""A card says what a part is, where it comes from and what it takes; a registry finds cards by name.

Adding a part is writing one function under ``@registry.register(...)``: its docstring's first line is the summary, its
keyword-only parameters are the options, their annotations the constraints.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from pkgutil import walk_packages
from typing import Any, Generic, Literal, TypeVar, get_type_hints

from gradus.core.errors import InputError, nearest
from gradus.core.validation import validated

Evidence = Literal["verified here", "second-hand"]
C = TypeVar("C", bound="Card")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of a part, as its builder's signature declares it."""

    name: str
    annotation: Any
    default: Any

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty


def options_of(build: Callable[..., Any]) -> tuple[Option, ...]:
    """The keyword-only parameters of a function, or of a class's constructor; of a partial, those left to choose."""
    fixed = build.keywords if isinstance(build, partial) else {}
    build = build.func if isinstance(build, partial) else build
    hints = get_type_hints(build.__init__ if inspect.isclass(build) else build, include_extras=True)
    return tuple(
        Option(name=each.name, annotation=hints[each.name], default=each.default)
        for each in inspect.signature(build).parameters.values()
        if each.kind is inspect.Parameter.KEYWORD_ONLY and each.name not in fixed
    )


def checked(owner: str, declared: Iterable[Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` with the types and constraints of what is `declared`, defaults filled in.

    Raises:
        InputError: naming the first option that is unknown, missing or out of its constraint.
    """
    return validated(owner, {each.name: (each.annotation, each.default) for each in declared}, given)


@dataclass(frozen=True, kw_only=True)
class Card:
    """One entry of a catalogue.

    Attributes:
        kind: what it is an entry of: ``model``, ``criterion``, ``optimizer``...
        name: what recipes and the command line call it.
        build: makes the part; positional parameters come from gradus, keyword-only ones are the user's options.
        source: paper and equation, or the specification it follows.
        formula: what it computes, in a line.
        elsewhere: defaults of the paper, torch, Keras or optax where they are not those of `build`, as option to value.
        aliases: other names it answers to.
        evidence: whether a test here establishes its figures, or they are taken from elsewhere.
        notes: where it departs from its source, and why.
    """

    kind: str
    name: str
    build: Callable[..., Any]
    source: str
    formula: str = ""
    elsewhere: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    evidence: Evidence = "verified here"
    notes: str = ""

    @property
    def preset(self) -> Mapping[str, Any]:
        """The options that make it this variant of what its builder can build."""
        return self.build.keywords if isinstance(self.build, partial) else {}

    @property
    def summary(self) -> str:
        """The first line of the builder's docstring, with what is preset where it says ``{option}``."""
        build = self.build.func if isinstance(self.build, partial) else self.build
        return (inspect.getdoc(build) or "").partition("\n")[0].format(**self.preset)

    @cached_property
    def options(self) -> tuple[Option, ...]:
        return options_of(self.build)

    def validate(self, options: Mapping[str, Any], owner: str = "") -> dict[str, Any]:
        """`options` with their types and constraints checked, ready for `build`.

        Raises:
            InputError: naming the first option that is unknown, missing or out of its constraint.
        """
        return checked(owner or f"{self.kind} `{self.name}`", self.options, options)


class Registry(Generic[C]):
    """The cards of one kind, found by importing all of `home`, a package or module, at the first question."""

    def __init__(self, kind: str, home: str, card_type: type[C]) -> None:
        self.kind = kind
        self._home = home
        self._card_type = card_type
        self._cards: dict[str, C] = {}
        self._by_alias: dict[str, C] = {}
        self._scanned = False

    def register(self, name: str = "", *, preset: Mapping[str, Any] | None = None, **fields: Any) -> Callable[[F], F]:
        """Decorator: enter the builder below under `name` (its own name if not given), with these card fields.

        Several of them, each with its own `preset`, enter one builder's variants: options that the card has chosen.
        """

        def enter(build: F) -> F:
            made = partial(build, **preset) if preset else build
            card = self._card_type(kind=self.kind, name=name or build.__name__, build=made, **fields)
            for each in (card.name, *card.aliases):
                if each in self._by_alias:
                    raise ValueError(f"{self.kind} `{each}` is registered twice")
                self._by_alias[each] = card
            self._cards[card.name] = card
            return build

        return enter

    def cards(self) -> list[C]:
        """Every card, by name."""
        self._scan()
        return [self._cards[name] for name in sorted(self._cards)]

    def names(self) -> list[str]:
        return [card.name for card in self.cards()]

    def __contains__(self, name: str) -> bool:
        self._scan()
        return name in self._by_alias

    def get(self, name: str, owner: str = "") -> C:
        """The card called `name`, or an error that lists the nearest names."""
        self._scan()
        if name not in self._by_alias:
            raise InputError(owner or self.kind, "unknown name", name, nearest(name, self._by_alias))
        return self._by_alias[name]

    def _scan(self) -> None:
        if self._scanned:
            return
        home = import_module(self._home)
        for module in walk_packages(getattr(home, "__path__", ()), prefix=f"{self._home}."):
            import_module(module.name)
        self._scanned = True
