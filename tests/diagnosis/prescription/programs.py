"""A program that trains on a table, and what was seen of its inputs."""

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Examination, InputSigns, LossSigns

TABLE = InputSigns(shape=(32, 5), mean=900.0, std=400.0, low=0.0, high=90000.0, varied=400.0, columns=5)
PIXELS = InputSigns(shape=(32, 1, 8, 8), mean=90.0, std=60.0, low=0.0, high=255.0, varied=60.0)


def seen(signs: InputSigns = TABLE, counts: tuple[int, ...] = (), **fields: object) -> History:
    losses = (LossSigns(value=1.0, kind="classes", counts=counts),) if counts else ()
    return History(examinations=[Examination(step=0, inputs=(signs,), losses=losses)], **fields)  # type: ignore[arg-type]


def program(data: str, loop: str = "x[:80]", held_out: str = "x[80:]") -> str:
    return f"""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

{data}
loader = DataLoader(TensorDataset({loop}, y[:80]), batch_size=8, shuffle=True)
model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters())
criterion = nn.MSELoss()
for epoch in range(9):
    for xb, yb in loader:
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = criterion(model({held_out}), y[80:])
"""
