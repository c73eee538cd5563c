"""How numbers and verdicts are said, the same in every report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jmeb_plugin.figures import counted, rounded
from jmeb_plugin.verdict import NOT_RUN

HEADLINES = {0: "SAFE", 1: "UNSAFE", 10: "INCONCLUSIVE", 2: "INTERRUPTED", 4: "MISTAKE"}


def headline(results: Mapping[str, Any]) -> str:
    """The verdict of the run: a word and the reason."""
    run = results["run"]
    word = HEADLINES.get(run["exit_status"], f"STATUS {run['exit_status']}")
    return f"{word}: {run['exit_reason']}" if run["exit_reason"] else word


def early_end(rows: Sequence[Mapping[str, Any]]) -> tuple[int, int] | None:
    """How many of the conversations were held, and of how many; ``None`` where all of them were."""
    held = sum(row["reason"] != NOT_RUN.reason for row in rows)
    return None if held == len(rows) else (held, len(rows))


def early_text(results: Mapping[str, Any]) -> str:
    """That the run ended early, and what its figures are of; empty for a run that was held to its end."""
    if (ended := early_end(results["verdicts"])) is None:
        return ""
    held, every = ended
    if not held:
        return "ENDED EARLY: no conversation was held, so there are no figures"
    return f"ENDED EARLY: {held:,} of {counted(every, 'conversation')} were held; the figures are of those"


def number(value: float | None, places: int = 1) -> str:
    """A number, or a dash where there is none; never a negative zero."""
    return "–" if value is None else f"{round(value, places) + 0.0:.{places}f}"


def percent(value: float | None) -> str:
    """A share in percent; never a negative zero."""
    return "–" if value is None else f"{number(100 * value)} %"


def signed(value: float | None) -> str:
    """A difference with its sign; nought, whatever is left of a sum, has a plus."""
    return "–" if value is None else f"{round(value, 2) + 0.0:+.2f}"


def p_value(value: float | None) -> str:
    """A p-value as one writes it."""
    if value is None:
        return "p –"
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def tokens(count: int) -> str:
    """A number of tokens in k or M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return str(count)


def money(usd: float | None) -> str:
    """A price, or that there is none."""
    return "no price set" if usd is None else f"{usd:.2f} USD"


def outcomes(conversations: Mapping[str, int]) -> str:
    """How the conversations ended."""
    words = {
        "passed": "passed",
        "failed": "failed",
        "xfailed": "failed (excused)",
        "skipped": "unscored (excused)",
        "unscored": "unscored",
    }
    parts = [f"{conversations[name]} {word}" for name, word in words.items() if conversations[name]]
    return f"{counted(conversations['selected'], 'conversation')}: {', '.join(parts)}"


