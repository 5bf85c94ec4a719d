"""Weights of files into networks: where they go, and what is refused."""

import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.models import create_model
from gradus.models.pretrained import load_pretrained

State = dict[str, Tensor]


def small(**options: Any) -> nn.Module:
    return create_model("small_cnn", input_shape=(1, 8, 8), **{"num_classes": 3, "width": 4, **options})


def randomised(model: nn.Module) -> nn.Module:
    for each in model.state_dict().values():
        if each.is_floating_point():
            each.uniform_(0.5, 1.5)
    return model


def saved(state: Mapping[str, Any], path: Path) -> Path:
    """The state in a file that keeps its order, or as safetensors if the path says so."""
    if path.suffix == ".safetensors":
        save_file(dict(state), path)
    else:
        torch.save(dict(state), path)
    return path


def equal(model: nn.Module, state: Mapping[str, Tensor]) -> bool:
    """Whether a network has, in order, the numbers of a state; of whose counts of batches nothing is asked."""
    own = [each for name, each in model.state_dict().items() if not name.endswith("tracked")]
    others = [each for name, each in state.items() if not name.endswith("tracked")]
    return all(torch.equal(one, other.reshape(one.shape)) for one, other in zip(own, others, strict=True))


def renamed(state: State) -> State:
    """A state under names that sort in another order than that of the layers, which numbers alone would tell."""
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in state))
    return {
        f"{chr(122 - layers.index(layer))}{layers.index(layer)}.{role}": each
        for (layer, _, role), each in ((name.rpartition("."), each) for name, each in state.items())
    }


def chain(**layers: nn.Module | dict[str, Any]) -> nn.Module:
    """Modules by name, within modules; they need no forward pass."""
    made = nn.Module()
    for name, each in layers.items():
        made.add_module(name, chain(**each) if isinstance(each, dict) else each)
    return made


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_ones_own_file_is_matched_by_name(tmp_path: Path, suffix: str) -> None:
    source, model = randomised(small()), small()
    loaded = load_pretrained(model, saved(source.state_dict(), tmp_path / f"own.{suffix}"))
    assert equal(model, source.state_dict())
    assert loaded.left == ()
    assert loaded.matched["stage1.conv1"] == "stage1.conv1"
    assert len(loaded.matched) == 13


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_an_output_for_other_classes_is_left_as_it_was_drawn(tmp_path: Path, suffix: str) -> None:
    path = saved(randomised(small(num_classes=7)).state_dict(), tmp_path / f"own.{suffix}")
    model = small()
    drawn = model.get_submodule("output").state_dict()
    before = {name: each.clone() for name, each in drawn.items()}
    loaded = load_pretrained(model, path)
    assert loaded.left == ("output",)
    assert "output" not in loaded.matched
    assert all(torch.equal(drawn[name], each) for name, each in before.items())
    assert model.state_dict()["stage3.conv2.weight"].min() >= 0.5


def test_an_output_for_other_classes_may_be_a_convolution(tmp_path: Path) -> None:
    state = small(num_classes=7).state_dict()
    state["output.weight"] = state["output.weight"][..., None, None]
    assert load_pretrained(small(), saved(state, tmp_path / "own.pth")).left == ("output",)


def test_other_names_are_matched_by_order(tmp_path: Path) -> None:
    source, model = randomised(small(num_classes=7)), small(num_classes=7)
    loaded = load_pretrained(model, saved(renamed(source.state_dict()), tmp_path / "other.pth"))
    assert equal(model, source.state_dict())
    assert loaded.matched["stage1.norm1"] == "y1"
    assert load_pretrained(small(), tmp_path / "other.pth").left == ("output",)


