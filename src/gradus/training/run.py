"""A run that is there: its weights, curves and findings."""

import hashlib
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.core.usercode import UserCode
from gradus.data.preprocessing import Preprocessing
from gradus.training import environment, folder
from gradus.training.checkpoint import refuse_newer, write_atomically
from gradus.training.doctoring import SIGNS_FORMAT
from gradus.training.encoding import RunEncoder
from gradus.training.parts import apply_treatments, build_model
from gradus.training.recipe import Recipe, map_code
from gradus.training.showcase import FORMAT as SHOWCASE_FORMAT
from gradus.training.store import RunRecord

DATA_FORMAT = 3
"""3 may have crosses, an encoder or reconstruction, which a reader of 2 would leave out unawares."""


class Run:
    """What a run folder holds. Reading it runs none of the code kept in it.

    Attributes:
        path: the folder.
        recipe: as resolved when the run began; of a run that was repaired, what it was repaired to.
        repaired: the file of the repaired recipe; None if nothing was changed.
        environment: versions, threads and device it began with.
        spec: what its data look like to the model.
        raw_spec: what they look like before preprocessing.
        preprocessing: as fitted to its training split.
        data_fingerprint: of the data it was trained on.
    """

    def __init__(self, path: Path) -> None:
        self.path = folder.existing_run(path)
        self.environment = folder.read_json(path / folder.ENVIRONMENT, environment.FORMAT)
        repaired = path / folder.REPAIRED
        self.repaired = repaired if repaired.is_file() else None
        self.recipe = Recipe.read(self.repaired or path / folder.RECIPE)
        data = folder.read_json(path / folder.DATA, DATA_FORMAT)
        try:
            self.spec = DataSpec.from_json(data["spec"])
            self.raw_spec = DataSpec.from_json(data.get("raw_spec", data["spec"]))  # format 1 has the one
            self.preprocessing = Preprocessing.from_json(data["preprocessing"], self._encoder)
            self.data_fingerprint: dict[str, Any] = data["fingerprint"]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path / folder.DATA}", f"cannot be read: {type(error).__name__} {error}") from error

    @cached_property
    def record(self) -> RunRecord:
        return RunRecord(self.path / folder.DATABASE)

    @property
    def members(self) -> "list[Run]":
        """The runs of an ensemble's members, those that have begun; empty for a single network."""
        paths = [self.path / folder.MEMBERS / str(number) for number in range(self._wanted)]
        return [Run(path) for path in paths if folder.is_run(path)]

    @property
    def _encoder(self) -> RunEncoder | None:
        place = self.path / folder.ENCODER
        return RunEncoder(Run(place)) if folder.is_run(place) else None

    @property
    def _wanted(self) -> int:
        return 0 if self.recipe.ensemble is None else self.recipe.ensemble.members

    @property
    def outcome(self) -> str:
        """How it ended: "finished", "interrupted", "non-finite loss"; "running" if it goes on or was killed."""
        return self.record.outcome()

    @property
    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """Each recorded scalar by name, as (step, value)."""
        return self.record.curves()

    @property
    def findings(self) -> list[dict[str, Any]]:
        return self.record.findings()

    @property
    def doctor(self) -> dict[str, Any]:
        """What the doctor came to: causes, steps seen, overhead; empty if the run was trained without."""
        documents = self.record.events("doctor")
        return documents[-1] if documents else {}

    @property
    def signs(self) -> dict[int, dict[str, dict[str, float]]]:
        """What the doctor measured at each examined step, of each layer, as `diagnosis.tracking.layer_signs` has it.

        Raises:
            InputError: if they are of a newer format.
        """
        steps: dict[int, dict[str, dict[str, float]]] = {}
        for step, document in self.record.events_by_step("signs"):
            refuse_newer(f"{self.path}: signs", document["format"], SIGNS_FORMAT)
            steps[step] = document["layers"]
        return steps

    @property
    def repairs(self) -> list[dict[str, Any]]:
        """What was tried to repair the run, in order, and what came of it."""
        # A run that was killed between an event and its checkpoint says it again.
        return list({each["try"]: each for each in self.record.events("repair")}.values())

    @property
    def result(self) -> dict[str, Any]:
        """The document of ``gradus train --json``; empty until the run has ended."""
        documents = self.record.events("result")
        return documents[-1] if documents else {}

    @property
    def sample(self) -> dict[str, str] | None:
        """Of a network of text, a `prompt` and its `continuation`."""
        path = self.path / folder.SHOWCASE
        found: dict[str, str] | None = folder.read_json(path, SHOWCASE_FORMAT).get("sample") if path.is_file() else None
        return found

    def model(self, *, trust: bool = False) -> nn.Module:
        """The trained network, in evaluation mode.

        Args:
            trust: allow code of the user's own that the run names to be executed.
        Raises:
            InputError: if the run has no weights yet, or they do not fit the network.
        """
        if self._wanted:
            raise InputError(f"run {self.path}", "is an ensemble; its networks are those of `run.members`")
        weights = self.path / folder.WEIGHTS
        if not weights.is_file():
            raise InputError(
                f"run {self.path}",
                "has no weights yet",
                repair=f"Continue it with `gradus train --resume {self.path}`.",
            )
        recipe = self.trusted_recipe(trust=trust)
        model = build_model(recipe, self.spec)
        apply_treatments(recipe, model, self.spec, loaded=True)
        try:
            model.load_state_dict(safetensors.torch.load_file(weights))
        except (SafetensorError, RuntimeError, OSError) as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(f"{weights}", f"cannot be loaded into the model: {reason}") from error
        return model.eval()

    def trusted_recipe(self, *, trust: bool, recipe: Recipe | None = None) -> Recipe:
        """The recipe, its user code pointing to the files to run: the originals if unchanged, else the copies kept.

        Args:
            recipe: one in force before the run has ended, in place of what the folder names.
        """
        known: dict[str, dict[str, str]] = self.environment.get("code", {})

        def trusted(name: str, module: str) -> str:
            if not trust:
                # Also where the file is the user's own: a folder from elsewhere could name any file on this machine.
                raise InputError(
                    f"run {self.path}",
                    f"its {name} is code of its own ({module})",
                    repair="If you trust it, say so with --trust; it will be executed.",
                )
            file, _, function = module.rpartition(":")
            kept = known.get(name, {})
            # The original first, for beside it its own imports are found.
            for place in (Path(file), self.path.absolute() / kept.get("copy", "")):
                if place.is_file() and UserCode(place, function).sha256 == kept.get("sha256"):
                    return f"{place}:{function}"
            raise InputError(
                f"run {self.path}",
                f"its {name} ({module}) and the copy kept of it are gone or changed",
                repair="Put the file back as it was.",
            )

        return Recipe.from_dict(map_code((recipe or self.recipe).to_dict(), trusted))


def load_run(path: str | Path) -> Run:
    """The run in a folder: weights, curves, findings. Executes nothing kept there.

    Raises:
        InputError: if `path` is no run folder or of a newer format.
    """
    return Run(Path(path))


def keep_user_code(path: Path, recipe: Recipe) -> dict[str, dict[str, str]]:
    """Copy the user's files that `recipe` names into the run folder; where each is, and its hash."""
    kept: dict[str, dict[str, str]] = {}

    def keep(name: str, module: str) -> str:
        code = UserCode.parse(module, Path(), f"{name}.module")
        content = code.path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        # Named after what it holds: a file that names two parts is one module, and stays one.
        copy = Path(folder.CODE) / digest[:8] / code.path.name
        folder.make(path / copy.parent)
        write_atomically(path / copy, partial(Path.write_bytes, data=content))
        kept[name] = {"reference": module, "sha256": digest, "copy": str(copy)}
        return module

    map_code(recipe.to_dict(), keep)
    return kept
