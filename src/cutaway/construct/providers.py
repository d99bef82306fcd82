"""The APIs of language models, through the makers' own libraries: Anthropic, and whatever speaks as OpenAI does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cutaway.construct.config import Annotator
from cutaway.construct.language import LanguageModel, Wire
from cutaway.construct.transcripts import Budget, Recorder, Send
from cutaway.core.errors import MissingExtraError, ProjectError, choose

SECONDS = 60.0
RETRIES = 3


def anthropic(url: str = "", key: str | None = None, seconds: float = SECONDS, retries: int = RETRIES) -> Send:
    """Sends requests to Anthropic's API, or to another address that speaks it. The key comes from ANTHROPIC_API_KEY.

    Limits of rate and faults of the server are tried again, with growing pauses.
    """
    try:
        import anthropic as library
    except ImportError:
        raise MissingExtraError("the annotator anthropic", "llm") from None

    def answer(request: Mapping[str, Any]) -> dict[str, Any]:
        with library.Anthropic(base_url=url or None, api_key=key, timeout=seconds, max_retries=retries) as client:
            found: dict[str, Any] = client.messages.create(**request).model_dump()
            return found

    return lambda request: _sent(lambda: answer(request), library.AnthropicError)


def openai(url: str = "", key: str | None = None, seconds: float = SECONDS, retries: int = RETRIES) -> Send:
    """Sends requests to OpenAI's API, or to any server that speaks it. The key comes from OPENAI_API_KEY."""
    try:
        import openai as library
    except ImportError:
        raise MissingExtraError("the annotator openai", "llm") from None

    def answer(request: Mapping[str, Any]) -> dict[str, Any]:
        with library.OpenAI(base_url=url or None, api_key=key, timeout=seconds, max_retries=retries) as client:
            found: dict[str, Any] = client.chat.completions.create(**request).model_dump()
            return found

    return lambda request: _sent(lambda: answer(request), library.OpenAIError)


def _sent(call: Callable[[], dict[str, Any]], fault: type[Exception]) -> dict[str, Any]:
    try:
        answer = call()
    except (fault, ValueError, AttributeError, TypeError) as error:
        said = " ".join(str(error).split())[:160]
        raise ProjectError(
            f"the language model did not answer ({type(error).__name__}: {said}); expected an answer; "
            "try again later, or another [annotator] in construct.toml"
        ) from None
    if not isinstance(answer, dict):
        raise ProjectError("the language model's answer is no object; expected one; check the address")
    return answer


PROVIDERS: Mapping[str, Callable[..., Send]] = {"anthropic": anthropic, "openai": openai}
DEFAULT_MODELS = {"anthropic": "claude-sonnet-4-5", "openai": "gpt-4o-mini"}


def language_model(settings: Annotator, root: Path, replay: bool = False) -> LanguageModel:
    """The annotator that construct.toml names; with `replay`, from transcripts alone and without network."""
    choose(settings.name, PROVIDERS, "language model")
    send = None if replay else PROVIDERS[settings.name](settings.url)
    recorder = Recorder(root, send, Budget(settings.calls, settings.tokens))
    return LanguageModel(Wire(settings.name), settings.model or DEFAULT_MODELS[settings.name], recorder)