def test_a_file_without_order_is_put_in_order_by_numbers_and_shapes(tmp_path: Path) -> None:
    def network() -> nn.Module:
        layers = {str(number): nn.Linear(4, 4) for number in range(12)}
        bottleneck = {"conv2": nn.Conv2d(4, 4, 1), "bn2": nn.BatchNorm2d(4)}
        shortcut = {"0": nn.Conv2d(4, 4, 1), "1": nn.BatchNorm2d(4)}
        return chain(
            stem=nn.Conv2d(1, 4, 3), layers=layers, block={**bottleneck, "downsample": shortcut}, fc=nn.Linear(4, 2)
        )

    source, model = randomised(network()), chain(net=network())
    load_pretrained(model, saved(source.state_dict(), tmp_path / "x.safetensors"))
    assert equal(model, source.state_dict())


def residual() -> dict[str, Any]:
    """Two blocks named as torchvision names them; read from each normalization on, they fit one place earlier, too."""
    block = [
        {"conv1": nn.Conv2d(4, 4, 3), "bn1": nn.BatchNorm2d(4), "conv2": nn.Conv2d(4, 4, 3), "bn2": nn.BatchNorm2d(4)}
        for _ in range(2)
    ]
    return {"conv1": nn.Conv2d(3, 4, 3), "bn1": nn.BatchNorm2d(4), "layer1": {"0": block[0], "1": block[1]}}


def test_of_several_orders_the_regular_one_is_meant(tmp_path: Path) -> None:
    source, model = randomised(chain(**residual())), chain(net=chain(**residual()))
    load_pretrained(model, saved(source.state_dict(), tmp_path / "x.safetensors"))
    assert equal(model, source.state_dict())


def test_a_file_without_order_that_fits_in_several_is_refused(tmp_path: Path) -> None:
    source = chain(right=nn.Linear(3, 3), left=nn.Linear(3, 3))
    model = chain(first=nn.Linear(3, 3), second=nn.Linear(3, 3))
    with pytest.raises(InputError, match=r"is ambiguous: .* more than one\. Save the state dict by torch\.save"):
        load_pretrained(model, saved(source.state_dict(), tmp_path / "x.safetensors"))
    longer = chain(model=model, third=nn.Linear(3, 3))
    with pytest.raises(InputError, match=r"the network has `third` .* no layer more"):  # which no order would mend
        load_pretrained(longer, tmp_path / "x.safetensors")
    load_pretrained(model, saved(source.state_dict(), tmp_path / "x.pth"))
    assert equal(model, source.state_dict())


def test_a_search_that_does_not_end_is_given_up(tmp_path: Path) -> None:
    names = [f"{one}{other}" for one in "abcdefgh" for other in "abcd"]
    source = chain(**{name: nn.Linear(2, 2) for name in names}, last=nn.Linear(3, 3))
    model = chain(**{f"x{number}": nn.Linear(2, 2) for number in range(len(names))}, y=nn.Linear(4, 4))
    with pytest.raises(InputError, match="is ambiguous"):
        load_pretrained(model, saved(source.state_dict(), tmp_path / "x.safetensors"))


def test_what_comes_beside_layers_is_matched_by_shape(tmp_path: Path) -> None:
    class Tokens(nn.Module):
        def __init__(self, **shapes: tuple[int, ...]) -> None:
            super().__init__()
            self.proj = nn.Linear(4, 4)
            for name, shape in shapes.items():
                self.register_parameter(name, nn.Parameter(torch.rand(shape)))

    source, model = Tokens(token=(1, 1, 4), place=(1, 3, 4)), chain(inner=Tokens(position=(3, 4), begin=(4,)))
    load_pretrained(model, saved(source.state_dict(), tmp_path / "x.safetensors"))
    found, expected = model.state_dict(), source.state_dict()
    assert torch.equal(found["inner.begin"], expected["token"].reshape(4))
    assert torch.equal(found["inner.position"], expected["place"][0])


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_attention_and_small_kernels_are_layers_by_any_name(tmp_path: Path, suffix: str) -> None:
    source = chain(attention=nn.MultiheadAttention(4, 2), last=nn.Conv2d(4, 6, 1))
    model = chain(qkv=nn.Linear(4, 12), out=nn.Linear(4, 4), last=nn.Linear(4, 6))
    load_pretrained(model, saved(source.state_dict(), tmp_path / f"x.{suffix}"))
    assert equal(model, source.state_dict())


