"""Why Does Batch Normalization Work? An article whose figures train while you read."""

__version__ = "0.1.0"
