"""Signs and findings in MLflow."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gradus.core.errors import InputError
from gradus.core.findings import Finding
from gradus.diagnosis.causes import Ranked
from gradus.diagnosis.doctor import told
from gradus.diagnosis.watch import cause_to_json
from gradus.integrations.extras import missing

try:
    import mlflow
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient
except ImportError as error:
    raise missing("mlflow", "track") from error

if TYPE_CHECKING:
    from gradus.diagnosis.tracking import Tracker

_MOST = 1000
"""Metrics that MLflow takes at a time."""
_LONGEST = 250
"""Characters of a metric's name."""


class MLflow:
    """A tracker: ``gradus.watch(model, optimizer, to=[MLflow()])``.

    Metrics have the names that `TensorBoard` gives them; a finding is a tag ``gradus.<symptom>``, the likeliest cause
    the tag ``gradus.cause``, and all of both are the artifact ``gradus/findings.json``.

    Args:
        run_id: of the run to write to; None for the active one, or else a new one, which `close` ends.
        name: of a new run.
    """

    def __init__(self, run_id: str | None = None, *, name: str | None = None) -> None:
        active = mlflow.active_run()
        if run_id is None and active is not None:
            run_id = active.info.run_id
        self._own = run_id is None
        self.run_id: str = run_id or mlflow.start_run(run_name=name).info.run_id
        self._client = MlflowClient()
        self._found: dict[str, Finding] = {}

    @staticmethod
    def check() -> None:
        """Raise InputError if MLflow's store cannot be reached."""
        try:
            MlflowClient().search_experiments(max_results=1)
        except Exception as error:  # of whatever store it is
            reason = str(error).partition("\n")[0].rstrip(".")
            raise InputError(
                "mlflow", f"its store cannot be used: {reason}", repair="Set MLFLOW_TRACKING_URI to one that can."
            ) from error

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        metrics = [Metric(_name(name), value, now, step) for name, value in values.items()]
        for begin in range(0, len(metrics), _MOST):
            self._client.log_batch(self.run_id, metrics=metrics[begin : begin + _MOST])

    def finding(self, step: int, finding: Finding) -> None:
        self._found[finding.symptom] = finding
        self._client.set_tag(self.run_id, f"gradus.{finding.symptom}", told(finding))

    def causes(self, step: int, causes: Sequence[Ranked]) -> None:
        if causes:
            self._client.set_tag(self.run_id, "gradus.cause", causes[0].id)
        document = {
            "findings": [each.to_json() for each in self._found.values()],
            "causes": [cause_to_json(each) for each in causes],
        }
        self._client.log_dict(self.run_id, document, "gradus/findings.json")

    def close(self) -> None:
        active = mlflow.active_run()
        if self._own and active is not None and active.info.run_id == self.run_id:
            mlflow.end_run()


def _name(name: str) -> str:
    """With the characters that MLflow allows, and as long as it allows."""
    return re.sub(r"[^\w\-./ ]", "_", name)[-_LONGEST:]


if TYPE_CHECKING:
    _: type[Tracker] = MLflow