def test_takes_checkpoints_and_half_precision(tmp_path: Path) -> None:
    source, model = randomised(small()), small()
    half = {name: each.bfloat16() if each.is_floating_point() else each for name, each in source.state_dict().items()}
    load_pretrained(model, saved({"epoch": 3, "state_dict": half}, tmp_path / "x.tar"))
    assert model.state_dict()["output.weight"].dtype == torch.float32
    assert equal(model, {name: each.float() for name, each in half.items()})


def test_counts_of_batches_may_be_there_or_not(tmp_path: Path) -> None:
    state = randomised(small()).state_dict()
    without = {name: each for name, each in state.items() if not name.endswith("tracked")}
    assert len(without) == len(state) - 6
    model = small()
    load_pretrained(model, saved(without, tmp_path / "x.pth"))
    assert equal(model, state)


def test_networks_of_the_catalogue_begin_with_it(tmp_path: Path) -> None:
    source = randomised(small())
    path = saved(source.state_dict(), tmp_path / "x.safetensors")
    assert equal(small(pretrained=path), source.state_dict())
    x = torch.rand(2, 1, 8, 8)
    features = small(pretrained=str(path), num_classes=0).eval()(x)
    output: nn.Module = source.get_submodule("output")
    assert torch.equal(output(features), source.eval()(x))
    maps = small(pretrained=path, features_only=True, num_classes=9)
    assert torch.equal(maps.state_dict()["body.stage1.conv1.weight"], source.state_dict()["stage1.conv1.weight"])


class Evil:
    def __reduce__(self) -> Any:
        return exec, ("import pathlib; pathlib.Path('ran').touch()",)


