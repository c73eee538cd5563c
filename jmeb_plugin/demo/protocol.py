"""Chat requests read, and answers written, in OpenAI's and in Anthropic's shapes. No I/O."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from jmeb_plugin.demo import JUDGES, MAKERS, TARGETS

CREATED = 1_760_000_000
"""The age every demo model claims; a clock would make answers differ."""

DEFAULT_LIMIT = 4096


class Malformed(ValueError):
    """The request's body is not what the protocol asks for."""


@dataclass(frozen=True, slots=True)
class Chat:
    """What was asked: the model (without ``demo/``), ``(role, text)`` pairs, limit in tokens."""

    model: str
    messages: tuple[tuple[str, str], ...]
    limit: int = DEFAULT_LIMIT

    @property
    def key(self) -> str:
        """The same for the same model and messages, whatever else the request says."""
        digest = blake2b(self.model.encode("utf-8", "surrogatepass"), digest_size=12)
        for role, text in self.messages:
            digest.update(f"\x00{role}\x01{text}".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def known(model: str) -> bool:
    """Whether the endpoint has that model."""
    return model in (*TARGETS, *JUDGES, *MAKERS)


def read_chat(body: bytes) -> Chat:
    """The chat in a request of either protocol; raises `Malformed` with a sentence for the user."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("the body is not valid JSON") from None
    if not isinstance(data, dict):
        raise Malformed("the body must be a JSON object")
    model = data.get("model")
    if not isinstance(model, str):
        raise Malformed("'model' must be a string")
    if data.get("stream"):
        raise Malformed("the demo endpoint does not stream; leave 'stream' out")
    entries = data.get("messages")
    if not isinstance(entries, list) or not entries:
        raise Malformed("'messages' must be a list of at least one message")
    system = [("system", _text(data["system"]))] if data.get("system") else []
    messages = (*system, *(_message(entry) for entry in entries))
    return Chat(model.removeprefix("demo/"), messages, _limit(data))


def _message(entry: object) -> tuple[str, str]:
    if not isinstance(entry, dict) or not isinstance(entry.get("role"), str):
        raise Malformed("each message must be an object with 'role' and 'content'")
    role = entry["role"]
    return ("system" if role == "developer" else role), _text(entry.get("content"))


def _text(content: object) -> str:
    """A message's text, given as a string or as a list of text blocks."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise Malformed("'content' must be a string or a list of text blocks")
    texts = [block.get("text") for block in content if isinstance(block, dict)]
    if len(texts) != len(content) or not all(isinstance(text, str) for text in texts):
        raise Malformed("'content' may hold text blocks only")
    return "\n".join(str(text) for text in texts)


def _limit(data: Mapping[str, Any]) -> int:
    limit = data.get("max_completion_tokens") or data.get("max_tokens") or DEFAULT_LIMIT
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise Malformed("'max_tokens' must be a positive integer")
    return limit


def count_tokens(text: str) -> int:
    """Tokens, roughly: half a token a character of Japanese, 1.3 tokens a word of English.

    A text is Japanese when a quarter of it is, judged by its length in UTF-8.
    """
    wide = (len(text.encode("utf-8", "surrogatepass")) - len(text)) // 2
    return math.ceil(len(text) / 2 if 4 * wide >= len(text) else 1.3 * len(text.split()))


def cut(text: str, limit: int) -> tuple[str, bool]:
    """The longest beginning of ``text`` within ``limit`` tokens, roughly, and whether it is cut."""
    if (count := count_tokens(text)) <= limit:
        return text, False
    while count > limit and text:
        text = text[: min(len(text) - 1, len(text) * limit // count)]
        count = count_tokens(text)
    return text, True


def openai_answer(chat: Chat, text: str) -> bytes:
    """A chat completion that carries ``text``, cut at the chat's limit."""
    text, was_cut = cut(text, chat.limit)
    prompt, completion = _usage(chat, text)
    return encode(
        {
            "id": f"chatcmpl-{chat.key}",
            "object": "chat.completion",
            "created": CREATED,
            "model": chat.model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "finish_reason": "length" if was_cut else "stop",
                    "logprobs": None,
                }
            ],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
                "prompt_tokens_details": {"cached_tokens": 0},
            },
        }
    )


def anthropic_answer(chat: Chat, text: str) -> bytes:
    """A message that carries ``text``, cut at the chat's limit."""
    text, was_cut = cut(text, chat.limit)
    prompt, completion = _usage(chat, text)
    return encode(
        {
            "id": f"msg_{chat.key}",
            "type": "message",
            "role": "assistant",
            "model": chat.model,
            "content": [{"type": "text", "text": text}],
            "stop_reason": "max_tokens" if was_cut else "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": prompt,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": completion,
            },
        }
    )


def _usage(chat: Chat, text: str) -> tuple[int, int]:
    return sum(count_tokens(said) for _, said in chat.messages), count_tokens(text)


def openai_error(message: str, kind: str, code: str | None = None) -> bytes:
    """An error in OpenAI's shape."""
    return encode({"error": {"message": message, "type": kind, "param": None, "code": code}})


def anthropic_error(message: str, kind: str) -> bytes:
    """An error in Anthropic's shape."""
    return encode({"type": "error", "error": {"type": kind, "message": message}})


def model_list() -> bytes:
    """What ``GET /v1/models`` answers."""
    return encode(
        {
            "object": "list",
            "data": [
                {"id": name, "object": "model", "created": CREATED, "owned_by": "jmeb-demo"}
                for name in (*TARGETS, *JUDGES, *MAKERS)
            ],
        }
    )


def encode(data: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8; a lone surrogate becomes a question mark."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
