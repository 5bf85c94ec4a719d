"""Networks of the catalogue on the Hugging Face hub, or in a folder as the hub has it.

A folder holds ``model.safetensors`` and ``config.json``: the name in the catalogue, its options, and what the data look
like to it. Nothing in it is code, and none is run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.integrations.extras import missing
from gradus.models import build, models
from gradus.training.run import Run, load_run

try:
    from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
except ImportError as error:
    raise missing("huggingface_hub", "hub") from error

_CONFIG, _WEIGHTS = "config.json", "model.safetensors"


class HubModel(nn.Module, PyTorchModelHubMixin, library_name="gradus", tags=["gradus"]):
    """A network of the catalogue with `from_pretrained`, `save_pretrained` and `push_to_hub`.

    It takes and gives what its network does: inputs as preprocessing leaves them, raw logits or values.

    Args:
        name: in the catalogue.
        options: the network's own.
        spec: what its data look like; by default as published.
    Attributes:
        network: the network itself.
    Raises:
        InputError: for an unknown name or option, or data the network cannot take.
    """

    def __init__(
        self, name: str, options: Mapping[str, Any] | None = None, spec: DataSpec | Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        card = models.get(name)
        self.options = dict(options or {})
        self.spec = card.spec if spec is None else spec if isinstance(spec, DataSpec) else _spec(spec)
        self.network = build(card, self.spec, self.options)
        self._hub_mixin_config = {"name": card.name, "options": self.options, "spec": self.spec.to_json()}

    def forward(self, *inputs: Tensor) -> Any:
        return self.network(*inputs)

    @classmethod
    def of_run(cls, run: Run | str | Path) -> Self:
        """The trained network of a run, in evaluation mode.

        Raises:
            InputError: if the network is not of the catalogue, or its layers were changed by treatments.
        """
        run = run if isinstance(run, Run) else load_run(run)
        section = run.recipe.model
        if section.name is None:
            raise InputError(f"run {run.path}", "its network must be of the catalogue", section.module)
        if run.recipe.treatments:
            rule = "its network is not as the catalogue has it any more: the run has treatments"
            raise InputError(f"run {run.path}", rule, repair="Share the run folder itself.")
        trained = run.model()
        made = cls(section.name, section.options, run.spec)
        made.network.load_state_dict(trained.state_dict())
        return made.eval()

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **options: Any) -> Self:
        """The network in a folder, or in a repository of the hub, in evaluation mode.

        Args:
            options: of huggingface_hub, such as ``revision``, ``token``, ``cache_dir`` and ``local_files_only``.
        Raises:
            InputError: if there is none, or it is not of gradus.
        """
        owner = f"hub {pretrained_model_name_or_path}"
        try:
            made: Self = super().from_pretrained(pretrained_model_name_or_path, **options)
        except InputError:
            raise
        except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
            reason = str(error).strip().splitlines()[0]
            repair = "Name a folder, or a repository you may read."
            raise InputError(owner, f"cannot be had: {reason}", repair=repair) from error
        # Of a config.json that is no table in JSON, or of a network that no memory holds.
        except (ValueError, TypeError, AttributeError, OverflowError, MemoryError, RuntimeError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(owner, f"its {_CONFIG} cannot be read: {reason}") from error
        return made

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        map_location: str = "cpu",
        strict: bool = True,
        **model_kwargs: Any,
    ) -> Self:
        owner = f"hub {model_id}"
        if not isinstance(model_kwargs.get("name"), str):
            repair = "Check the name, and that the hub can be reached."
            raise InputError(owner, f"has no {_CONFIG} that names a network of gradus", repair=repair)
        _refuse_code(model_kwargs.get("options"), owner)
        for each in model_kwargs.keys() - {"name", "options", "spec"}:
            raise InputError(owner, f"unknown option `{each}`", repair="Give the network's own as `options`.")
        made = cls(**model_kwargs)
        if Path(model_id).is_dir():
            weights = Path(model_id) / _WEIGHTS
        else:
            weights = Path(
                hf_hub_download(
                    repo_id=model_id,
                    filename=_WEIGHTS,
                    revision=revision,
                    cache_dir=cache_dir,
                    force_download=force_download,
                    local_files_only=local_files_only,
                    token=token,
                )
            )
        try:
            load_model(made.network, weights, strict=strict, device=map_location)
        except (SafetensorError, RuntimeError, OSError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(owner, f"its {_WEIGHTS} cannot be loaded into the network: {reason}") from error
        return made.eval()

    def _save_pretrained(self, save_directory: Path) -> None:
        _refuse_code(self.options, "hub")
        save_model(self.network, str(save_directory / _WEIGHTS))


def _spec(document: Mapping[str, Any]) -> DataSpec:
    try:
        return DataSpec.from_json(dict(document))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("hub", f"its spec cannot be read: {type(error).__name__} {error}") from error


def _refuse_code(options: Any, owner: str) -> None:
    """A stranger's options may name a file of this machine as an activation: it would be executed."""
    if isinstance(options, Mapping):
        if "module" in options:
            raise InputError(owner, "its options must name no code", options["module"])
        for each in options.values():
            _refuse_code(each, owner)
    elif isinstance(options, list | tuple):
        for each in options:
            _refuse_code(each, owner)
