"""The recipe: data + model + criterion + optimizer, and how long and on what to train."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gradus.core.errors import InputError, nearest
from gradus.core.paths import expand
from gradus.core.validation import as_tuples, first_problem
from gradus.data.scaling import Scaling
from gradus.data.sources import locate
from gradus.data.tables import Missing

SCHEMA = 1
PARTS = ("data", "model", "criterion", "objective", "optimizer")
"""The tables that may name code of the user's own."""
_WITH_OPTIONS = (*PARTS, "schedule", "initialization")
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]


class _Table(BaseModel):
    """Frozen, strict, and closed: a misspelt field is an error, not a silent default."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", protected_namespaces=())


class Part(_Table):
    """A part by its catalogue name, or the user's own as ``module = "file.py:callable"``; the rest are its options."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, Field(min_length=1)] | None = None
    module: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.name is None) == (self.module is None):
            raise ValueError("needs `name` (from the catalogue) or `module` (file.py:callable), one of the two")
        return self

    @property
    def options(self) -> dict[str, Any]:
        """What is given beyond this table's own fields."""
        return dict(self.model_extra or {})

    @property
    def label(self) -> str:
        """A short name for folders and messages."""
        if self.module is not None:
            return self.module.rpartition(":")[2]
        assert self.name is not None
        return Path(self.name).name.split(".")[0] or "data"


class Data(Part):
    """Where examples come from, what is set aside, and how they are scaled and varied.

    Attributes:
        preprocess: the scaling of inputs.
        components: what `preprocess = "pca"` keeps: so many components, or below 1 a share of the variance.
        missing: what fills the gaps in a table's numbers.
        split_seed: draws the splits in place of the recipe's seed.
        bootstrap: train on as many examples drawn from the training split with replacement.
        encoder: the folder of a finished run whose network's code takes the place of the inputs.
        crosses, interaction_only: add products of up to so many features, and whether powers are left out.
        reconstruct: the target is the input; the data's own is not looked at.
        preprocess_target: the scaling of regression targets, of which predictions and scores know nothing; "auto" is
            "standard", or "none" where inputs have none.
    """

    validation: Share = 0.1
    test: Share | None = None
    split_seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    bootstrap: bool = False
    preprocess: Scaling = "standard"
    components: Annotated[float, Field(gt=0)] | None = None
    missing: Missing = "median"
    encoder: Annotated[str, Field(min_length=1)] | None = None
    crosses: Annotated[int, Field(ge=2)] | None = None
    interaction_only: bool = False
    reconstruct: bool = False
    preprocess_target: Literal["auto", "standard", "minmax", "robust", "none"] = "auto"
    augment: tuple[str | dict[str, Any], ...] = ()


class Model(Part):
    """The network, and what it begins with.

    Attributes:
        pretrained: a file of weights, which a network of the same layers left.
        freeze: a layer of the network's chain: this one and all before it do not learn.
    """

    pretrained: Annotated[str, Field(min_length=1)] | None = None
    freeze: Annotated[str, Field(min_length=1)] | None = None


class Penalty(Part):
    """A price on weights, added to the loss.

    Attributes:
        on: "weights", the matrices and kernels but no biases and norms; or patterns of parameters' names.
    """

    on: str | tuple[str, ...] = "weights"


class _Named(Part):
    """From the catalogue only."""

    @model_validator(mode="after")
    def _from_the_catalogue(self) -> Self:
        if self.module is not None:
            raise ValueError("takes a `name` from the catalogue")
        return self


class Schedule(_Named):
    """How the learning rate changes."""


class Initialization(_Named):
    """How the first weights are drawn, in place of the model's own way."""


class Treat(_Named):
    """A remedy applied to the network before its optimizer is made: one that changes weights or layers."""


class EarlyStopping(_Table):
    """Stop when `monitor` has not improved by `min_delta` for `patience` evaluations, and keep the best weights."""

    patience: Positive = 5
    monitor: str = "validation_loss"
    min_delta: Annotated[float, Field(ge=0)] = 0.0


