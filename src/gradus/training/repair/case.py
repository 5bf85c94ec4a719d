"""What has been tried in a run and what came of it. It is saved with every checkpoint."""

from collections.abc import Sequence
from typing import Any

from gradus.training.callbacks import Callback
from gradus.training.recipe import Recipe
from gradus.training.repair.ring import copied


class Case(Callback):
    """The history of a repair.

    Args:
        recipe: what is trained at first, resolved.
        callbacks: the user's, as they are before the first step.

    Attributes:
        recipe: in force: the first one with every amendment that was kept.
        tries: a document for each treatment, in order.
        troubles: what the doctor last found that is not answered, and the step it stood at.
    """

    name = "repair"

    def __init__(self, recipe: Recipe, callbacks: Sequence[Callback] = ()) -> None:
        self.recipe = recipe
        self.tries: list[dict[str, Any]] = []
        self.troubles: tuple[int, list[dict[str, Any]]] = (0, [])
        self.began = {each.name: copied(each.state_dict()) for each in callbacks if each.name}
        self._seen = {recipe.to_toml()}

    @property
    def overshot(self) -> float | None:
        """The rate that a range test found since a treatment was last kept: it did not help."""
        kept = [number for number, each in enumerate(self.tries) if each["kept"]]
        since = self.tries[kept[-1] + 1 :] if kept else self.tries
        found = [each["change"]["optimizer.lr"][1] for each in since if each["remedy"] == "range-test"]
        return found[0] if found and isinstance(found[0], float) else None

    def knows(self, recipe: Recipe) -> bool:
        """Whether `recipe` has been trained, or could not be."""
        return recipe.to_toml() in self._seen

    def learn(self, *recipes: Recipe) -> None:
        """These need not be tried again."""
        self._seen |= {each.to_toml() for each in recipes}

    def state_dict(self) -> dict[str, Any]:
        step, troubles = self.troubles
        return {
            "recipe": self.recipe.to_dict(),
            "tries": list(self.tries),
            "troubles": {"step": step, "found": troubles},
            "seen": sorted(self._seen),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.tries = list(state["tries"])
        self.troubles = (state["troubles"]["step"], state["troubles"]["found"])
        self._seen |= set(state["seen"])


def recipe_in_force(state: dict[str, Any]) -> Recipe | None:
    """The recipe of which a checkpoint is; None if it is of a run without repair."""
    saved = state["callbacks"].get(Case.name)
    return None if saved is None else Recipe.from_dict(saved["recipe"])
