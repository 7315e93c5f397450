"""Configuration: a run resolved to plain numbers, written to and read from its folder."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from presight.core import automatic, plugins, registry, yamlfile
from presight.core import configuration as layout
from presight.core import options as option_list
from presight.core.batch import DataSpec
from presight.core.method import Card
from presight.core.plan import TrainPlan
from presight.core.registry import Entry
from presight.core.settings import Settings
from presight.core.values import plain
from presight.data.source import shown
from presight.errors import IntegrityError, RunError, UsageError
from presight.restore import Origin
from presight.store import atomic
from presight.store.folder import RunFolder
from presight.training.checkpoint import Checkpoints
from presight.training.runtime import pick_device

MAY_CHANGE = frozenset(
    (
        "epochs",
        "workers",
        "checkpoint_minutes",
        "keep",
        "device",
        "track",
        "cache_dir",
        "download",
        "on_collapse",
        "monitor_labels",
        "monitor_every",
        "out",
        "plugin",
        *layout.ORDERS,
    )
)
"""Options that a resumed run may be given anew; all others decide the result.

A plugin may lie elsewhere by now; what is in it may not change, see `resume`.
"""


@dataclass(frozen=True)
class Configuration:
    """Everything that decides a run, as plain values.

    Args:
        data: as the user named it.
        settings, plan: without any auto.
        options: of the method, all of them.
        spec: what the method knows of the data.
        fingerprint: of the data's content and order.
        origins: option -> where its value comes from.
        requested: what the user gave, by option.
        defaults: option -> the value that an empty command would have had, `auto` as the word;
            runs of before this was stored have none.
    """

    data: str
    settings: Settings
    plan: TrainPlan
    options: Mapping[str, Any]
    spec: DataSpec
    fingerprint: str
    origins: Mapping[str, str]
    requested: Mapping[str, Any]
    defaults: Mapping[str, Any]

    @property
    def origin(self) -> Origin:
        """What a backbone of this run is built from."""
        size = self.settings.image_size
        return Origin(
            backbone=self.settings.backbone,
            stem=self.settings.stem,
            image_size=self.spec.image_size if size == "auto" else size,
            method=self.settings.method,
            options=plain(self.options),
            spec=dataclasses.asdict(self.spec),
            seed=self.plan.seed,
            plugin=self.settings.plugin,
        )

    def to_yaml(self) -> str:
        """The text of config.yaml, each value with a comment of its origin."""
        return layout.text(
            layout.nested(self.data, self.settings, self.plan, self.options), self.origins
        )

    def write(self, folder: RunFolder) -> None:
        """Write config.yaml and data.json, and a copy of the user's file that holds the method."""
        found = registry.entry(self.settings.method, self.settings.plugin)
        if not found.module:
            atomic.write_bytes(folder.plugin, plugins.source_of(found))
        atomic.write_text(folder.config, self.to_yaml())
        told = {
            "layout": 1,
            "source": self.data,
            "fingerprint": self.fingerprint,
            "spec": dataclasses.asdict(self.spec),
            "requested": plain(self.requested),
            "origins": dict(self.origins),
            "defaults": dict(self.defaults),
        }
        atomic.write_json(folder.data, told)

    @classmethod
    def read(cls, folder: RunFolder, plugin: str = "") -> Configuration:
        """What was written.

        Args:
            folder: of the run.
            plugin: a Python file with methods, that this command names. The one that the run was
                made with is not imported by itself, as the folder may be somebody else's; without
                the method's code its options stay as they are written.

        Raises:
            IntegrityError: a file is missing or damaged.
        """
        try:
            told = json.loads(folder.data.read_text(encoding="utf-8"))
            flat = layout.flatten(yamlfile.read(folder.config))
            data = flat.pop("data")
            flat["plugin"] = plugin
            known = flat["method"] in registry.names(plugin)
            split = (option_list.split if known else option_list.split_without)(**flat)
            return cls(
                data=data,
                settings=split.settings,
                plan=TrainPlan(**split.plan),
                options=split.options,
                spec=DataSpec(**told["spec"]),
                fingerprint=told["fingerprint"],
                origins=told["origins"],
                requested=told["requested"],
                defaults=told.get("defaults", {}),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"the configuration of {folder} cannot be read ({error}). Restore config.yaml and "
                "data.json from a copy, or start anew with another --out."
            ) from error

    def resumed(
        self, data: str, settings: Settings, requested: Mapping[str, Any], folder: RunFolder
    ) -> Configuration:
        """This run's configuration, continued by a command.

        More epochs stretch the schedule; the warm-up stays as long as it was begun.

        Raises:
            RunError: the command differs in an option that decides the result, or asks for fewer
                epochs than are done.
        """
        before, now = {"data": self.data, **self.requested}, {"data": data, **plain(requested)}
        changed = [
            key
            for key in sorted(before.keys() | now.keys())
            if key not in MAY_CHANGE and before.get(key) != now.get(key)
        ]
        if changed:
            rows = [
                f"{key} | {before.get(key, 'not given')} | {now.get(key, 'not given')}"
                for key in changed
            ]
            raise RunError(
                f"{folder} belongs to another command. option | saved | now: {'; '.join(rows)}. "
                f"{', '.join(changed)} cannot change on resume; epochs, workers, device, keep and "
                f"checkpoint_minutes may. Start anew: --out {folder}2, or with --init {folder} to "
                "begin from its weights."
            )
        kept = {key: getattr(settings, key) for key in MAY_CHANGE if hasattr(settings, key)}
        if settings.workers == "auto":
            kept.pop("workers")
        origins = {**self.origins, **dict.fromkeys(MAY_CHANGE & requested.keys(), "user")}
        if settings.device == "auto":
            rule = automatic.device(pick_device("auto").type)
            kept["device"], origins["device"] = rule.value, f"auto: {rule.why}"
        epochs = requested.get("epochs", self.plan.epochs)
        self._check_length(epochs, folder)
        return dataclasses.replace(
            self,
            settings=dataclasses.replace(self.settings, **kept),
            plan=dataclasses.replace(self.plan, epochs=epochs),
            spec=dataclasses.replace(self.spec, epochs=epochs),
            origins=origins,
            requested={**self.requested, **plain(requested)},
        )

    def _check_length(self, epochs: float, folder: RunFolder) -> None:
        """Refuse fewer epochs than an unfinished run has done."""
        done = max(Checkpoints(folder.checkpoints).steps(), default=0)
        each = self.spec.updates_per_epoch
        if max(1, round(epochs * each)) >= done or folder.status == "done":
            return
        raise RunError(
            f"--epochs {epochs:g} is less than {folder} has done: {done:,} updates of {each:,} an "
            f"epoch. Give --epochs {math.ceil(100 * done / each) / 100:g} or more, or start anew: "
            f"--out {folder}2."
        )

    def lines(self, card: Card, device: str, precision: str) -> list[str]:
        """What a user should know before it starts."""
        spec, plan = self.spec, self.plan
        updates = round(plan.epochs * spec.updates_per_epoch)
        length = f"{plan.epochs:g} epochs, batch {plan.batch_size}, {updates:,} updates"
        solved = self.origins.get("epochs", "").startswith("auto: ")
        if self.settings.minutes and "epochs" not in self.requested and not solved:
            length = f"what fits {self.settings.minutes:g} minutes, batch {plan.batch_size}"
        resolved = [
            f"auto      {key.replace('_', '-')} {rule.removeprefix('auto: ')}"
            for key, rule in self.origins.items()
            if rule.startswith("auto: ")
        ]
        return [
            f"{card.title} ({card.authors} {card.year}), {self.settings.backbone}, "
            f"{spec.image_size} px, {precision}, {device}",
            f"data      {spec.n_samples:,} images of {shown(self.data)}",
            f"schedule  {length}, {plan.optimizer} at learning rate {plan.peak_lr():.4g}",
            *resolved,
        ]


def card_of_method(configuration: Configuration) -> Card:
    """The card of the configuration's method."""
    return registry.load(configuration.settings.method, configuration.settings.plugin).card


def entry_of_method(configuration: Configuration, folder: RunFolder) -> Entry:
    """What the method's card says, read without an import; where need be, of the run's copy.

    Raises:
        UsageError: the method is found nowhere, and the run kept no copy of it.
    """
    method, plugin = configuration.settings.method, configuration.settings.plugin
    if not plugin and method not in registry.names():
        if not folder.plugin.is_file():
            raise UsageError(
                f"the method of {folder}, {method}, is neither in presight nor in an installed "
                "package, and the run kept no copy of it. Give the Python file that it was made "
                "with: --plugin FILE."
            )
        plugin = str(folder.plugin)
    return registry.entry(method, plugin)
