"""Noise, latents and upsampling."""

import pytest
import torch

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Examination, InputSigns
from tests.diagnosis.prescription.changing import changes, first_change

GAN = """
import torch
import torch.nn as nn
G = nn.Linear(2, 2)
optimizer = torch.optim.Adam(G.parameters(), lr=1e-3)
{before}
for step in range(100):
    {inside}
    loss = (G(z) - real).pow(2).mean()
    loss.backward()
    optimizer.step()
"""


class TestNoise:
    def test_one_row_for_all_becomes_a_row_for_each(self) -> None:
        program = GAN.format(before="", inside="z = torch.randn(1, 2).expand(32, 2)")
        assert first_change(program, "diversity") == [
            "- z = torch.randn(1, 2).expand(32, 2)",
            "+ z = torch.randn(32, 2)",
        ]

    def test_drawn_once_becomes_drawn_at_every_step(self) -> None:
        program = GAN.format(before="z = torch.randn(32, 2)", inside="pass")
        assert first_change(program, "diversity") == [
            "- loss = (G(z) - real).pow(2).mean()",
            "+ loss = (G(torch.randn(32, 2)) - real).pow(2).mean()",
        ]

    def test_noise_that_samples_are_watched_with_stays(self) -> None:
        inside = "z = torch.randn(32, 2)\n    with torch.no_grad():\n        show(G(fixed))"
        assert changes(GAN.format(before="fixed = torch.randn(8, 2)", inside=inside), "diversity") == []


class TestLatents:
    VAE = """
import torch
import torch.nn.functional as F
def vae_loss(recon, x, mu, logvar):
    error = F.mse_loss(recon, x{reduction})
    kld = {kld}
    return error + {weight}kld
"""

    def test_both_terms_are_averaged_over_the_same(self) -> None:
        kld = "-0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()"
        program = self.VAE.format(reduction="", kld=kld, weight="")
        assert first_change(program, "warm-up-kl") == [f"- kld = {kld}", f"+ kld = {kld} / x[0].numel()"]
        assert changes(program, "warm-up-kl")[1] == program.replace("recon, x)", 'recon, x, reduction="sum")')
        added = program.replace("kld = ", "error += ").replace("error + kld", "error")
        assert first_change(added, "warm-up-kl")[1] == f"+ error += {kld} / x[0].numel()"

    def test_means_along_an_axis_become_sums(self) -> None:
        kld = "-0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()"
        program = self.VAE.format(reduction=', reduction="none"', kld=kld, weight="")
        for axis in ("dim=1", "1"):
            along = program.replace('"none")', f'"none").mean({axis}).mean()')
            assert first_change(along, "warm-up-kl")[1].endswith(f'reduction="none").sum({axis}).mean()')
        whole = program.replace('"none")', '"none").mean()')
        assert first_change(whole, "warm-up-kl")[1] == f"+ kld = {kld} / x[0].numel()"

    @pytest.mark.parametrize("reduction", ['"none").sum(1).mean(', '"none"', "how"])
    def test_what_is_averaged_otherwise_is_left(self, reduction: str) -> None:
        kld = "-0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()"
        program = self.VAE.format(reduction=f", reduction={reduction}", kld=kld, weight="")
        assert first_change(program, "warm-up-kl")[1] == f"+ kld = {kld} / 10"

    @pytest.mark.parametrize(
        "term",
        [
            "0.5 * (mu.pow(2) + logvar.exp() - logvar - 1).sum(1).mean()",
            "0.5 * (mu.pow(2) + logvar.exp() - logvar - 1).sum(1).mean(dim=0)",
            "(mu * mu + sigma * sigma - 2 * sigma.log() - 1).sum(1).mean() / 2",
        ],
    )
    def test_of_a_sum_the_divergence_alone(self, term: str) -> None:
        error = "(out - x).square().mean()"
        program = f"def vae_loss(out, x, mu, logvar, sigma):\n    return {error} + {term}\n"
        assert first_change(program, "warm-up-kl")[1] == f"+ return {error} + {term} / 10"
        taken = program.replace(f"+ {term}", f"- {term}")
        assert first_change(taken, "warm-up-kl")[1] == f"+ return {error} - {term} / 10"
        twice = program.replace(error, term)
        assert first_change(twice, "warm-up-kl")[1] == f"+ return ({term} + {term}) / 10"

    @pytest.mark.parametrize("whole", ['{{"error": {}, "kl": {}}}', "({}, {})", "dict(error={}, kl={})"])
    def test_terms_that_are_kept_apart(self, whole: str) -> None:
        error, kl = "F.mse_loss(y, x)", "kl_divergence(q, p).sum(1).mean()"
        program = (
            "import torch.nn.functional as F\nfrom torch.distributions import kl_divergence\n"
            f"def terms(x, y, q, p):\n    return {whole.format(error, kl)}\n"
        )
        assert f"{kl} / x[0].numel()" in first_change(program, "warm-up-kl")[1]
        assert [f"{kl} / " in each for each in changes(program, "warm-up-kl")] == [True, False, True, True]

    def test_a_likelihood_is_no_divergence(self) -> None:
        program = "def loss(x, mu, logvar):\n    return 0.5 * ((x - mu) ** 2 / logvar.exp() + logvar).mean()\n"
        assert changes(program, "warm-up-kl") == []

    @pytest.mark.parametrize(
        ("misfit", "divisor"),
        [
            ("((x - out) ** 2).mean()", "96"),
            ("((x - out) ** 2).mean(dim=(1, 2))", "96"),
            ("((x - out) ** 2).mean(-1)", "96"),
            ("((x - out) ** 2).mean(dim=0)", "10"),
            ("F.mse_loss(out, x.flatten(1))", "96"),
            ('F.mse_loss(out, x.flatten(1), reduction="sum")', "10"),
        ],
    )
    def test_is_divided_by_what_each_example_is_averaged_over(self, misfit: str, divisor: str) -> None:
        program = f"""
        import torch.nn.functional as F
        def vae_loss(out, x, mu, logvar):
            misfit = {misfit}
            kld = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)
            return misfit.sum(), kld.mean()
        for x in batches:
            misfit, kld = vae_loss(*model(x), x)
            (misfit + kld).backward()
        """
        signs = InputSigns(shape=(60, 2, 48), mean=0.0, std=1.0, low=-3.0, high=3.0, varied=1.0)
        history = History(examinations=[Examination(step=0, inputs=(signs,))])
        assert first_change(program, "warm-up-kl", history)[1].endswith(f".sum(1) / {divisor}")
        unseen = History(examinations=[Examination(step=0)])
        assert first_change(program, "warm-up-kl", unseen)[1].endswith(".sum(1) / 10")

    @pytest.mark.parametrize(
        ("line", "error", "expected"),
        [
            ("bce / x.shape[1] + kld", "bce", "- return bce / x.shape[1] + kld\n+ return bce + kld"),
            (
                "0.5 * kld + (bce + 1) / 16",
                "bce",
                "- return 0.5 * kld + (bce + 1) / 16\n+ return 0.5 * kld + (bce + 1)",
            ),
            ("bce + kld", "sum_of(x) / x[0].numel()", "- bce = sum_of(x) / x[0].numel()\n+ bce = sum_of(x)"),
            ("bce + kld", "sum_of(x) / x.numel()", "- bce = sum_of(x) / x.numel()\n+ bce = sum_of(x) / len(x)"),
        ],
    )
    def test_an_error_that_is_divided_by_the_size_of_an_example(self, line: str, error: str, expected: str) -> None:
        program = f"""
import torch
def loss_of(recon, x, mu, logvar):
    bce = {error}
    kld = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()
    return {line}
"""
        inputs = (InputSigns(shape=(32, 16), mean=0.0, std=1.0, low=0.0, high=1.0),)
        history = History(examinations=[Examination(step=0, inputs=inputs)])
        assert first_change(program, "warm-up-kl", history) == expected.split("\n")

    def test_a_weight_is_lowered(self) -> None:
        kld = "torch.distributions.kl_divergence(q, p).sum(1).mean()"
        program = self.VAE.format(reduction=', reduction="sum"', kld=kld, weight="20.0 * ")
        assert first_change(program, "warm-up-kl") == ["- return error + 20.0 * kld", "+ return error + 1.0 * kld"]


