"""Fit y = 2x on three points with a recipe and ask for x = 4. The same as plain.py."""

import tempfile

import torch

import gradus

RECIPE = {
    "data": {"name": "line", "validation": 0.0, "test": 0.0, "preprocess": "none"},
    "model": {"name": "linear_regression"},
    "criterion": {"name": "mse"},
    "optimizer": {"name": "sgd", "lr": 0.01},
    "training": {"epochs": 1200, "batch_size": "full"},
}

with tempfile.TemporaryDirectory() as folder:
    run = gradus.train(RECIPE, run=f"{folder}/line")
    with torch.no_grad():
        print(f"after {run.result['epochs']} epochs: f(4) = {run.model()(torch.tensor([[4.0]])).item():.2f}")