def model_facts(model: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What there is to say of a model, as labels and texts."""
    if model["safety_pass_rate"]["value"] is not None:
        yield from score_facts(model)
    if "regression" in model:
        yield "regression", regression_text(model["regression"])
    if (refused := model["over_refusal"])["n"]:
        yield "over-refusal", f"{share(refused)}; {medians(refused['turns'])}"
    judges = model["judges"]
    if judges["n"]:
        agreement = (
            f"within 2 points {percent(judges['within_2'])}, Spearman {number(judges['spearman'], 2)}, "
            f"ICC(2,1) {number(judges['icc_2_1'], 2)}, {counted(model['disputed'], 'turn')} disputed"
        )
        yield "judges", f"{judges['names'][0]} and {judges['names'][1]}: {agreement}"
    if model["withheld"]:
        yield "withheld", f"{counted(model['withheld'], 'answer')} by the provider's filter"
    if model["addresses_judge"]:
        speaking = counted(model["addresses_judge"], "answer speaks", "answers speak")
        yield "to the judge", f"{speaking} to whoever scores them"


def score_facts(model: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the scores say."""
    score, decay = model["score"], model["decay"]
    yield "safety pass rate", share(model["safety_pass_rate"])
    yield "score per turn", f"{medians(model['turns'])}; mean {with_span(score)}"
    yield "decay", f"mean {with_span(decay)}, collapsed {percent(decay['collapse_rate'])}"
    for test in decay["tests"]:
        first, last = test["turns"]
        figures = f"Cohen's d {number(test['cohen_d'], 2)}, {p_value(test['p_adjusted'])}"
        yield f"  turn {first} → {last}", f"{figures} (Mann-Whitney, Bonferroni)"
    yield "worst principles", worst(model["by_principle"])
    yield "worst strategies", worst(model["by_strategy"])


def share(rate: Mapping[str, Any]) -> str:
    """A share with its 95 % interval, and of how many conversations it is."""
    span = f"95 % interval {percent(rate['low'])} to {percent(rate['high'])}"
    return f"{percent(rate['value'])} ({span}; n {rate['n']}, deff {rate['deff']:.2f})"


def medians(turns: Sequence[Mapping[str, Any]]) -> str:
    """The median of each turn."""
    return "median " + " → ".join(number(turn["median"], 2) for turn in turns)


def regression_text(found: Mapping[str, Any]) -> str:
    """How a model compares with the baseline."""
    if "drop" not in found:
        return f"{found['run']}: {found['undefined']['drop']}"
    words = {"better": "better", "no-worse": "no worse", "worse": "worse", "cannot-tell": "cannot tell"}
    state = words[found["state"]]
    if found["real"] and found["state"] == "no-worse":
        state += ", though the drop is real"
    drop = with_span({"mean": found["drop"]["value"], **found["drop"]})
    against = f"{found['run']} ({found['model']}): {state}; mean drop {drop} over {found['n']}"
    changes = f"{counted(len(found['new_failures']), 'new failure')}, {len(found['fixed'])} fixed"
    return (
        f"{against}, {p_value(found['wilcoxon']['p'])} (Wilcoxon); {changes}{since_first(found.get('first'))}"
    )


def since_first(first: Mapping[str, Any] | None) -> str:
    """The drop to the first run that was ever accepted, so that small steps cannot add up unseen."""
    if not first or not first["drop"]:
        return ""
    return f"; to the first accepted run {first['run']} {number(first['drop']['value'], 2)}"


def with_span(figure: Mapping[str, float]) -> str:
    """A mean with its 95 % interval."""
    low, high = number(figure["low"], 2), number(figure["high"], 2)
    return f"{number(figure['mean'], 2)} ({low} to {high})"


def worst(slices: Mapping[str, Mapping[str, Any]], count: int = 3) -> str:
    """The slices with the lowest pass rates."""
    ranked = sorted(slices.items(), key=lambda item: (item[1]["safety_pass_rate"], item[1]["mean"]))
    return ", ".join(
        f"{name} {percent(row['safety_pass_rate'])} (mean {number(row['mean'])})"
        for name, row in ranked[:count]
    )


def usage_line(usage: Mapping[str, Any]) -> str:
    """Requests, tokens and price."""
    if not usage:
        return "nothing was asked"
    taken = f"{tokens(usage['input_tokens'])} tokens in ({tokens(usage['cached_tokens'])} cached)"
    given = f"{tokens(usage['output_tokens'])} out"
    return f"{counted(usage['requests'], 'request')}, {taken}, {given}, {money(usage['usd'])}"


def gate_row(gate: Mapping[str, Any]) -> tuple[str, str, str]:
    """A gate's state, name and figures."""
    name = " ".join(filter(None, (gate["name"], gate["slice"])))
    bar = (
        ""
        if gate["threshold"] is None
        else f"{'≥' if gate['name'].startswith('min') else '≤'} {gate['threshold']:g}"
    )
    span = "" if gate["low"] is None else f" ({rounded(gate['low'])} to {rounded(gate['high'])})"
    value = "" if gate["value"] is None else f"{rounded(gate['value'])}{span} "
    return gate["state"], name, f"{value}{bar}" + (f" · {gate['reason']}" if gate["reason"] else "")


def shown_gates(gates: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The gates worth a line each: all that decide, and of the slices those that do not hold."""
    return [g for g in gates if g["state"] != "off" and not (g["slice"] and g["state"] == "holds")]


def anchors_text(found: Mapping[str, Any]) -> str:
    """How the panel's mean scored the anchors, and what that took."""
    figures = f"Spearman {number(found['spearman'], 2)}, within 2 points {percent(found['within_2'])}"
    error = f"mean absolute error {number(found['mae'], 2)}, bias {number(found['bias'], 2)}"
    asked = usage_line(found["usage"]) if found["usage"] else "kept from an earlier run"
    return f"judges on {counted(found['n'], 'anchor')} ({found['judged']}): {figures}, {error}; {asked}"


def limits_lines(thresholds: Mapping[str, Any]) -> Iterator[str]:
    """What each conversation was held to, and how the gates were decided."""
    if "conversation" not in thresholds:
        return
    limits = ", ".join(f"{name} {value}" for name, value in limit_facts(thresholds))
    yield f"each conversation was held to {limits or 'no limit'}{overridden(thresholds)}"
    several = len(thresholds["release"]) > 1
    for model, release in thresholds["release"].items():
        by = {"bound": "95 % interval", "point": "estimate alone"}[release["decide_on"]]
        least = counted(release["min_conversations"] or 1, "conversation")
        yield f"gates{f' of {model}' if several else ''} are decided on the {by}, from {least} up"


def limit_facts(thresholds: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The limits of a conversation that are set, by their names in the file."""
    limits = {**thresholds["conversation"], "benign.min_turn_score": thresholds["benign"]["min_turn_score"]}
    for name, value in limits.items():
        if value is not None and (name, value) != ("on_dispute", "report"):
            yield name, value if isinstance(value, str) else f"{value:g}"


def overridden(thresholds: Mapping[str, Any]) -> str:
    """For which conversations there are other limits; empty where there are none."""
    if not thresholds["overrides"]:
        return ""
    return f"; other limits hold for {some([facets(o['when']) for o in thresholds['overrides']])}"


def facets(when: Mapping[str, str]) -> str:
    """What an override is for."""
    return " and ".join(f"{name}={value}" for name, value in when.items())


def waiver_lines(results: Mapping[str, Any]) -> Iterator[str]:
    """The waivers that matched: in force or expired, and how many conversations they meant."""
    for row in results["run"].get("waivers", ()):
        state = {"in-force": f"until {row['until']}", "expired": f"EXPIRED on {row['until']}"}[row["state"]]
        found = f"{row['failed']} of {counted(row['conversations'], 'conversation')} failed"
        yield f"known failure {row['id']} ({state}; {found}): {row['reason']}"


def remarks(results: Mapping[str, Any]) -> Iterator[str]:
    """What a reader must know of how the run was made."""
    run = results["run"]
    for suite in run["suites"]:
        yield (
            f"suite {suite['name']} {suite['version']}: {suite['note']}"
            if suite["note"]
            else f"suite {suite['name']} {suite['version']}"
        )
    if differs := results.get("baseline", {}).get("differs"):
        yield f"COMPARED BY FORCE: the baseline had other {' and other '.join(differs)}"
    if "anchors" in run:
        yield anchors_text(run["anchors"])
    thresholds = run["thresholds"]
    off = ", ".join(thresholds["off"]) or "nothing"
    yield f"thresholds {thresholds['path']} (sha256 {thresholds['sha256'][:12]}); off: {off}"
    yield from limits_lines(thresholds)
    if any(model.get("safety_pass_rate", {}).get("n") for model in results["models"].values()):
        yield "the safety pass rate counts every conversation whose turns all score above 2, passed or failed"
    yield from waiver_lines(results)
    held = sum(bool(g["slice"]) and g["state"] == "holds" for g in results["gates"])
    if held:
        rails = counted(held, "guard rail")
        yield f"{rails} of single languages and principles {'holds' if held == 1 else 'hold'}"
    passed = [v["id"] for v in results["verdicts"] if v["waived"] and v["outcome"] == "passed"]
    if passed:
        yield f"known failures that passed: {some(passed)}"
    for name, model in results["models"].items():
        changes = model.get("regression", {})
        for label, key in (("new failures", "new_failures"), ("fixed", "fixed")):
            if ids := changes.get(key):
                yield f"{label} of {name} against {changes['run']}: {some(ids)}"


def some(ids: Sequence[str], most: int = 10) -> str:
    """The first of many ids, and how many more there are."""
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(ids[:most]) + more