def truncated(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def without_last(state: State) -> State:
    return {name: each for name, each in state.items() if not name.startswith("output")}


UNREADABLE: dict[str, tuple[Callable[[Path, State], Path], str]] = {
    "missing": (lambda at, _: at / "x.pth", "no such file"),
    "a folder": (lambda at, _: at, "cannot be read as a safetensors file or a state dict .*Is a directory"),
    "empty": (lambda at, _: written(at / "x", b""), "cannot be read as"),
    "text": (lambda at, _: written(at / "x.safetensors", b"weights, surely"), "is damaged|cannot be read as"),
    "half of it": (lambda at, s: truncated(saved(s, at / "x.pth")), "cannot be read as"),
    "half of safetensors": (lambda at, s: truncated(saved(s, at / "x.safetensors")), "cannot be read as"),
    "a whole module": (lambda at, _: saved({"state_dict": small()}, at / "x.pth"), "code in a file is never run"),
    "code": (lambda at, _: saved({"weight": Evil()}, at / "x.pth"), "code in a file is never run"),
    "pickled code": (lambda at, _: written(at / "x.pkl", pickle.dumps(Evil())), "code in a file is never run"),
    "no names": (lambda at, s: saved_as(list(s.values()), at / "x.pth"), "must hold a state dict, .* got `list`"),
    "nothing": (lambda at, _: saved({}, at / "x.pth"), "must hold a state dict"),
    "more": (lambda at, s: saved({**s, "epoch": 3}, at / "x.pth"), "but `epoch` is of int"),
    "a command to the terminal": (
        lambda at, s: saved({**s, "a\x1b[2Jb": torch.ones(3)}, at / "x.pth"),
        r"names that can be printed, but 'a\\x1b\[2Jb' cannot",
    ),
    "no numbers": (
        lambda at, s: saved({**s, "output.bias": torch.empty(3, device="meta")}, at / "x.pth"),
        "`output.bias` has a shape and no numbers",
    ),
    "numbers for names": (lambda at, s: saved({0: torch.ones(3)}, at / "x.pth"), "but `0` is of Tensor"),  # type: ignore[dict-item]
    "whole numbers": (
        lambda at, s: saved({**s, "output.bias": torch.ones(3, dtype=torch.int8)}, at / "x.pth"),
        "`output.bias` must be a dense tensor of floating-point numbers, got `torch.int8`",
    ),
    "sparse": (
        lambda at, s: saved({**s, "output.bias": torch.ones(3).to_sparse()}, at / "x.pth"),
        "`output.bias` must be a dense tensor",
    ),
}
UNFIT: dict[str, tuple[Callable[[State], State], str]] = {
    "too few layers": (without_last, r"network has `output` of weight \(3, 16\), .* in its place no layer more"),
    "too many layers": (
        lambda s: {**s, "zz.weight": torch.ones(2, 2)},
        r"has no layer more, and the file in its place `zz` of weight \(2, 2\)",
    ),
    "another width": (
        lambda s: small(width=5).state_dict(),
        r"network has `stage1.conv1` of weight \(4, 1, 3, 3\), .* of weight \(5, 1, 3, 3\)\. Name the network",
    ),
    "no bias": (lambda s: {name: each for name, each in s.items() if name != "output.bias"}, "`output` of"),
    "another output": (lambda s: small(num_classes=3, width=5).state_dict(), "does not fit"),
    "an entry twice": (lambda s: {**s, "output_weight": torch.ones(3, 16)}, r"no layer more, and .* `output_weight`"),
    "a parameter more": (lambda s: {**s, "token": torch.ones(4)}, r"no layer more, and .* `token` of \(4,\)"),
}


def saved_as(thing: Any, path: Path) -> Path:
    torch.save(thing, path)
    return path


@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable_files_are_told_in_one_line(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, says = UNREADABLE[case]
    monkeypatch.chdir(tmp_path)
    model = small()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    with pytest.raises(InputError, match=says) as told:
        load_pretrained(model, make(tmp_path, small().state_dict()))
    assert str(told.value).startswith(f"pretrained {tmp_path}")
    assert not (tmp_path / "ran").exists()
    assert equal(model, before)


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("names", ["own", "other"])
@pytest.mark.parametrize("case", UNFIT)
def test_files_that_do_not_fit_leave_the_network_as_it_was(case: str, names: str, suffix: str, tmp_path: Path) -> None:
    change, says = UNFIT[case]
    model = small()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    state = change(small().state_dict())
    if names == "other":
        state, says = {f"net.{name}": each for name, each in state.items()}, says.replace("place `", "place `net.")
    with pytest.raises(InputError, match=re.sub("`(token|output_weight)`", r"`(net.)?\1`", says)):
        load_pretrained(model, saved(state, tmp_path / f"x.{suffix}"))
    assert equal(model, before)


def test_a_missing_place_for_a_bare_parameter_is_named(tmp_path: Path) -> None:
    class Token(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Parameter(torch.zeros(1, 4))

    path = saved({"weight": torch.ones(2, 2)}, tmp_path / "x.pth")
    with pytest.raises(
        InputError, match=r"the network has `token` of \(1, 4\), and the file in its place no layer more"
    ):
        load_pretrained(Token(), path)


def test_heads_may_be_registered_where_they_branch_off(tmp_path: Path) -> None:
    source = chain(a=nn.Linear(4, 5), side=nn.Linear(5, 9), b=nn.Linear(5, 6), fc=nn.Linear(6, 9))
    model = chain(body={"a": nn.Linear(4, 5), "b": nn.Linear(5, 6), "output": nn.Linear(6, 3)})
    model.side = chain(output=nn.Linear(5, 3))
    loaded = load_pretrained(model, saved(source.state_dict(), tmp_path / "x.pth"))
    assert loaded.matched == {"body.a": "a", "body.b": "b"}
    assert loaded.left == ("body.output", "side.output")
