"""The words of the report itself, in the languages that it speaks."""

from __future__ import annotations

from collections.abc import Mapping

from lifecycle.report.model import Reason

_EN = {
    "title": "Lifecycle report",
    "run": "Run",
    "engine": "Engine",
    "host": "Host",
    "subject": "Ran as",
    "synthetic": "a person made for the sandbox",
    "time": "Time",
    "seconds": "s",
    "steps": "Steps",
    "gpu": "GPU checks",
    "gpu_real": "real",
    "gpu_simulated": "SIMULATED",
    "gpu_skipped": "skipped",
    "simulated_note": "These GPUs were simulated: nothing here was proved on a real one.",
    "scenarios": "Scenarios",
    "passed": "passed",
    "failed": "failed",
    "skipped": "skipped",
    "not-run": "not run",
    "error": "error",
    "kept": "kept",
    "broken": "broken",
    "unverified": "unverified",
    "why": "Why it failed",
    "what_failed": "What failed",
    "what_unverified": "Not verified",
    "line": "line",
    "command": "Command",
    "actual_command": "Really run",
    "reason": "Reason",
    "checks": "Checks",
    "check": "Check",
    "expected": "Expected",
    "actual": "Found",
    "source": "Seen in",
    "status": "Status",
    "findings": "Cause and remedy",
    "evidence": "Evidence",
    "user": "You can do this",
    "admin": "Ask an admin for this",
    "screen": "Screen",
    "screen_cut": "{n} bytes of this screen were cut.",
    "left_behind": "Left behind",
    "kept_on_purpose": "Kept on purpose",
    "to_remove": "To remove what --keep left, type",
    "foreign_touched": "Touched, but not ours",
    "others_meanwhile": "Meanwhile {n} things of others changed, not through this run",
    "touched_with_leave": "Touched with your leave (--allow-foreign)",
    "not_gated": "Not gated, as the scenario says: what its commands touch is seen by events only",
    "nothing": "nothing",
    "more": "and {n} more in the report",
    "report": "Report",
    "verdict_pass": "Everything that was promised was looked at and holds.",
    "verdict_unverified": "Nothing is broken, but not everything could be looked at.",
    "verdict_fail": "Something that was promised does not hold.",
    "why_steps_failed": "failed steps: {n}",
    "why_steps_error": "steps that the harness itself could not do: {n}",
    "why_steps_not_run": "steps not run: {n}",
    "why_left_behind": "things left behind: {n}",
    "why_foreign_touched": "things of others that were touched: {n}",
    "why_strict": "unverified, which --strict does not allow: {n}",
    "why_gpu_skipped": "skipped for want of a GPU, which --gpu require does not allow: {n}",
    "why_gpu_none": "no GPU was checked at all, which --gpu require does not allow",
    "why_nothing_passed": "no step passed, so nothing was proved",
}

_KO = {
    "title": "Lifecycle 보고서",
    "run": "실행",
    "engine": "엔진",
    "host": "호스트",
    "subject": "실행한 사용자",
    "synthetic": "샌드박스용으로 만든 사용자",
    "time": "시간",
    "seconds": "초",
    "steps": "단계",
    "gpu": "GPU 검사",
    "gpu_real": "실제",
    "gpu_simulated": "모의(SIMULATED)",
    "gpu_skipped": "건너뜀",
    "simulated_note": "모의 GPU로 검사했습니다. 실제 GPU에서 증명된 것은 없습니다.",
    "scenarios": "시나리오",
    "passed": "통과",
    "failed": "실패",
    "skipped": "건너뜀",
    "not-run": "실행 안 함",
    "error": "오류",
    "kept": "지켜짐",
    "broken": "어긋남",
    "unverified": "미확인",
    "why": "실패한 까닭",
    "what_failed": "실패한 단계",
    "what_unverified": "확인하지 못한 것",
    "line": "줄",
    "command": "명령",
    "actual_command": "실제로 실행한 명령",
    "reason": "이유",
    "checks": "검사",
    "check": "검사 항목",
    "expected": "기대한 값",
    "actual": "확인한 값",
    "source": "확인한 곳",
    "status": "상태",
    "findings": "원인과 해결 방법",
    "evidence": "근거",
    "user": "직접 할 수 있습니다",
    "admin": "관리자에게 요청하세요",
    "screen": "화면",
    "screen_cut": "이 화면에서 {n}바이트를 잘라 냈습니다.",
    "left_behind": "남은 것",
    "kept_on_purpose": "일부러 남긴 것",
    "to_remove": "--keep로 남긴 것을 지우려면 이렇게 입력하세요",
    "foreign_touched": "우리 것이 아닌데 건드린 것",
    "others_meanwhile": "그동안 다른 사람들이 바꾼 것: {n}개 (이 실행을 거치지 않음)",
    "touched_with_leave": "허락을 받아 건드린 것(--allow-foreign)",
    "not_gated": "게이트를 거치지 않음(시나리오의 설정): 명령이 건드린 것은 이벤트로만 확인됨",
    "nothing": "없음",
    "more": "그 밖에 {n}건은 보고서에 있습니다",
    "report": "보고서",
    "verdict_pass": "약속한 것을 모두 확인했고 모두 지켜졌습니다.",
    "verdict_unverified": "어긋난 것은 없지만, 확인하지 못한 것이 있습니다.",
    "verdict_fail": "약속한 것 가운데 지켜지지 않은 것이 있습니다.",
    "why_steps_failed": "실패한 단계: {n}",
    "why_steps_error": "도구 자체의 문제로 하지 못한 단계: {n}",
    "why_steps_not_run": "실행하지 않은 단계: {n}",
    "why_left_behind": "남은 것: {n}",
    "why_foreign_touched": "건드린 남의 것: {n}",
    "why_strict": "미확인(--strict에서는 실패): {n}",
    "why_gpu_skipped": "GPU가 없어 건너뜀(--gpu require에서는 실패): {n}",
    "why_gpu_none": "GPU를 하나도 검사하지 않음(--gpu require에서는 실패)",
    "why_nothing_passed": "통과한 단계가 없어 증명된 것이 없음",
}

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": _EN, "ko": _KO}


def language(lang: str) -> str:
    """The language to speak for one that was asked for: ``ko_KR.UTF-8`` is ``ko``."""
    short = lang[:2].lower()
    return short if short in LANGUAGES else "en"


def labels(lang: str) -> Mapping[str, str]:
    """The words of a language, English where it is not spoken."""
    return LANGUAGES[language(lang)]


def why(words: Mapping[str, str], reason: Reason) -> str:
    """One reason of a failed run in words."""
    return words[f"why_{reason.code}"].format(n=reason.count)


def verdict_sentence(words: Mapping[str, str], verdict: str) -> str:
    """What a verdict means, in a sentence."""
    if verdict.startswith("FAIL"):
        return words["verdict_fail"]
    return words["verdict_pass" if verdict == "PASS" else "verdict_unverified"]
