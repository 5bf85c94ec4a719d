"""Networks in folders as the Hugging Face hub has them."""

import pytest

pytest.importorskip("huggingface_hub")

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

import gradus
from gradus.core.errors import InputError
from gradus.integrations.hub import HubModel
from gradus.models import create_model
from tests.end_to_end.recipes import digits


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    model = {"name": "small_cnn", "width": 4, "activation": {"name": "elu", "alpha": 0.5}}
    return gradus.train(digits(augment=[], model=model, epochs=1), run=tmp_path_factory.mktemp("hub") / "run")


@pytest.fixture
def folder(run: gradus.Run, tmp_path: Path) -> Path:
    HubModel.of_run(run.path).save_pretrained(tmp_path / "net")
    return tmp_path / "net"


def test_a_runs_network_comes_back_as_it_was(run: gradus.Run, folder: Path) -> None:
    assert {each.name for each in folder.iterdir()} == {"config.json", "model.safetensors", "README.md"}
    found = HubModel.from_pretrained(folder)
    x = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(found(x), run.model()(x))
    expected, state = run.model().state_dict(), found.network.state_dict()
    assert state.keys() == expected.keys() == load_file(folder / "model.safetensors").keys()
    assert all(torch.equal(state[name], each) for name, each in expected.items())
    assert not any(each.training for each in found.modules())
    assert found.spec == run.spec


def test_the_configuration_says_what_builds_it(run: gradus.Run, folder: Path) -> None:
    document = json.loads((folder / "config.json").read_text())
    assert document.keys() == {"name", "options", "spec"}
    assert (document["name"], document["options"]) == (run.recipe.model.name, run.recipe.model.options)
    assert document["spec"]["classes"] == [str(digit) for digit in range(10)]
    assert "library_name: gradus" in (folder / "README.md").read_text()


def test_it_can_be_saved_again_and_begun_with(folder: Path, tmp_path: Path) -> None:
    HubModel.from_pretrained(str(folder)).save_pretrained(tmp_path / "again")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
    options: dict[str, Any] = {"width": 4, "activation": {"name": "elu", "alpha": 0.5}, "input_shape": (1, 8, 8)}
    begun = create_model("small_cnn", num_classes=10, pretrained=folder / "model.safetensors", **options)
    assert torch.equal(begun.state_dict()["output.weight"], load_file(folder / "model.safetensors")["output.weight"])


def test_networks_without_a_run(tmp_path: Path) -> None:
    HubModel("lenet5").save_pretrained(tmp_path / "net")
    found = HubModel.from_pretrained(tmp_path / "net")
    assert found.spec.inputs == ((1, 32, 32),)
    assert found(torch.zeros(2, 1, 32, 32)).shape == (2, 10)


def test_pushing_sends_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, Any] = {}

    class Api:
        def __init__(self, **_: Any) -> None: ...

        def create_repo(self, repo_id: str, **_: Any) -> Any:
            return type("Repo", (), {"repo_id": repo_id})

        def upload_folder(self, repo_id: str, folder_path: Path, **_: Any) -> str:
            sent[repo_id] = {each.name for each in Path(folder_path).iterdir()}
            return "done"

    monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", Api)
    assert HubModel.from_pretrained(folder).push_to_hub("me/net") == "done"
    assert sent == {"me/net": {"config.json", "model.safetensors", "README.md"}}


def configured(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        document = json.loads((folder / "config.json").read_text())
        kept = {name: each for name, each in (document | changes).items() if each is not None}
        (folder / "config.json").write_text(json.dumps(kept))

    return change


def written(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


CODE = {"module": "evil.py:activation"}
BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no configuration": (lambda folder: (folder / "config.json").unlink(), "has no config.json that names a network"),
    "not JSON": (written("config.json", b"{"), "its config.json cannot be read"),
    "no table": (written("config.json", b"[1]"), "its config.json cannot be read"),
    "not text": (written("config.json", b"\xff\xfe"), "its config.json cannot be read"),
    "too deep": (written("config.json", b'{"name": "mlp", "x": ' + b"[" * 10**5), "its config.json cannot be read"),
    "too large": (
        configured(
            spec={
                "task": "regression",
                "inputs": [[1, 8, 8]],
                "input_dtypes": ["float32"],
                "outputs": 10**15,
                "classes": [],
                "vocabulary": [],
            }
        ),
        "its config.json cannot be read",
    ),
    "no name": (configured(name=None), "has no config.json that names a network"),
    "a name that is none": (configured(name=3), "has no config.json that names a network"),
    "an unknown name": (configured(name="small_cn"), "unknown name, got `small_cn`. Did you mean `small_cnn`"),
    "unknown options": (configured(options={"widht": 4}), "unknown option `widht`. Did you mean `width`"),
    "options that are none": (configured(options=[3]), "its config.json cannot be read"),
    "code": (configured(options={"width": 4, "activation": CODE}), "its options must name no code"),
    "code within": (configured(options={"x": [{"y": CODE}]}), "its options must name no code"),
    "a spec that is none": (configured(spec={"task": "classification"}), "its spec cannot be read"),
    "a spec that does not fit": (
        configured(options={"width": 5}),
        "cannot be loaded into the network: .*size mismatch",
    ),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "its model.safetensors cannot be loaded"),
    "damaged weights": (written("model.safetensors", b"{}"), "its model.safetensors cannot be loaded"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_folders_are_told_in_one_line(
    case: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change, says = BAD[case]
    (folder / "evil.py").write_text("from pathlib import Path\nPath('ran').touch()\nactivation = abs\n")
    monkeypatch.chdir(folder)
    change(folder)
    with pytest.raises(InputError, match=says):
        HubModel.from_pretrained(folder)
    assert not (folder / "ran").exists()
    assert capsys.readouterr().out == ""


def test_a_repository_that_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^hub me/none: "):
        HubModel.from_pretrained("me/none", local_files_only=True, cache_dir=tmp_path)
    with pytest.raises(InputError, match=r"^hub no such name: cannot be had: "):
        HubModel.from_pretrained("no such name", local_files_only=True)


def test_unknown_options_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="unknown option `num_classes`"):
        HubModel.from_pretrained(folder, num_classes=3)


def test_only_networks_of_the_catalogue_are_shared(run: gradus.Run, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "act = nn.functional.relu\n"
        "def make(spec):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(spec.features, spec.outputs))\n"
    )
    plain = digits(augment=[], epochs=1)
    own = gradus.train({**plain, "model": {"module": f"{tmp_path}/net.py:make"}}, run=tmp_path / "own")
    with pytest.raises(InputError, match="its network must be of the catalogue"):
        HubModel.of_run(own)
    treated = gradus.train({**plain, "treatments": [{"name": "normalize-layers"}]}, run=tmp_path / "treated")
    with pytest.raises(InputError, match="the run has treatments"):
        HubModel.of_run(treated)
    with pytest.raises(InputError, match="its options must name no code"):
        HubModel("lenet5", {"activation": {"module": f"{tmp_path}/net.py:act"}}).save_pretrained(tmp_path / "net")
    with pytest.raises(InputError, match="no such folder"):
        HubModel.of_run(tmp_path / "none")
