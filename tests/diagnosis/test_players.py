"""Generators beside real data, on points made by hand."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from gradus.diagnosis.players import Anchor, Judged, read_code, read_latents, read_players, untaught, used
from gradus.diagnosis.signs import PlayersSigns

N = 32


def line(start: float, length: int = N) -> Tensor:
    """Points one apart: each has its fifth neighbour at most five away, those inside three."""
    return start + torch.arange(float(length))[:, None]


def judge(
    real: Tensor,
    fake: Tensor,
    real_scores: Tensor | None = None,
    fake_scores: Tensor | None = None,
    anchors: dict[int, Anchor] | None = None,
) -> PlayersSigns:
    generator, discriminator = nn.Linear(1, 1), nn.Linear(1, 1)
    scores = torch.ones(len(real), 1) if real_scores is None else real_scores
    other = torch.zeros(len(fake), 1) if fake_scores is None else fake_scores
    found = read_players(
        [
            Judged.of(discriminator, [real], scores),
            Judged.of(generator, [torch.randn(len(fake), 2)], fake),
            Judged.of(discriminator, [fake.detach()], other),
        ],
        {} if anchors is None else anchors,
    )
    assert found is not None
    return found


def test_a_generator_that_repeats_the_data_covers_all_of_it() -> None:
    signs = judge(line(0), line(0) + 0.5)
    assert (signs.spread, signs.coverage, signs.precision) == pytest.approx((1, 1, 1))


def test_one_that_makes_a_single_point_covers_its_neighbourhood() -> None:
    """At 15.75 a point lies within the radius, 3, of the 6 numbers from 13 to 18; its own spread is 0."""
    signs = judge(line(0), torch.full((N, 1), 15.75))
    assert signs.coverage == pytest.approx(6 / N)
    assert (signs.spread, signs.precision) == pytest.approx((0, 1))


def test_one_that_misses_the_data_is_not_precise() -> None:
    """Shifted by half the data: the last real point, 31, has its fifth neighbour 5 away, so it reaches to 36."""
    signs = judge(line(0), line(16))
    made = np.arange(16, 48)
    radii = [np.sort(np.abs(np.arange(N) - x))[5] for x in range(N)]
    inside = np.abs(made - np.arange(N)[:, None]) <= np.array(radii)[:, None]
    assert signs.precision == pytest.approx(inside.any(axis=0).mean()) == pytest.approx(21 / N)
    assert signs.coverage == pytest.approx(inside.any(axis=1).mean())
    far = judge(line(0), line(1000))
    assert (far.coverage, far.precision) == (0, 0)


def test_told_apart_is_the_area_under_the_curve() -> None:
    real, fake = torch.tensor([0.1, 0.4, 0.4, 0.9] * 8), torch.tensor([0.0, 0.4, 0.3, 0.2] * 8)
    signs = judge(line(0), line(0) + 0.5, real, fake)
    pairs = [(r > f) + 0.5 * (r == f) for r in real.tolist() for f in fake.tolist()]
    assert signs.told_apart == pytest.approx(np.mean(pairs))
    everything = torch.cat([real, fake]).double().numpy()
    gap = (real.double().mean() - fake.double().mean()).item() / everything.std()
    assert signs.gap == pytest.approx(gap, rel=1e-5)


def test_a_step_of_the_generator_alone_is_read_beside_earlier_data() -> None:
    anchors: dict[int, Anchor] = {}
    judge(line(0), line(0) + 0.5, anchors=anchors)
    generator, discriminator = nn.Linear(1, 1), nn.Linear(1, 1)
    fake = torch.full((N, 1), 15.75)
    alone = [Judged.of(generator, [torch.randn(N, 2)], fake), Judged.of(discriminator, [fake], torch.zeros(N, 1))]
    signs = read_players(alone, anchors)
    assert signs is not None
    assert (signs.spread, signs.told_apart) == (0, None)
    assert signs.coverage == pytest.approx(6 / N)
    assert read_players(alone, {}) is None


def test_who_learns_from_data_alone_is_no_judge() -> None:
    """A critic of actions, through which an actor learns; and features, by which pictures are compared."""
    actor, critic = nn.Linear(1, 1), nn.Linear(1, 1)
    data, state = line(0), torch.randn(N, 2)
    made = actor(line(0.5))
    passes = [
        Judged.of(critic, [data], torch.zeros(N, 1)),
        Judged.of(actor, [state], made),
        Judged.of(critic, [made], torch.zeros(N, 1), turn=1),
    ]
    assert read_players(passes, {}) is None
    assert read_players([*passes, passes[-1]], {}) is not None  # twice: the judge's turn, and its maker's
    together = [*passes[:2], Judged.of(critic, [made], torch.zeros(N, 1))]
    assert read_players(together, {}) is not None
    noisy = [Judged.of(critic, [made.detach() + 0.1], torch.zeros(N, 1)), *passes]
    assert read_players(noisy, {}) is not None
    features = [Judged.of(critic, [data], torch.zeros(N, 8)), passes[1], Judged.of(critic, [made], torch.zeros(N, 8))]
    assert read_players(features, {}) is None


def test_scores_that_are_all_alike_tell_nothing() -> None:
    signs = judge(line(0), line(0), torch.ones(N), torch.ones(N))
    assert (signs.told_apart, signs.gap) == (0.5, 0)


def test_without_a_judge_there_are_no_players() -> None:
    one, two = nn.Linear(1, 1), nn.Linear(1, 1)
    x, made = line(0), line(3)
    encoded = Judged.of(one, [x], made)
    assert read_players([], {}) is None
    # an encoder and a head: nothing real judged
    assert read_players([encoded, Judged.of(two, [made], line(5))], {}) is None
    assert read_players([encoded, Judged.of(one, [made], line(5))], {}) is None  # a model fed with its own output
    few = [Judged.of(two, [x[:8]], x[:8]), Judged.of(one, [x], made[:8]), Judged.of(two, [made[:8]], x[:8])]
    assert read_players(few, {}) is None


def test_modes_are_told_apart_and_counted() -> None:
    """Three clumps of twelve and a stray point, far from each other; samples lie near the first and the third."""
    clumps = torch.cat([0.1 * line(0, 12), 100 + 0.1 * line(0, 12), 200 + 0.1 * line(0, 12), torch.tensor([[500.0]])])
    anchors: dict[int, Anchor] = {}
    signs = judge(clumps, torch.cat([0.1 * line(0, 16) + 0.05, 200 + 0.1 * line(0, 16)]), anchors=anchors)
    assert (signs.modes, signs.covered, signs.moved) == (3, (0, 2), 0.0)
    again = judge(clumps.flip(0), torch.full((N, 1), 100.5), anchors=anchors)  # the modes keep their numbers
    assert (again.modes, again.covered) == (3, (1,))
    assert again.moved == pytest.approx(abs(100.5 - 100.775) / float(torch.cdist(clumps, clumps).mean()), rel=1e-4)


def test_data_in_one_piece_are_one_mode() -> None:
    assert judge(line(0), line(0)).modes == 1


@pytest.mark.parametrize(("used", "wide"), [(0, 4), (1, 4), (4, 4)])
def test_the_share_of_latents_in_use(used: int, wide: int) -> None:
    mean = 0.05 * torch.randn(64, wide, generator=torch.Generator().manual_seed(0))  # variance 0.0025
    mean[:, :used] *= 20
    assert read_latents((torch.ones(64, 9), mean, torch.zeros(64, wide))) == used / wide
    assert read_latents({"x": torch.ones(64, 9), "mu": mean, "logvar": torch.zeros(64, wide)}) == used / wide


@dataclass
class Odd:
    value: object = None


@pytest.mark.parametrize(
    "result",
    [
        torch.ones(64, 4), (torch.ones(64, 4),) * 2, (torch.ones(64, 4),) * 3,
        (torch.ones(64, 9), torch.ones(64, 4), 1.0),
        (torch.ones(4, 9), torch.ones(4, 2), torch.ones(4, 2)), (torch.ones(64, 9), torch.ones(64), torch.ones(64)),
        (torch.ones(64, 9), torch.ones(64, 4), torch.ones(64, 5)), {}, Odd(), None,
    ],
)  # fmt: skip
def test_what_is_no_autoencoder_has_no_latents(result: object) -> None:
    assert read_latents(result) is None


def test_a_sample_returned_with_its_distribution_is_not_taken_for_the_means() -> None:
    x, flat, sample = torch.randn(32, 10), torch.zeros(32, 4), torch.randn(32, 4)
    for order in ((x, flat, flat, sample), (x, sample, flat, flat)):
        assert read_latents(order) == 0
    assert read_latents((x, torch.randn(32, 4), flat, sample)) == 1
    normal = Normal(flat, torch.ones(32, 4))
    assert read_latents((x, normal)) == read_latents((x, Independent(normal, 1))) == 0


def test_codes_are_what_something_was_sampled_and_made_from() -> None:
    mean, scale = nn.Linear(3, 4)(torch.randn(32, 3)), nn.Linear(3, 4)(torch.randn(32, 3)).exp()
    decode, value = nn.Linear(4, 9), nn.Linear(3, 1)(torch.randn(32, 3))
    half, other = nn.Linear(3, 8)(torch.randn(32, 3)).chunk(2, dim=1)
    assert read_latents((decode(half + other.exp()), half, other)) is not None
    for sample in (mean + scale * torch.randn(32, 4), Normal(mean, scale).rsample()):
        assert read_latents((decode(sample), mean, scale)) is not None
    assert read_latents((value, mean, scale)) is None  # of a policy
    assert read_latents(((mean * scale).sum(1), mean, scale)) is None  # how alike two things are


def test_the_means_of_an_encoder() -> None:
    mean, log_variance = torch.randn(32, 4), torch.zeros(32, 4)
    code = read_code((mean, log_variance))
    assert code is not None
    assert torch.equal(code, mean)
    assert used(torch.cat([mean[:, :2], log_variance[:, :2]], dim=1)) == 0.5
    assert read_code((mean, log_variance[:, :1])) is None
    assert read_code((mean[:, :1], log_variance[:, :1])) is None  # one number and how sure it is
    assert read_code(mean) is None


class TestUntaught:
    """A maker's and a judge's turns, on what each is given and what of it the loss reaches."""

    def test_only_what_shares_a_turn_with_a_judge_whose_score_does_not_depend_on_it(self) -> None:
        maker, judge, x = nn.Linear(2, 3), nn.Linear(3, 1), torch.randn(N, 2)
        made, real = maker(x), torch.randn(N, 3)
        own, others = list(judge.parameters()), list(maker.parameters())
        cut, whole = made.detach(), made

        def turns(*given: tuple[int, Tensor]) -> list[Judged]:
            passes = [Judged.of(judge, [each], judge(each), turn) for turn, each in given]
            return [Judged.of(maker, [x], made), *passes]

        judging = ((0, cut), (0, real))
        assert untaught(turns(*judging, (1, cut)), [own, [*own, *others]]) is others[0]
        assert untaught(turns((0, cut), (1, cut), (1, real)), [[*own, *others], own]) is others[0]
        assert untaught(turns(*judging, (1, whole)), [own, [*own, *others]]) is None
        assert untaught(turns(*judging, (1, cut), (1, whole)), [own, [*own, *others]]) is None
        assert untaught(turns(*judging, (1, cut)), [own, others]) is None  # the score is only watched
        assert untaught(turns(*judging, (1, cut)), [own, own]) is None
        assert untaught(turns((0, real), (1, cut)), [own, [*own, *others]]) is None  # it judges nothing else
        assert untaught(turns(*judging, (1, cut)), [[*own, *others]] * 2) is None  # it has no turn

    def test_a_value_and_a_policy_of_the_same_states(self) -> None:
        policy, value, x, later = nn.Linear(2, 3), nn.Linear(2, 1), torch.randn(N, 2), torch.randn(N, 2)
        passes = [Judged.of(value, [each], value(each), turn) for turn in (0, 1) for each in (x, later)]
        own = list(value.parameters())
        judged = [Judged.of(policy, [x], policy(x)), *passes]
        assert untaught(judged, [own, [*own, *policy.parameters()]]) is None
