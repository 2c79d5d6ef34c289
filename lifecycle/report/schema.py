"""The JSON Schema of report.json: every key with what it means, for whoever reads it by program.

Objects whose keys are ours are closed, so that a test fails for a key that is told of nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from lifecycle.checks.check import CheckStatus, GpuKind
from lifecycle.diagnosis.finding import Who
from lifecycle.report.document import SCHEMA
from lifecycle.report.model import ReasonCode
from lifecycle.run.outcome import Lacks, StepStatus
from lifecycle.run.session.options import GpuOption
from lifecycle.text.json_object import Json

_VERDICT = r"^(PASS( WITH [1-9][0-9]* UNVERIFIED)?|FAIL)(, NOT GATED)?$"

_STEP_STATUS: Mapping[StepStatus, str] = {
    "passed": "something was run or observed, and nothing is broken",
    "failed": "at least one check is broken",
    "skipped": "it was left out on purpose; `reason` and `lacks` say why",
    "not-run": "an earlier step failed, or the run was ended before it",
    "error": "a fault of the tool itself",
}
_CHECK_STATUS: Mapping[CheckStatus, str] = {
    "kept": "it was looked at, and is as promised",
    "broken": "it was looked at, and is not",
    "unverified": "it was not looked at; `source` says why",
}
_LACKS: Mapping[Lacks, str] = {
    "gpu": "a GPU",
    "person": "somebody who plays the person that does it",
    "condition": "its `when` did not hold",
    "ours": "what it would remove was there before the run",
    "choice": "whoever started the run did not choose it",
    "nothing": "there was nothing to do",
}
_GPU_KIND: Mapping[GpuKind, str] = {
    "real": "GPUs of this machine",
    "simulated": "GPUs that a sandbox pretends to have",
}
_WHO: Mapping[Who, str] = {
    "user": "the person who ran it",
    "admin": "an admin of the machine",
}
_REASON: Mapping[ReasonCode, str] = {
    "steps_failed": "steps with the status `failed`",
    "steps_error": "steps with the status `error`",
    "steps_not_run": "steps with the status `not-run`",
    "left_behind": "things of the run that are still there",
    "foreign_touched": "things of others that the run changed",
    "strict": "unverified checks, under `--strict`",
    "gpu_skipped": "GPU checks that were skipped, under `--gpu require`",
    "gpu_none": "no GPU was checked at all, under `--gpu require`",
    "nothing_passed": "no step passed, so that nothing is proved",
}
_GPU_OPTION: Mapping[GpuOption, str] = {
    "auto": "GPU steps are done where there are GPUs",
    "require": "what can't be done for want of a GPU fails the run",
    "off": "GPU steps are left out on purpose",
}


def schema() -> Json:
    """The JSON Schema (draft 2020-12) of the document that this version writes."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"lifecycle report, schema {SCHEMA}",
        **_object(
            "What came of a run. A later version of lifecycle may add keys, and takes none away "
            "while `schema` is the same number.",
            schema={"const": SCHEMA, "description": "the number of this shape"},
            verdict=_text(
                "`PASS`, `PASS WITH n UNVERIFIED` or `FAIL`; `, NOT GATED` behind it where a "
                "scenario says `engine: as-written`",
                pattern=_VERDICT,
            ),
            run=_text("the run's id, which is in every name that it made"),
            engine=_ref("Engine", "the engine that it ran on; empty when it never began"),
            host=_ref("Host", "the machine it ran on; empty when it never began"),
            subject=_ref("Subject", "whom the commands ran as; empty when it never began"),
            scenarios=_list(_ref("Scenario"), "one a scenario file, and one a person of several"),
            gpu_checks=_ref("GpuChecks", "what became of the checks of GPUs"),
            left_behind=_texts("things of the run that are still there; they fail the run"),
            kept_on_purpose=_texts("what the run made and left, each with the reason"),
            to_remove=_texts("what to type to remove what `--keep` left"),
            foreign_touched=_texts("things of others that it changed; they fail the run"),
            others_meanwhile=_count(
                "how many things of others changed while it ran, and not by it"
            ),
            touched_with_leave=_texts("what `--allow-foreign` named and the run then touched"),
            not_gated=_texts("files of scenarios that say `engine: as-written`"),
            options=_ref("Options", "what whoever started it asked for"),
            seconds=_seconds("wall time of all its steps"),
            why_failed=_list(_ref("Reason"), "all that makes it `FAIL`; empty when it is none"),
        ),
        "$defs": {**_facts(), **_results()},
    }


