"""Hooks that must come after other plugins', or only matter once there is a scenario.

Registered when the session starts, so that its wrapper lies round those of every other plugin:
``--lf`` and ``-k`` have chosen when it looks.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

from lifecycle.machine.garbage import all_is_loaded
from lifecycle.plugin.interrupts import KEY, Interrupts, pass_on
from lifecycle.scenario.recognise import is_scenario


class Late:
    """See the module; one a process."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._is_worker = hasattr(config, "workerinput")
        config.stash[KEY] = Interrupts()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, Any, Any]:
        """Bring back what the chosen steps need."""
        result = yield
        if any(hasattr(i.parent, "scenario") for i in items):
            from lifecycle.plugin.select import completed

            items[:] = completed(items)
            self._not_deselected(items)
        return result

    def _not_deselected(self, items: Iterable[pytest.Item]) -> None:
        """Count the items that we brought back as selected again."""
        terminal: Any = self._config.pluginmanager.getplugin("terminalreporter")
        stats = getattr(terminal, "stats", {})
        if "deselected" in stats:
            back = set(items)
            stats["deselected"] = [i for i in stats["deselected"] if i not in back]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """With the items known, the controller can report each of them, whatever dies."""
        if not self._is_worker:
            self._report_on([i.nodeid for i in session.items if hasattr(i.parent, "scenario")])
        if self._config.option.lifecycle_progress:
            all_is_loaded()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """The same, of what the workers collected."""
        self._report_on(ids)

    def _report_on(self, ids: list[str]) -> None:
        manager, option = self._config.pluginmanager, self._config.option
        root = self._config.rootpath
        names = dict.fromkeys(i.partition("::")[0] for i in ids)
        files = {n: root / n for n in names if _is_ours(root / n)}
        if not files or manager.hasplugin("lifecycle-reporter"):
            return
        from lifecycle.plugin.reporter import Reporter
        from lifecycle.plugin.wiring import options_of

        wide = getattr(option, "dist", "no") != "no"
        given = option.lifecycle_report
        reporter = Reporter(
            options_of(self._config),
            Path(given) if given else None,
            self._config.stash[KEY],
            progress=option.lifecycle_progress,
            side_by_side=wide,
        )
        users = list(dict.fromkeys(option.lifecycle_user))
        several = users if len(users) > 1 else ()
        reporter.expect(files, ids, self._config.invocation_params.dir, several)
        manager.register(reporter, "lifecycle-reporter")
        reporter.begin()
        if wide:
            pass_on(self._config.stash[KEY], reporter.tell_interrupt)


def _is_ours(path: Path) -> bool:
    return path.suffix in {".yaml", ".yml"} and path.is_file() and is_scenario(path)
