"""The arithmetic: numbers in, frozen results out; no files, no pytest, no drawing of plots.

::

    figures       Figure, Interval: a number, or the reason why there is none
    columns       lists of numbers and their clusters as checked arrays; quartiles
    shares        pass rates: design effect, Wilson interval, its p-values
    resampling    means and medians: cluster bootstrap, its p-values
    comparisons   decay between turns: Mann-Whitney, Cohen's d, Bonferroni; Holm over gates
    agreement     two judges: correlations, ICC(2,1), agreement within 2, MAE; one judge's repeats
    paired        a run against the one before it: Wilcoxon's signed ranks, Holm's p-values
    raters        people: Krippendorff's alpha
    groups        two groups over the same guidelines: difference of means, Welch, double normalisation
    planning      how many conversations a question needs
    overlap       what texts have in common: shared n-grams over all pairs

Nothing else in this package imports scipy or numpy. Three promises hold throughout: an estimator
that draws takes a ``seed``, and equal input gives equal bytes; an undefined number is ``None``
with a reason, never 0.0, nan or a warning; nan or infinity going *in* is a ``ValueError``.
"""

from jmeb_plugin.stats.agreement import (
    bias,
    icc_2_1,
    mae,
    pearson,
    self_consistency,
    spearman,
    spearman_brown,
    within,
)
from jmeb_plugin.stats.columns import quartiles
from jmeb_plugin.stats.comparisons import DecayTest, cohen_d, decay_tests, holm, mann_whitney
from jmeb_plugin.stats.figures import Figure, Interval
from jmeb_plugin.stats.groups import difference_of_means, less_row_and_column, welch_t
from jmeb_plugin.stats.overlap import Overlaps, overlaps
from jmeb_plugin.stats.paired import holm_adjusted, wilcoxon
from jmeb_plugin.stats.planning import clustered_deff, conversations_needed, smallest_drop
from jmeb_plugin.stats.raters import krippendorff_alpha
from jmeb_plugin.stats.resampling import Resampled, bootstrap_mean, bootstrap_median
from jmeb_plugin.stats.shares import (
    Share,
    design_effect,
    share,
    share_p_above,
    share_p_below,
    wilson,
)

__all__ = [
    "DecayTest",
    "Figure",
    "Interval",
    "Overlaps",
    "Resampled",
    "Share",
    "bias",
    "bootstrap_mean",
    "bootstrap_median",
    "clustered_deff",
    "cohen_d",
    "conversations_needed",
    "decay_tests",
    "design_effect",
    "difference_of_means",
    "holm",
    "holm_adjusted",
    "icc_2_1",
    "krippendorff_alpha",
    "less_row_and_column",
    "mae",
    "mann_whitney",
    "overlaps",
    "pearson",
    "quartiles",
    "self_consistency",
    "share",
    "share_p_above",
    "share_p_below",
    "smallest_drop",
    "spearman",
    "spearman_brown",
    "welch_t",
    "wilcoxon",
    "wilson",
    "within",
]