def _facts() -> Json:
    return {
        "Engine": _empty_or_whole(
            "The engine.",
            address=_text("how it is reached, as `unix:///var/run/docker.sock`"),
            version=_text("its version"),
            id=_text("its own id"),
            storage=_text("its storage driver, as `overlay2`"),
            cgroup=_text("the version of control groups that it uses: `1` or `2`"),
            shares_machine=_flag("whether it runs on this machine, so that files can be compared"),
            equals_root=_flag("whether whoever may use it can be root on its machine"),
        ),
        "Host": _empty_or_whole(
            "The machine that the run was on.",
            name=_text("its name"),
            kernel=_text("its kernel's release"),
            gpus=_texts("the names of its GPUs"),
            gpus_seen_by=_text("how the GPUs were found, or why there are none"),
        ),
        "Subject": _empty_or_whole(
            "The person whom the commands ran as.",
            name=_text("the login"),
            uid=_count("the number of the user"),
            gid=_count("the number of the main group"),
            groups=_texts("the names of all groups"),
            home=_text("the home folder"),
            synthetic=_flag("whether the person was made for a sandbox"),
        ),
        "Options": _object(
            "Options that decide the verdict.",
            strict=_flag("`--strict`: anything unverified fails the run"),
            gpu=_one_of("`--gpu`", _GPU_OPTION, GpuOption),
            allow_foreign=_texts("`--allow-foreign`: what may be touched though it is another's"),
        ),
    }


def _results() -> Json:
    return {
        "Scenario": _object(
            "What came of one scenario file.",
            name=_text("its name; with the person in brackets where it ran for several"),
            file=_text("its path, from the folder where the run was started if it is below that"),
            status=_one_of(
                "the gravest of its steps': `error`, `failed`, `not-run`, `passed`, `skipped`",
                _STEP_STATUS,
                StepStatus,
            ),
            steps=_list(_ref("Step"), "its steps in order, `finally` and the clean-up last"),
        ),
        "Step": _object(
            "What came of one step.",
            name=_text("its name; without one, its command"),
            line=_count("its line in the file, counted from 1; 0 for the clean-up"),
            **{"as": _text("which of the scenario's people did it; empty for the run's subject")},
            command=_text(
                "the command as the author wrote it, with variables filled in; of another kind of "
                "step its keyword and what it takes, as `write: dockerfile`"
            ),
            actual_command=_text("the command as it ran, with the real names"),
            status=_one_of("follows from its checks", _STEP_STATUS, StepStatus),
            reason=_text("why the status is not `passed`; empty when it is"),
            lacks=_or_null(_one_of("what a skipped step lacked", _LACKS, Lacks)),
            seconds=_seconds("wall time"),
            checks=_list(_ref("Check"), "what was compared"),
            findings=_list(_ref("Finding"), "why it failed, where that is known"),
            screen=_text("the terminal after it as text, or what the command printed"),
            screen_cut=_count("bytes that were printed and are not in `screen`"),
        ),
        "Check": _object(
            "One fact, beside what was expected.",
            about=_text("what is compared, for people: `-v /nas:/workspace: writable inside`"),
            expected={"description": "what it should be, of any type"},
            actual={"description": "what it is, of any type; null when it was not looked at"},
            status=_one_of("how it ended", _CHECK_STATUS, CheckStatus),
            source=_text("where it was seen, or why it was not"),
            gpu=_or_null(_one_of("set where it is about GPUs inside", _GPU_KIND, GpuKind)),
        ),
        "Finding": _object(
            "A known cause.",
            id=_text("its stable name, as in findings.md"),
            cause=_text("the cause in a sentence or two, in the report's language"),
            evidence=_texts("what was looked up on this machine, or printed"),
            remedies=_list(_ref("Remedy"), "what can be done"),
        ),
        "Remedy": _object(
            "What somebody can do about it.",
            who=_one_of("who can do it", _WHO, Who),
            do=_text("what to do, in a sentence"),
            commands=_texts("lines to type"),
        ),
        "GpuChecks": _object(
            "How many checks of GPUs there were.",
            real=_count("made on GPUs of this machine"),
            simulated=_count("made on simulated GPUs, which proves nothing about real ones"),
            skipped=_count("not made, for want of a GPU"),
        ),
        "Reason": _object(
            "One cause of a failed run.",
            code=_one_of("which", _REASON, ReasonCode),
            count=_count("how often it was met"),
        ),
    }


def _object(description: str, **properties: Json) -> Json:
    return {
        "description": description,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _empty_or_whole(description: str, **properties: Json) -> Json:
    """Of a run that never began nothing is known."""
    made = _object(description, **properties)
    return {**made, "required": [], "dependentRequired": {key: [*properties] for key in properties}}


def _ref(name: str, description: str = "") -> Json:
    extra = {"description": description} if description else {}
    return {"$ref": f"#/$defs/{name}", **extra}


def _list(items: Json, description: str) -> Json:
    return {"description": description, "type": "array", "items": items}


def _text(description: str, **more: str) -> Json:
    return {"description": description, "type": "string", **more}


def _texts(description: str) -> Json:
    return _list({"type": "string"}, description)


def _count(description: str) -> Json:
    return {"description": description, "type": "integer", "minimum": 0}


def _seconds(description: str) -> Json:
    return {"description": f"{description}, in seconds", "type": "number", "minimum": 0}


def _flag(description: str) -> Json:
    return {"description": description, "type": "boolean"}


def _one_of(description: str, meanings: Mapping[Any, str], kind: object) -> Json:
    """One of the words of a Literal, each with what it means."""
    choices = [{"const": word, "description": meanings[word]} for word in get_args(kind)]
    return {"description": description, "oneOf": choices}


def _or_null(kind: Json) -> Json:
    return {**kind, "oneOf": [*kind["oneOf"], {"type": "null"}]}
