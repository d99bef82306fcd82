"""The language model's path, end to end against a local HTTP server that speaks each API, its replay, and Ray."""

from __future__ import annotations

from _evidence import report
from _tests import ran

FAULTS = {
    "Anthropic and OpenAI-compatible requests, tool calls, unsound operations left out": [
        "test_language.py::test_it_describes_then_proposes_and_only_sound_operations_remain"
    ],
    "rate limits and faults of the server": [
        "test_language.py::test_limits_and_faults_of_the_server_are_tried_again"
    ],
    "a wrong key, answers that are no JSON, timeouts": [
        "test_language.py::test_what_cannot_be_mended_by_trying_is_said"
    ],
    "malformed answers": ["test_language.py::test_wires_survive_any_answer"],
    "an answer without calls": ["test_language.py::test_an_answer_without_calls_changes_nothing"],
    "budgets of calls and tokens": ["test_language.py::test_budgets_hold"],
    "hostile text in captions": ["test_language.py::test_text_of_strangers_cannot_leave_its_fence"],
    "replay of a transcript without network": [
        "test_language.py::test_the_transcript_is_replayed_without_network",
        "test_language.py::test_a_miss_in_a_replay_is_an_error",
        "test_language.py::test_a_changed_transcript_is_an_error",
    ],
    "Ray with 2 workers, and 2 processes, train to the same weights": [
        "test_growing.py::test_ray_trains_to_the_same_weights",
        "test_growing.py::test_several_workers_train_to_the_same_weights",
    ],
}  # fmt: skip


def main() -> None:
    rows = ran(FAULTS)
    report(
        "construct_language",
        "a vision-language model grows an ontology over HTTP through either API, whatever the server answers; its "
        "transcript is replayed without network; Ray trains to the same weights",
        rows,
        all(row["passed"] for row in rows),
        sum(row["cases"] for row in rows),
    )


if __name__ == "__main__":
    main()
