"""Model families. The only place that imports torch, diffusers, transformers, llama_cpp or TTS.

`engine.models` reaches a family by name, `engine.backends.{kind}.{family}`, and calls its `load(spec, weights)`.
"""
