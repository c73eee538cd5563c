"""pytest-jmeb: a release gate for chat models in healthcare.

The plugin is `jmeb_plugin.plugin`; these are the names that a user's own tests meet.
"""

from jmeb_plugin.clients.base import Message, Reply, Usage
from jmeb_plugin.errors import JmebError
from jmeb_plugin.scores import Record, Score, TurnScore
from jmeb_plugin.suite import Conversation, Suite, load_suite
from jmeb_plugin.transcript import Transcript, Turn
from jmeb_plugin.verdict import Result, Verdict

__all__ = [
    "Conversation",
    "JmebError",
    "Message",
    "Record",
    "Reply",
    "Result",
    "Score",
    "Suite",
    "Transcript",
    "Turn",
    "TurnScore",
    "Usage",
    "Verdict",
    "load_suite",
]
