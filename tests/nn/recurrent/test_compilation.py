"""Export and compilers: fused layers are kept whole, unrolled ones are looked into."""

import pytest
import torch
from torch.export import Dim, export

from tests.nn.recurrent.reference import FUSED, OPTIONS, WAYS
from tests.nn.recurrent.test_layer import make, sequences


@pytest.mark.parametrize(("name", "fused"), WAYS)
@pytest.mark.filterwarnings("ignore:The tensor attributes")  # torch's own layers keep their weights in a list, too
def test_is_exported_for_any_number_of_sequences(name: str, fused: bool) -> None:
    layer, x = make(name, fused=fused, num_layers=1).eval(), sequences()[:, :3]
    program = export(layer, (x,), dynamic_shapes={"x": {0: Dim("n", min=2, max=64)}}, strict=False)
    torch.testing.assert_close(program.module()(x[:2]), layer(x[:2]))


@pytest.mark.parametrize("name", OPTIONS)
def test_cells_compile_whole(name: str) -> None:
    layer, x, lengths = make(name, fused=False, num_layers=1), sequences()[:, :4], torch.tensor([4, 1, 3])
    torch.compiler.reset()
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), layer(x))
    torch.testing.assert_close(compiled(x, lengths=lengths), layer(x, lengths=lengths))


@pytest.mark.parametrize("name", FUSED)
def test_fused_layers_run_beside_what_is_compiled(name: str) -> None:
    layer, x = make(name, num_layers=1), sequences()
    torch.compiler.reset()
    torch.testing.assert_close(torch.compile(layer, backend="eager")(x), layer(x))
