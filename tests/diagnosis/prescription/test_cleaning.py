"""Inputs that lose what varies."""

import pytest

from tests.diagnosis.prescription.changing import changes, first_change
from tests.diagnosis.prescription.programs import program, seen


class TestDropConstants:
    def test_fractions_are_kept(self) -> None:
        data = "x = torch.tensor(a, dtype=torch.long).float()\ny = load()"
        assert "x = torch.tensor(a, dtype=torch.float32)\n" in changes(program(data), "drop-constants", seen())[0]

    @pytest.mark.parametrize(
        ("kind", "kept"), [("int", "a"), ("np.int32", "a"), ("np.float64", "a.astype(np.float64)")]
    )
    def test_fractions_of_arrays_too(self, kind: str, kept: str) -> None:
        source = program(f"x = torch.tensor(a.astype({kind}))\ny = load()")
        found = changes(source, "drop-constants", seen())
        assert (source.replace(f"a.astype({kind})", "a") in found) is (kept == "a")

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("frame = (frame // 255).float()", "frame = (frame / 255).float()"),
            (
                "x = torch.tensor(pixels // TOP, dtype=torch.float32)",
                "x = torch.tensor(pixels / TOP, dtype=torch.float32)",
            ),
            ("x = (pixels // 16).astype(np.float32)", "x = (pixels / 16).astype(np.float32)"),
            ("x = (pixels / 255).astype(np.uint8)", "x = (pixels / 255).astype(np.float32)"),
            ("x = (pixels / 255).to(torch.uint8)", "x = (pixels / 255).to(torch.float32)"),
            ("rows = np.zeros((n, 8), dtype=int)", "rows = np.zeros((n, 8), dtype=np.float32)"),
        ],
    )
    def test_of_division_too(self, given: str, expected: str) -> None:
        source = f"import numpy as np\nimport torch\nTOP = 255\n{given}\n"
        assert first_change(source, "drop-constants") == [f"- {given}", f"+ {expected}"]

    def test_counts_stay_whole(self) -> None:
        source = (
            "import numpy as np\nhalf = len(x) // 2\nlabels = np.zeros(9, dtype=int)\nx = (x * 256).astype(np.uint8)\n"
            "place = (number // width).float()\nx = torch.tensor(a, dtype=torch.float64).float()\n"
            "x = torch.tensor(a).float()\nx = (x * 16).float()\nrows = np.zeros((n, 8))\n"
            "rows = np.zeros((n, 8), dtype=float)\nfor n in sizes:\n    rows = np.zeros((n, 8), dtype=int)\n"
        )
        assert changes(source, "drop-constants") == []

    def test_an_example_is_taken_by_its_index(self) -> None:
        source = """
        class Photos(Dataset):
            def __getitem__(self, i):
                return self.frames[0] / 255, self.labels[i]
        """
        assert first_change(source, "drop-constants")[1] == "+ return self.frames[i] / 255, self.labels[i]"
        assert changes(source.replace("[0]", '["red"]'), "drop-constants") == []
        assert changes(source.replace("[i]", "[self.order[1]]"), "drop-constants") == []


@pytest.mark.parametrize(
    ("cut", "back", "found"),
    [
        (".to(torch.int32)", ".to(torch.float32)", True),
        (".type(torch.int32)", ".float()", True),
        (".astype(np.uint8)", ".astype(np.float32)", True),
        (".int()", ".float()", True),
        (".long()", ".float()", True),
        (".byte()", ".float()", True),
        (".short()", ".float()", True),
        (".to(torch.float16)", ".float()", False),
        (".view(torch.int32)", ".float()", False),
        (".cpu()", ".float()", False),
        (".int()", ".to(device)", False),
        (".int()", ".view(torch.float32)", False),
    ],
)
def test_what_is_cut_on_the_way_to_real_numbers_is_not(cut: str, back: str, found: bool) -> None:
    source = f"""
    import numpy as np
    import torch
    class Rows(torch.utils.data.Dataset):
        def __getitem__(self, i):
            x = self.rows[i]{cut}
            y = self.classes[i].long()
            return x{back}, y, z.float()
    """
    kept = [f"- x = self.rows[i]{cut}", "+ x = self.rows[i]"]
    assert first_change(source, "drop-constants") == (kept if found else [])
