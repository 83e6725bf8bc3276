"""What the boards of a gateway work on; no board is asked here."""

from tifed.experiment import Experiment, to_toml
from tifed.nodes.context import DeviceSelection
from tifed.nodes.gateway.board_pool import BoardPool, Lines


def test_other_settings_of_the_link_are_noticed_though_the_experiment_is_the_same() -> None:
    pool = BoardPool(Lines(("tcp:127.0.0.1:1",)))
    try:
        texts = [
            to_toml(Experiment(devices=1, link={"on_reboot": what})) for what in ("repeat", "drop")
        ]
        first, again, other = (
            pool.context(text, DeviceSelection(first=0)) for text in (texts[0], texts[0], texts[1])
        )
        assert first is again
        assert other is not first
        assert other.experiment == first.experiment
    finally:
        pool.close()