class TestUpsampling:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("kernel_size=3, stride=2, padding=1, output_padding=1", "kernel_size=4, stride=2, padding=1"),
            ("3, stride=2", "4, stride=2, padding=1, output_padding=1"),
            ("5, 2, 2, 1", "6, 2, 2"),
            ("5, stride=3, padding=1", "6, stride=3, padding=2, output_padding=1"),
        ],
    )
    def test_kernel_is_a_multiple_of_the_stride_and_the_size_stays(self, old: str, new: str) -> None:
        program = f"import torch.nn as nn\nup = nn.ConvTranspose2d(1, 1, {old})\n"
        assert first_change(program, "even-kernel")[1] == f"+ up = nn.ConvTranspose2d(1, 1, {new})"
        made = [eval(f"torch.nn.ConvTranspose2d(1, 1, {each})") for each in (old, new)]  # noqa: S307
        x = torch.zeros(1, 1, 5, 5)
        assert made[0](x).shape == made[1](x).shape

    @pytest.mark.parametrize(
        ("old", "expected"),
        [
            ("3, stride=4, output_padding=1", "nn.Conv2d(2, 1, 3, padding=1)"),
            ("5, 2, 2, 1, bias=False", "nn.Conv2d(2, 1, 5, padding=2, bias=False)"),
            ("3, stride=2", None),  # five become eleven
            ("3, 2, 1, 1, groups=1", None),
        ],
    )
    def test_or_it_resizes_and_convolves(self, old: str, expected: str | None) -> None:
        before = f"nn.ConvTranspose2d(2, 1, {old})"
        program = f"import torch.nn as nn\nup = nn.Sequential({before}, nn.Sigmoid())\n"
        found = [each for each in changes(program, "even-kernel") if "Upsample" in each]
        assert len(found) == (expected is not None)
        if expected is not None:
            assert expected in found[0]
            scope: dict[str, torch.nn.Module] = {}
            exec(found[0], scope)
            x = torch.zeros(1, 2, 5, 5)
            assert scope["up"](x).shape == eval(before, {"nn": torch.nn})(x).shape  # noqa: S307

    @pytest.mark.parametrize("old", ["4, stride=2, padding=1", "3", "2, stride=2"])
    def test_nothing_where_it_is_one(self, old: str) -> None:
        assert changes(f"import torch.nn as nn\nup = nn.ConvTranspose2d(1, 1, {old})\n", "even-kernel") == []

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (
                'UP = {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1}',
                'UP = {"kernel_size": 4, "stride": 2, "padding": 1, "output_padding": 0}',
            ),
            (
                "UP = dict(kernel_size=5, stride=2, padding=1, output_padding=0)",
                "UP = dict(kernel_size=6, stride=2, padding=2, output_padding=1)",
            ),
        ],
    )
    def test_options_that_several_layers_share_change_where_they_are_written(self, options: str, expected: str) -> None:
        layers = "one, two = nn.ConvTranspose2d(8, 4, **UP), nn.ConvTranspose2d(4, 1, **UP)"
        assert f"{expected}\n" in changes(f"import torch.nn as nn\n{options}\n{layers}\n", "even-kernel")[0]
