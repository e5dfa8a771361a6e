"""Renders conversations with the model's own chat template, as transformers does."""

import json
from pathlib import Path

from jinja2.sandbox import ImmutableSandboxedEnvironment

MODEL_DIR = Path(__file__).resolve().parents[1] / "resources" / "models" / "quire-demo"


class ChatTemplate:
    """Conversation to prompt text; `tools` are OpenAI tool definitions."""

    def __init__(self, model_dir=MODEL_DIR):
        env = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        env.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
        source = (Path(model_dir) / "chat_template.jinja").read_text(encoding="utf-8")
        self.template = env.from_string(source)

    def render(self, messages, tools=None, add_generation_prompt=False):
        return self.template.render(
            messages=messages, tools=tools, add_generation_prompt=add_generation_prompt
        )
