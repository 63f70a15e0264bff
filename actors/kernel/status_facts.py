"""Gathers what `%beaker status` says; how it reads is `beaker.kernel.commands`' business."""