class Training(_Table):
    """How long, in what pieces and on what.

    Attributes:
        epochs: passes over the training split.
        batch_size: examples per optimizer step; "full" is the whole training split.
        accumulate: pieces a batch is computed in, for memory; the step is the same.
        clip_norm, clip_value: bound on the gradient's norm, or on each component.
        ema: decay of an exponential moving average of the weights, which is then evaluated and kept.
        recompute_statistics: at the end, batch normalization gets the exact statistics of the training split.
        precision: "bf16" computes the forward pass under autocast.
        memory_format: "channels_last" keeps the channels of a pixel together, as fast convolutions want them.
        keep: which weights the run ends with; "best" by validation loss.
        evaluate_every: epochs between two evaluations on the validation split.
        checkpoint_every: steps between two checkpoints; by default one every few seconds.
        stream: read examples from disk as they are wanted; "auto" where they do not fit in memory.
        workers: processes that read streamed examples.
        threads: of torch's arithmetic; the results depend on it in the last bits.
    """

    epochs: Positive = 10
    batch_size: Positive | Literal["full"] = 64
    drop_last: bool = False
    accumulate: Positive = 1
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    clip_value: Annotated[float, Field(gt=0)] | None = None
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    recompute_statistics: bool = False
    precision: Literal["auto", "float32", "bf16"] = "auto"
    memory_format: Literal["auto", "contiguous", "channels_last"] = "auto"
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    compile: bool | Literal["auto"] = "auto"
    keep: Literal["last", "best"] = "last"
    early_stopping: EarlyStopping | None = None
    evaluate_every: Positive = 1
    checkpoint_every: Positive | None = None
    stream: bool | Literal["auto"] = "auto"
    workers: Annotated[int, Field(ge=0)] = 0
    threads: Positive | Literal["auto"] = "auto"


class Doctor(_Table):
    """What the doctor may take and do.

    Attributes:
        budget: share of a step's time; 0 turns it off.
        repair: treat what it finds, and keep what helps.
        tries: treatments to try at most.
        horizon: when a trouble is treated: this share of the training that is left after it was found. 1 waits for the
            end, so that a repaired run is compared with all that the untreated one came to.
    """

    budget: Share = 0.01
    repair: bool = False
    tries: Positive = 5
    horizon: Annotated[float, Field(gt=0, le=1)] = 1.0

    @model_validator(mode="after")
    def _repair_needs_a_doctor(self) -> Self:
        if self.repair and not self.budget:
            raise ValueError("repair needs the doctor: set `budget` above 0")
        return self


class Ensemble(_Table):
    """Several networks in place of one, which differ by seed.

    Attributes:
        members: how many; member k has the recipe's seed plus k.
        bagging: train each on a bootstrap sample of the training split.
        combine: the mean of probabilities or values, or the vote of classes.
    """

    members: Annotated[int, Field(ge=2)]
    bagging: bool = False
    combine: Literal["mean", "vote"] = "mean"


class Recipe(_Table):
    """Everything a run depends on. Frozen; saved with the run, every "auto" resolved."""

    schema_: Annotated[int, Field(alias="schema", ge=1)] = SCHEMA
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    data: Data
    model: Model
    initialization: Initialization | None = None
    criterion: Part
    objective: Part = Part(name="supervised")
    optimizer: Part
    schedule: Schedule = Schedule(name="constant")
    penalties: tuple[Penalty, ...] = ()
    treatments: tuple[Treat, ...] = ()
    training: Training = Training()
    doctor: Doctor = Doctor()
    ensemble: Ensemble | None = None

    @model_validator(mode="after")
    def _weights_from_one_place(self) -> Self:
        if self.initialization is not None and self.model.pretrained is not None:
            raise ValueError("[initialization] draws anew what model.pretrained has given: leave out one of the two")
        return self

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], owner: str = "recipe") -> Self:
        """Check a document such as TOML gives.

        Raises:
            InputError: naming the first wrong field and the nearest right one.
        """
        schema = document.get("schema", SCHEMA)
        if isinstance(schema, int) and schema > SCHEMA:
            raise InputError(
                owner, f"is of schema {schema}, newer than the {SCHEMA} known here", repair="Update gradus to read it."
            )
        try:
            return cls.model_validate(as_tuples(dict(document)))
        except ValidationError as error:
            raise first_problem(owner, error, _fields_at) from None

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The recipe in a TOML file."""
        return cls.from_dict(read_toml(Path(path)), str(path))

    def to_dict(self) -> dict[str, Any]:
        """As TOML holds it: plain tables and lists, nothing that is None."""
        document = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        # What was given stays as it was; pydantic does not know the options' types.
        for name in _WITH_OPTIONS:
            part = getattr(self, name)
            if part is not None:
                document[name] |= {key: _plain(value) for key, value in part.options.items()}
        for name, parts in (("penalties", self.penalties), ("treatments", self.treatments)):
            for table, part in zip(document[name], parts, strict=True):
                table |= {key: _plain(value) for key, value in part.options.items()}
        return document

    def to_toml(self) -> str:
        return tomli_w.dumps(self.to_dict())


def read_toml(path: Path) -> dict[str, Any]:
    """The document in a TOML file, or an error that names file and line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"recipe {path}", "no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"recipe {path}", f"cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"recipe {path}", f"is not valid TOML: {error}") from error


