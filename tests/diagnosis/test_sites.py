"""Where a program steps, in lines of its own."""

from pathlib import Path

import torch

from gradus.diagnosis.prescription.fixes import Place
from gradus.diagnosis.sites import SiteListener

HERE = Path(__file__)


def train(steps: int) -> None:
    weight = torch.nn.Parameter(torch.ones(()))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    for _ in range(steps):
        weight.square().backward()
        optimizer.step()


def test_each_line_is_noted_once_and_only_below_the_root() -> None:
    own, strange = SiteListener(HERE.parent), SiteListener(HERE.parent / "nowhere")
    try:
        train(3)
    finally:
        own.close()
        strange.close()
    line = train.__code__.co_firstlineno
    assert own.sites.backward == (Place(HERE, line + 4),)
    assert own.sites.steps == (Place(HERE, line + 5),)
    assert strange.sites.backward == strange.sites.steps == ()
    train(1)
    assert len(own.sites.backward) == 1, "closed, it looks no more"


def test_a_second_loop_is_seen_after_a_long_first_one() -> None:
    own = SiteListener(HERE.parent)
    try:
        train(100)
        weight = torch.nn.Parameter(torch.ones(()))
        for _ in range(40):
            weight.square().backward()
    finally:
        own.close()
    assert len(own.sites.backward) == 2
