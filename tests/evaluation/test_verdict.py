from __future__ import annotations

import numpy as np

from presight.evaluation.score import packed_correct
from presight.evaluation.verdict import curve_title, gaps, headline, usefulness, verdict
from reporting.doubles import curve_scores, score, usual_scores


def test_the_verdict_names_its_interval_and_labels() -> None:
    told = verdict(usual_scores())
    assert told.before == "With 1,000 labels, frozen features reach"
    assert told.figure == "71.2\u00a0%"
    assert "67.1 to 75.0" in told.after
    assert "12.8 points (95 % interval 10.0 to 15.8) above the untrained network" in told.lede
    assert "By nearest neighbors it is 14.0 points" in told.lede
    assert "A blind guess reaches 10.0\u00a0%." in told.lede
    assert told.above_untrained
    assert told.sentence.isascii()
    assert told.sentence.startswith("With 1,000 labels, frozen features reach 71.2 % (95 % interv")


def test_without_scores_the_command_is_named() -> None:
    assert "presight evaluate" in verdict([]).lede


def test_worse_is_said_without_a_sign_to_misread() -> None:
    (first, *_) = gaps(usual_scores(0.4, 0.6), 1000)
    assert first.words.startswith("20.0 points (95 % interval ")
    assert first.words.endswith(") below the untrained network")
    low, high = first.words.partition("interval ")[2].partition(")")[0].split(" to ")
    assert 0 < float(low) < 20 < float(high)


def test_what_cannot_be_told_is_not_ranked() -> None:
    """Two of 500 images more, and different ones: inside the noise."""
    scores = usual_scores(0.5, 0.5)
    correct = np.arange(500) >= 252
    scores[3] = score("untrained", "linear", 0.496, correct=packed_correct(correct))
    assert gaps(scores, 1000)[0].low < 0 < gaps(scores, 1000)[0].high
    assert usefulness(scores).startswith("Cannot tell")
    assert not verdict(scores).above_untrained
    assert "not to be told from the untrained network" in curve_title(scores)


def test_scores_on_other_images_are_not_compared() -> None:
    scores = [score("pretrained", "linear", 0.5), score("untrained", "linear", 0.4, n=300)]
    assert gaps(scores, 1000) == []
    beside_pixels = [*scores, score("raw pixels", "linear", 0.3)]
    assert gaps(beside_pixels, 1000)[0].low > 0
    assert not verdict(beside_pixels).above_untrained
    assert "beside the rows" in curve_title(scores)
    assert "no untrained network" in usefulness(scores)


def test_the_verdict_is_about_the_most_labels_that_show_a_gain() -> None:
    scores = curve_scores()
    main = headline(scores)
    assert main is not None
    assert main.n_labels == 1000
    worse = [s for s in scores if not (s.row == "untrained" and s.n_train == 1000)]
    worse += [s for s in usual_scores(0.5, 0.9) if s.row == "untrained"]
    main = headline(worse)
    assert main is not None
    assert main.n_labels == 200
    assert usefulness(scores) == (
        "Yes: better than the untrained network with 50, 200 and 1,000 labels."
    )
    assert usefulness(worse).startswith("It depends: better with 50 and 200 labels and worse with")