def shipped_recipes() -> dict[str, Path]:
    """The recipes that come with gradus, by name."""
    folder = Path(str(files("gradus") / "recipes"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def override(document: Mapping[str, Any], field: str, value: Any) -> dict[str, Any]:
    """`document` with the dotted `field` set to `value`.

    A new `name` or `module` for a part drops the options of the part it replaces.
    """
    head, _, rest = field.partition(".")
    if not rest:
        return {**document, head: value}
    table = document.get(head, {})
    if not isinstance(table, dict):
        raise InputError(f"--set {field}", f"`{head}` is not a table", repair=nearest(head, _fields_at([])))
    if rest in ("name", "module") and head in _WITH_OPTIONS:
        if table.get(rest) == value:
            return dict(document)
        # How much to set aside and how to scale suit any data; what to vary, and whether a test split is there, do not.
        kept = {"validation", "preprocess", "preprocess_target"} if head == "data" else set()
        table = {name: each for name, each in table.items() if name in kept}
    return {**document, head: override(table, rest, value)}


def parse_setting(setting: str, form: str = "section.field=value") -> tuple[str, Any]:
    """A setting of that form as a field and its value; the value is TOML, or else a string."""
    field, equals, text = setting.partition("=")
    if not equals or not field.strip():
        raise InputError("--set", f"must look like `{form}`", setting)
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    return field.strip(), value


def _fields_at(place: Iterable[str]) -> list[str]:
    """The names that may stand in the table at `place`."""
    table: Any = Recipe
    for name in place:
        found = table.model_fields.get(name)
        if found is None:
            return []
        kinds = [found.annotation, *getattr(found.annotation, "__args__", ())]
        table = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if table is None:
            return []
    return [field.alias or name for name, field in table.model_fields.items()]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def anchored(document: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """`document` with the relative paths of its parts taken from `base`, so that they mean the same elsewhere."""
    ready = map_code(document, lambda place, module: str(expand(module, base)))
    data = ready.get("data")
    if isinstance(data, dict) and "module" not in data and isinstance(data.get("name"), str):
        # Some are made of other data, which they name by `of`.
        paths = {field: _located(data[field], base) for field in ("name", "of") if isinstance(data.get(field), str)}
        ready["data"] = data = {**data, **paths}
    for table, field in (("data", "encoder"), ("model", "pretrained")):
        part = ready.get(table)
        if isinstance(part, dict) and isinstance(part.get(field), str) and part[field]:
            ready[table] = {**part, field: str(expand(part[field], base))}
    return ready


def _located(name: str, base: Path) -> str:
    """What cannot be found is told where data are opened, as another name may take its place by then."""
    try:
        return locate(name, base)
    except InputError:
        return name


def map_code(document: Mapping[str, Any], change: Callable[[str, str], str]) -> dict[str, Any]:
    """`document` with every reference to the user's code, ``file.py:callable``, replaced.

    Args:
        change: the new reference for a place, such as ``model``, ``penalties.0`` or ``data.augment.0``, and the
            reference there.
    """

    def changed(place: str, table: Any) -> Any:
        if isinstance(table, dict) and isinstance(table.get("module"), str):
            return {**table, "module": change(place, table["module"])}
        return table

    def each_changed(place: str, tables: Any) -> Any:
        if isinstance(tables, list | tuple):
            return [changed(f"{place}.{number}", table) for number, table in enumerate(tables)]
        return tables

    ready = {name: changed(name, table) if name in PARTS else table for name, table in document.items()}
    if "penalties" in ready:
        ready["penalties"] = each_changed("penalties", ready["penalties"])
    model = ready.get("model")
    if isinstance(model, dict) and "activation" in model:
        ready["model"] = {**model, "activation": changed("model.activation", model["activation"])}
    data = ready.get("data")
    if isinstance(data, dict) and "augment" in data:
        ready["data"] = {**data, "augment": each_changed("data.augment", data["augment"])}
    return ready
