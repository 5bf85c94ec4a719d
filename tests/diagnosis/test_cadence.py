"""When steps are looked at."""

import itertools

from gradus.diagnosis.cadence import Cadence, glances, next_glance


def test_the_next_glance_is_the_first_one_to_come() -> None:
    taken = [step for step in range(5000) if glances(step)]
    following = {step: after for before, after in itertools.pairwise(taken) for step in range(before, after)}
    assert all(next_glance(step) == after for step, after in following.items())
    spacings = [after - before for before, after in itertools.pairwise(taken)]
    assert spacings == sorted(spacings)
    assert (spacings[0], spacings[-1]) == (8, 64)


def test_the_first_steps_are_examined_and_then_a_share_of_those_so_far_apart() -> None:
    cadence, examined = Cadence(0.01, []), []
    for step in range(150):
        if step >= cadence.next:
            cadence.examined(step, cost=1.0)  # whatever it costs: that counts later
            examined.append(step)
    assert examined[:10] == list(range(10))
    assert len(examined) == 20


def test_dear_examinations_come_at_twice_the_distance_each_and_it_is_noted() -> None:
    events: list[dict[str, object]] = []
    cadence = Cadence(0.01, events)
    cadence.examined(1000, cost=1.0)
    assert cadence.next == 1000 + 2 * 300
    cadence.examined(1600, cost=1.0)
    assert cadence.next == 1600 + 4 * 480
    assert [each["kind"] for each in events] == ["spacing", "spacing"]


def test_an_alarm_brings_the_next_step_forward_a_few_times() -> None:
    cadence = Cadence(0.01, [])
    for number in range(20):
        cadence.examined(1000 + 10 * number, cost=0.0)
        cadence.alarm(1005 + 10 * number)
        assert (cadence.next == 1006 + 10 * number) == (number < 12)
